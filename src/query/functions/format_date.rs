//! `formatDate(time, format [, zone])` with the codes of strftime (spec logs-insights.md 7.4).

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, FixedOffset, Timelike};

use super::zone::Zone;
use crate::values::Value;

pub fn format_date<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let (Some(ms), Some(format)) = (
        arguments.first().and_then(Value::to_number),
        arguments.get(1).and_then(Value::to_cow),
    ) else {
        return Value::Missing;
    };
    let zone = match arguments.get(2) {
        None => Some(Zone::utc()),
        Some(zone) => zone.to_text().and_then(|zone| Zone::parse(&zone)),
    };
    let instant = DateTime::from_timestamp_millis(ms as i64);
    Value::from_text(zone.zip(instant).map(|(zone, instant)| {
        let (local, name) = zone.local(instant);
        render(&format, &local, &name)
    }))
}

fn render(format: &str, at: &DateTime<FixedOffset>, zone: &str) -> String {
    let mut out = String::with_capacity(format.len() * 2);
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let Some(code) = chars.next() else {
            out.push('%');
            break;
        };
        // Writing to a String cannot fail.
        let _ = match code {
            'Y' => write!(out, "{:04}", at.year()),
            'L' => write!(out, "{:03}", at.timestamp_subsec_millis()),
            'f' => write!(out, "{:06}", at.timestamp_subsec_micros()),
            'I' => write!(out, "{:02}", at.hour12().1),
            'p' => write!(out, "{}", if at.hour12().0 { "PM" } else { "AM" }),
            'Z' => write!(out, "{zone}"),
            '%' => write!(out, "%"),
            'm' => write!(out, "{}", at.format("%m")),
            'd' => write!(out, "{}", at.format("%d")),
            'H' => write!(out, "{}", at.format("%H")),
            'M' => write!(out, "{}", at.format("%M")),
            'S' => write!(out, "{}", at.format("%S")),
            'y' => write!(out, "{}", at.format("%y")),
            'b' => write!(out, "{}", at.format("%b")),
            'B' => write!(out, "{}", at.format("%B")),
            'a' => write!(out, "{}", at.format("%a")),
            'A' => write!(out, "{}", at.format("%A")),
            'j' => write!(out, "{}", at.format("%j")),
            'e' => write!(out, "{}", at.format("%e")),
            'z' => write!(out, "{}", at.format("%z")),
            's' => write!(out, "{}", at.timestamp()),
            'F' => write!(out, "{}", at.format("%F")),
            'T' => write!(out, "{}", at.format("%T")),
            'D' => write!(out, "{}", at.format("%D")),
            unknown => write!(out, "%{unknown}"),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        let at = Value::Time(1_772_600_767_089); // 2026-03-04 05:06:07.089
        let call = |format: &'static str, zone: &'static str| {
            format_date(&[at.clone(), Value::text(format), Value::text(zone)])
        };
        for (format, zone, expected) in [
            ("%Y-%m-%d %H:%M:%S.%L", "UTC", "2026-03-04 05:06:07.089"),
            (
                "%F %T %z %Z",
                "Europe/Berlin",
                "2026-03-04 06:06:07 +0100 CET",
            ),
            ("%I:%M %p %f %%", "+09:00", "02:06 PM 089000 %"),
            (
                "%a %A %b %B %e %j %y %D %s",
                "Z",
                "Wed Wednesday Mar March  4 063 26 03/04/26 1772600767",
            ),
            ("%Q %", "UTC", "%Q %"),
        ] {
            assert_eq!(call(format, zone), Value::text(expected), "{format}");
        }
        assert_eq!(call("%F", "Nowhere/Land"), Value::Missing);
    }
}
