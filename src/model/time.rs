//! Instants as milliseconds since the Unix epoch, and the text forms AWS uses.

use std::fmt;
use std::ops::{Add, Sub};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TimestampMs(pub i64);

impl TimestampMs {
    pub const MIN: Self = Self(i64::MIN);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(SECOND_MS))
    }

    /// Whole seconds, rounded towards the past.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(SECOND_MS)
    }

    /// Rounded towards the past to a multiple of `step_ms` since the epoch; [`Self::MIN`] where
    /// there is none.
    pub const fn floor_to(self, step_ms: i64) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(step_ms)))
    }

    pub const fn saturating_add_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    pub const fn saturating_sub_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// `None` outside of the years chrono can name.
    pub fn to_datetime(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.0)
    }

    /// `2026-01-15T12:00:00Z`, with `.mmm` only where there are milliseconds.
    pub fn to_iso8601(self) -> String {
        let format = if self.0.rem_euclid(SECOND_MS) == 0 {
            SecondsFormat::Secs
        } else {
            SecondsFormat::Millis
        };
        self.to_datetime()
            .map_or_else(|| self.0.to_string(), |t| t.to_rfc3339_opts(format, true))
    }

    /// Always with milliseconds: `2026-01-15T12:00:00.000Z`.
    pub fn to_iso8601_millis(self) -> String {
        self.to_datetime().map_or_else(
            || self.0.to_string(),
            |t| t.to_rfc3339_opts(SecondsFormat::Millis, true),
        )
    }

    /// As alarms write it: `2026-02-03T10:06:21.125+0000` (spec alarms.md 8).
    pub fn to_alarm_text(self) -> String {
        self.to_datetime().map_or_else(
            || self.0.to_string(),
            |t| t.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string(),
        )
    }

    /// As Logs Insights writes it: `2026-02-03 10:06:21.125`.
    pub fn to_insights_text(self) -> String {
        self.to_datetime().map_or_else(
            || self.0.to_string(),
            |t| t.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        )
    }

    /// Reads RFC 3339 / ISO 8601 with an offset or `Z`.
    pub fn parse_iso8601(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|t| Self(t.timestamp_millis()))
    }
}

impl fmt::Display for TimestampMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso8601())
    }
}

impl Add<i64> for TimestampMs {
    type Output = Self;
    fn add(self, ms: i64) -> Self {
        self.saturating_add_ms(ms)
    }
}

impl Sub<TimestampMs> for TimestampMs {
    type Output = i64;
    fn sub(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_towards_the_past_without_overflow() {
        let floor = |ms: i64| TimestampMs(ms).floor_to(MINUTE_MS).0;
        assert_eq!(floor(119_999), 60_000);
        assert_eq!(floor(-1), -60_000);
        assert_eq!(floor(i64::MIN), i64::MIN);
        assert_eq!(floor(i64::MIN + 1), i64::MIN);
    }
}
