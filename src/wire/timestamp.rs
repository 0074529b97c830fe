//! [`Timestamp`]: an instant as each protocol writes it.

use std::fmt;

use belfry_model::TimestampMs;
use chrono::NaiveDateTime;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name under which a [`Timestamp`] passes through serde, so that the XML writer knows it.
pub(crate) const TIMESTAMP_NAME: &str = "belfry.Timestamp";

/// CBOR's tag for seconds since the epoch.
const EPOCH_TAG: u64 = 1;

/// Seconds beyond this have no calendar date (about the year 200,000).
const EPOCH_SECONDS_ABS_MAX: f64 = 6.0e12;

/// A member of the model's type `timestamp` (spec wire-protocols.md 3 and 4.1).
///
/// Reads epoch seconds as any kind of number, and ISO 8601 text; what is finer than a
/// millisecond is cut off. Writes a JSON number of seconds, ISO 8601 in XML, and a tagged float
/// in CBOR (the Rust SDK reads nothing but floats there).
///
/// Not for the event times of Logs, which are plain integers of milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub TimestampMs);

impl Timestamp {
    pub const fn from_millis(ms: i64) -> Self {
        Self(TimestampMs(ms))
    }

    pub const fn ms(self) -> TimestampMs {
        self.0
    }

    /// `None` when `seconds` is not finite or has no calendar date.
    pub fn from_epoch_seconds(seconds: f64) -> Option<Self> {
        if !seconds.is_finite() || seconds.abs() > EPOCH_SECONDS_ABS_MAX {
            return None;
        }
        // The double nearest to a whole millisecond means that millisecond, also in the far
        // future, where doubles are coarser than microseconds.
        let nearest = (seconds * 1e3).round();
        if nearest / 1e3 == seconds {
            return Some(Self::from_millis(nearest as i64));
        }
        // A double near today resolves 0.2 µs: rounding to microseconds first keeps the
        // millisecond of `1768478400.123`, whose nearest double is just below it.
        let micros = (seconds * 1e6).round() as i64;
        Some(Self::from_millis(micros.div_euclid(1_000)))
    }

    /// Reads ISO 8601 with `Z`, an offset or nothing (UTC), a bare date, or epoch seconds.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(ms) = TimestampMs::parse_iso8601(text) {
            return Some(Self(ms));
        }
        if let Ok(time) = chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z") {
            return Some(Self::from_millis(time.timestamp_millis()));
        }
        if let Ok(time) = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f") {
            return Some(Self::from_millis(time.and_utc().timestamp_millis()));
        }
        if let Ok(date) = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            let midnight = date.and_time(chrono::NaiveTime::MIN).and_utc();
            return Some(Self::from_millis(midnight.timestamp_millis()));
        }
        text.parse().ok().and_then(Self::from_epoch_seconds)
    }

    fn epoch_seconds(self) -> f64 {
        self.0.0 as f64 / 1_000.0
    }
}

impl From<TimestampMs> for Timestamp {
    fn from(ms: TimestampMs) -> Self {
        Self(ms)
    }
}

impl From<Timestamp> for TimestampMs {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Seconds as a JSON number: an integer when whole.
struct EpochSeconds(Timestamp);

impl Serialize for EpochSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ms = self.0.0.0;
        if ms.rem_euclid(1_000) == 0 {
            serializer.serialize_i64(ms.div_euclid(1_000))
        } else {
            serializer.serialize_f64(self.0.epoch_seconds())
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_newtype_struct(TIMESTAMP_NAME, &EpochSeconds(*self))
        } else {
            ciborium::tag::Required::<f64, EPOCH_TAG>(self.epoch_seconds()).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimestampVisitor)
    }
}

struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timestamp")
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Timestamp, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Timestamp, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Timestamp, E> {
        Timestamp::from_epoch_seconds(seconds)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Float(seconds), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        Timestamp::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_millisecond_survives_being_written_as_seconds() {
        for ms in [203_417_352_000_123, -62_135_596_799_999, 1_768_478_400_123] {
            let time = Timestamp::from_millis(ms);
            assert_eq!(
                Timestamp::from_epoch_seconds(time.epoch_seconds()),
                Some(time)
            );
        }
    }

    #[test]
    fn cuts_to_the_millisecond_and_not_below_it() {
        for (seconds, ms) in [
            (1_768_478_400.0, 1_768_478_400_000),
            (1_768_478_400.123, 1_768_478_400_123),
            (1_768_478_400.123_456, 1_768_478_400_123),
            (1_768_478_400.999_9, 1_768_478_400_999),
            (-0.5, -500),
        ] {
            assert_eq!(
                Timestamp::from_epoch_seconds(seconds),
                Some(Timestamp::from_millis(ms)),
                "{seconds}"
            );
        }
        assert_eq!(Timestamp::from_epoch_seconds(f64::NAN), None);
        assert_eq!(Timestamp::from_epoch_seconds(1e300), None);
    }

    #[test]
    fn reads_the_texts_of_all_clients() {
        let noon = Timestamp::from_millis(1_768_478_400_000);
        for text in [
            "2026-01-15T12:00:00Z",
            "2026-01-15T12:00:00.000Z",
            "2026-01-15T13:00:00+01:00",
            "2026-01-15T12:00:00+0000",
            "2026-01-15T12:00:00",
            "1768478400",
            "1768478400.0",
        ] {
            assert_eq!(Timestamp::parse(text), Some(noon), "{text}");
        }
        let fine = Timestamp::parse("2026-01-15T12:00:00.123456Z");
        assert_eq!(fine, Some(Timestamp::from_millis(1_768_478_400_123)));
        assert_eq!(Timestamp::parse("noon"), None);
        assert_eq!(Timestamp::parse(""), None);
    }

    #[test]
    fn json_is_a_number_and_an_integer_when_whole() {
        let json = |ms| serde_json::to_string(&Timestamp::from_millis(ms)).expect("json");
        assert_eq!(json(1_768_478_400_000), "1768478400");
        assert_eq!(json(1_768_478_400_123), "1768478400.123");
    }
}
