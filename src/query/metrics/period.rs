//! Periods and alignment (spec metrics.md 5).

use belfry_model::TimestampMs;
use belfry_model::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// The longest period of GetMetricStatistics, in seconds.
pub const STATISTICS_PERIOD_MAX_S: u32 = 86_400;

/// How long data of a resolution is kept (spec metrics.md 6), which is what a query that starts
/// before may ask for: (age in ms, its period must be a multiple of this many seconds).
const AGE_RULES: [(i64, u32); 3] = [(3 * HOUR_MS, 60), (15 * DAY_MS, 300), (63 * DAY_MS, 3600)];

/// 1, 5, 10, 20, 30 or a multiple of 60 seconds.
pub const fn is_valid(period_s: u32) -> bool {
    matches!(period_s, 1 | 5 | 10 | 20 | 30) || (period_s > 0 && period_s.is_multiple_of(60))
}

/// The start of the first bucket: `start` rounded down, to what its age calls for, or to the
/// fraction of a minute that a short period is.
pub fn first_bucket(start: TimestampMs, period_s: u32, now: TimestampMs) -> TimestampMs {
    let age_ms = now - start;
    let step_ms = if period_s < 60 {
        i64::from(period_s.max(1)) * SECOND_MS
    } else if age_ms < 15 * DAY_MS {
        MINUTE_MS
    } else if age_ms <= 63 * DAY_MS {
        5 * MINUTE_MS
    } else {
        HOUR_MS
    };
    start.floor_to(step_ms)
}

/// The first bucket that may have data: where a start is too old for its period, the buckets
/// before are empty. Counted in whole periods from `first`.
pub fn first_readable(first: TimestampMs, period_s: u32, now: TimestampMs) -> TimestampMs {
    let period_ms = i64::from(period_s.max(1)) * SECOND_MS;
    let mut readable = first;
    for (age_ms, multiple_s) in AGE_RULES {
        if period_s.is_multiple_of(multiple_s) {
            continue;
        }
        let oldest = now.saturating_sub_ms(age_ms);
        if readable < oldest {
            let missing = (oldest - first).saturating_add(period_ms - 1) / period_ms;
            readable = first.saturating_add_ms(missing.saturating_mul(period_ms));
        }
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> TimestampMs {
        TimestampMs::parse_iso8601(text).unwrap()
    }

    #[test]
    fn starts_are_rounded_by_age_and_period() {
        let now = at("2026-06-01T00:00:00Z");
        for (start, period_s, expected) in [
            ("2026-05-31T12:07:31Z", 300, "2026-05-31T12:07:00Z"),
            ("2026-05-31T12:07:31Z", 20, "2026-05-31T12:07:20Z"),
            ("2026-05-31T12:07:31.5Z", 1, "2026-05-31T12:07:31Z"),
            ("2026-05-01T12:07:31Z", 300, "2026-05-01T12:05:00Z"),
            ("2026-01-01T12:07:31Z", 3600, "2026-01-01T12:00:00Z"),
        ] {
            assert_eq!(
                first_bucket(at(start), period_s, now),
                at(expected),
                "{start} {period_s}"
            );
        }
    }

    #[test]
    fn what_is_too_old_for_a_period_is_not_read() {
        let now = at("2026-06-01T12:00:00Z");
        let first = at("2026-06-01T08:00:00Z");
        assert_eq!(first_readable(first, 60, now), first);
        assert_eq!(first_readable(first, 10, now), at("2026-06-01T09:00:00Z"));
        let old = at("2026-01-01T00:00:00Z");
        assert_eq!(first_readable(old, 3600, now), old);
        // Counted in whole periods from the first bucket.
        assert_eq!(first_readable(old, 420, now), at("2026-05-17T12:00:00Z"));
    }

    #[test]
    fn valid_periods() {
        for period_s in [1, 5, 10, 20, 30, 60, 120, 604_800] {
            assert!(is_valid(period_s), "{period_s}");
        }
        for period_s in [0, 2, 15, 45, 61, 90] {
            assert!(!is_valid(period_s), "{period_s}");
        }
    }
}
