//! Time zones by name or offset, for `parseDate` and `formatDate`.

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, Offset, TimeZone, Utc};

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    Fixed(FixedOffset),
    Named(chrono_tz::Tz),
}

impl Zone {
    pub fn utc() -> Self {
        Self::Fixed(Utc.fix())
    }

    /// `UTC`, `Z`, `+02:00`, `-0530`, `Europe/Berlin`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if matches!(text, "Z" | "UTC" | "GMT") {
            return Some(Self::utc());
        }
        match parse_offset(text) {
            Some((offset, "")) => Some(Self::Fixed(offset)),
            _ => text.parse().ok().map(Self::Named),
        }
    }

    /// The zone's local time at an instant, with its offset, and the zone's name then.
    pub fn local(self, at: DateTime<Utc>) -> (DateTime<FixedOffset>, String) {
        match self {
            Self::Fixed(offset) => {
                let name = match offset.local_minus_utc() {
                    0 => "UTC".to_owned(),
                    _ => offset.to_string(),
                };
                (at.with_timezone(&offset), name)
            }
            Self::Named(zone) => {
                let local = at.with_timezone(&zone);
                let name = local.format("%Z").to_string();
                (local.fixed_offset(), name)
            }
        }
    }

    /// The instant of a local time; the earlier one where clocks are set back, `None` where they
    /// skip it.
    pub fn instant(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let earliest = |result: LocalResult<DateTime<Utc>>| result.earliest();
        match self {
            Self::Fixed(offset) => earliest(offset.from_local_datetime(&local).map(|t| t.to_utc())),
            Self::Named(zone) => earliest(zone.from_local_datetime(&local).map(|t| t.to_utc())),
        }
    }
}

/// `+hh`, `+hhmm` or `+hh:mm` at the start of `text`, and the rest.
pub fn parse_offset(text: &str) -> Option<(FixedOffset, &str)> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let (hours, rest) = two_digits(rest)?;
    let (minutes, rest) = two_digits(rest.strip_prefix(':').unwrap_or(rest)).unwrap_or((0, rest));
    if minutes > 59 {
        return None;
    }
    let offset = FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))?;
    Some((offset, rest))
}

fn two_digits(text: &str) -> Option<(i32, &str)> {
    let digits = text.get(..2)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((digits.parse().ok()?, text.get(2..)?))
}
