//! Network flow logs and resolver query logs: a fixed number of columns between blanks. A `-` is
//! missing.

use crate::values::Value;

pub(super) const FLOW: [&str; 14] = [
    "version",
    "accountId",
    "interfaceId",
    "srcAddr",
    "dstAddr",
    "srcPort",
    "dstPort",
    "protocol",
    "packets",
    "bytes",
    "startTime",
    "endTime",
    "action",
    "logStatus",
];

pub(super) const RESOLVER: [&str; 10] = [
    "version",
    "queryTimestamp",
    "hostZoneId",
    "queryName",
    "queryType",
    "responseCode",
    "protocol",
    "edgeLocation",
    "resolverIp",
    "ednsClientSubnet",
];

pub(super) fn field(message: &str, name: &str) -> Value<'static> {
    if !FLOW.contains(&name) && !RESOLVER.contains(&name) {
        return Value::Missing;
    }
    // One more than the widest family: a longer line is none of them.
    let columns: Vec<&str> = message
        .split_ascii_whitespace()
        .take(FLOW.len() + 1)
        .collect();
    let names: &[&str] = if is_flow(&columns) {
        &FLOW
    } else if is_resolver(&columns) {
        &RESOLVER
    } else {
        return Value::Missing;
    };
    let column = names
        .iter()
        .position(|known| *known == name)
        .and_then(|at| columns.get(at));
    match column {
        Some(&"-") | None => Value::Missing,
        Some(text) => Value::text((*text).to_owned()),
    }
}

fn is_flow(columns: &[&str]) -> bool {
    matches!(
        columns,
        [version, _, interface, .., "OK" | "NODATA" | "SKIPDATA"]
            if columns.len() == FLOW.len()
                && version.bytes().all(|b| b.is_ascii_digit())
                && interface.starts_with("eni-")
    )
}

fn is_resolver(columns: &[&str]) -> bool {
    matches!(
        columns,
        ["1.0" | "1.1", timestamp, zone, ..]
            if columns.len() == RESOLVER.len()
                && zone.starts_with('Z')
                && chrono::DateTime::parse_from_rfc3339(timestamp).is_ok()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_by_name() {
        let flow = "2 123456789012 eni-0a1b2c3d 10.0.1.5 - 44321 443 6 10 5000 1 2 ACCEPT OK";
        assert_eq!(field(flow, "srcAddr"), Value::text("10.0.1.5"));
        assert_eq!(field(flow, "dstAddr"), Value::Missing);
        assert_eq!(field(flow, "queryName"), Value::Missing);
        assert_eq!(field("2 1 eni-1 OK", "version"), Value::Missing);
        let resolver = "1.0 2026-03-04T05:00:00Z Z1 www.example.com A NOERROR UDP FRA6 192.0.2.1 -";
        assert_eq!(field(resolver, "queryName"), Value::text("www.example.com"));
        assert_eq!(field(resolver, "ednsClientSubnet"), Value::Missing);
        assert_eq!(
            field(&format!("{resolver} more"), "queryName"),
            Value::Missing
        );
    }
}
