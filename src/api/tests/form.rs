//! Values as fields of a form, as AWS's client libraries write them. The tests of a whole server
//! (`tests/it/live`) write theirs by this too.

use std::fmt::Write as _;

use serde_json::Value;

/// Appends the fields of `value`: lists by `.member.N`; maps, whose names end with `Attributes`,
/// by `.entry.N`.
pub fn flatten(name: &str, value: &Value, form: &mut String) {
    let below = |segment: &str| match name {
        "" => segment.to_owned(),
        name => format!("{name}.{segment}"),
    };
    let is_map = name.ends_with("Attributes");
    match value {
        Value::Null => {}
        Value::Object(members) if is_map => {
            for (index, (key, value)) in members.iter().enumerate() {
                let entry = below(&format!("entry.{}", index + 1));
                flatten(&format!("{entry}.key"), &Value::from(key.clone()), form);
                flatten(&format!("{entry}.value"), value, form);
            }
        }
        Value::Object(members) if members.is_empty() && !name.is_empty() => field(name, "", form),
        Value::Object(members) => {
            for (member, value) in members {
                flatten(&below(member), value, form);
            }
        }
        Value::Array(elements) if elements.is_empty() => field(name, "", form),
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                flatten(&below(&format!("member.{}", index + 1)), element, form);
            }
        }
        Value::String(text) => field(name, text, form),
        other => field(name, &other.to_string(), form),
    }
}

fn field(name: &str, value: &str, form: &mut String) {
    let _ = write!(form, "&{name}=");
    for byte in value.bytes() {
        match byte {
            b' ' => form.push('+'),
            b'-' | b'.' | b'_' | b'~' => form.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => form.push(char::from(byte)),
            byte => drop(write!(form, "%{byte:02X}")),
        }
    }
}
