//! The lines of functions: `START RequestId: …`, `REPORT RequestId: …` and lines that carry a
//! request id, with the first JSON object embedded in them.

use crate::values::Value;
use crate::values::number_text::parse_number;

use super::json_object;

/// The service reports memory in MB of 1,000,000 bytes.
const BYTES_PER_MB: f64 = 1_000_000.0;

/// Beside the fields of an embedded JSON object.
pub(super) const FIELDS: [&str; 9] = [
    "@type",
    "@requestId",
    "@duration",
    "@billedDuration",
    "@initDuration",
    "@memorySize",
    "@maxMemoryUsed",
    "@xrayTraceId",
    "@xraySegmentId",
];

/// The JSON object in a line of a function.
pub(super) fn object(message: &str) -> Option<&str> {
    let is_function_log = message_type(message).is_some() || request_id(message).is_some();
    is_function_log
        .then(|| json_object::embedded(message))
        .flatten()
}

pub(super) fn field(message: &str, name: &str) -> Value<'static> {
    let message_type = message_type(message);
    let request_id = request_id(message);
    if message_type.is_none() && request_id.is_none() {
        return Value::Missing;
    }
    let in_ms = |label| Value::from_number(labelled(message, label, "ms"));
    let in_mb =
        |label| Value::from_number(labelled(message, label, "MB").map(|v| v * BYTES_PER_MB));
    let word = |label| Value::from_text(labelled_word(message, label).map(str::to_owned));
    match name {
        "@type" => Value::from_text(message_type),
        "@requestId" => Value::from_text(request_id.map(str::to_owned)),
        "@duration" => in_ms("Duration: "),
        "@billedDuration" => in_ms("Billed Duration: "),
        "@initDuration" => in_ms("Init Duration: "),
        "@memorySize" => in_mb("Memory Size: "),
        "@maxMemoryUsed" => in_mb("Max Memory Used: "),
        "@xrayTraceId" => word("XRAY TraceId: "),
        "@xraySegmentId" => word("SegmentId: "),
        _ => match json_object::path(name) {
            Some(path) => json_object::embedded(message)
                .map_or(Value::Missing, |object| json_object::field(object, path)),
            None => Value::Missing,
        },
    }
}

fn message_type(message: &str) -> Option<&'static str> {
    if message.starts_with("INIT_START") {
        return Some("INIT_START");
    }
    ["START", "END", "REPORT"].into_iter().find(|word| {
        message
            .strip_prefix(word)
            .is_some_and(|rest| rest.starts_with(" RequestId:"))
    })
}

/// After `RequestId:` anywhere, or the second tab column, if it is a UUID.
fn request_id(message: &str) -> Option<&str> {
    let after_label = message
        .split_once("RequestId:")
        .and_then(|(_, rest)| uuid_prefix(rest.trim_start_matches(' ')));
    after_label.or_else(|| {
        let column = message.split('\t').nth(1)?;
        uuid_prefix(column).filter(|id| id.len() == column.len())
    })
}

const UUID_LENGTH: usize = 36;

fn uuid_prefix(text: &str) -> Option<&str> {
    let id = text.get(..UUID_LENGTH)?;
    let is_uuid = id.bytes().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    });
    is_uuid.then_some(id)
}

/// The number between a label, which starts a tab column, and its unit.
fn labelled(message: &str, label: &str, unit: &str) -> Option<f64> {
    let mut columns = message.split(['\t', '\n']);
    let rest = columns.find_map(|column| column.strip_prefix(label))?;
    parse_number(rest.trim_end().strip_suffix(unit)?)
}

fn labelled_word<'m>(message: &'m str, label: &str) -> Option<&'m str> {
    let mut columns = message.split(['\t', '\n']);
    let rest = columns.find_map(|column| column.strip_prefix(label))?;
    rest.split_ascii_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "REPORT RequestId: 1b4e28ba-2fa1-4d3b-9a3f-000000000001\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 256 MB\tMax Memory Used: 90 MB\tInit Duration: 310.25 ms\t\nXRAY TraceId: 1-5e\tSegmentId: 2d\tSampled: true";

    #[test]
    fn report_lines() {
        assert_eq!(field(REPORT, "@type"), Value::text("REPORT"));
        assert_eq!(field(REPORT, "@duration"), Value::Number(12.5));
        assert_eq!(field(REPORT, "@billedDuration"), Value::Number(13.0));
        assert_eq!(field(REPORT, "@memorySize"), Value::Number(256e6));
        assert_eq!(field(REPORT, "@xraySegmentId"), Value::text("2d"));
    }

    #[test]
    fn embedded_json_needs_the_shape_of_a_function_log() {
        let line = "2026\t1b4e28ba-2fa1-4d3b-9a3f-000000000004\tINFO\t{\"op\":\"pay\",\"@v\":1.0}";
        assert_eq!(field(line, "op"), Value::text("pay"));
        assert_eq!(field(line, "@@v"), Value::Written("1.0".into()));
        assert_eq!(field(line, "@type"), Value::Missing);
        assert_eq!(field("plain {\"op\":\"pay\"}", "op"), Value::Missing);
        assert_eq!(field("START of something", "@type"), Value::Missing);
    }
}
