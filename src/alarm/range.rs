//! When an alarm is evaluated, and on which slots (spec alarms.md 3 and 6).

use belfry_model::TimestampMs;
use belfry_model::alarm::MetricAlarm;
use belfry_model::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// Alarms with a period below a minute are evaluated this often.
pub const HIGH_RESOLUTION_STEP_MS: i64 = 10 * SECOND_MS;

/// The smallest and one past the largest offset of an alarm from its evaluation instant, in
/// seconds: late samples of the minute are in, and the work is spread (spec alarms.md 3).
const OFFSET_S: std::ops::Range<u64> = 5..25;

/// Periods looked at, more than the N that decide: `N + max(2, ceil(60 / P))`.
pub fn evaluation_range(period_s: u32, evaluation_periods: u32) -> u32 {
    let a_minute_of_periods = 60u32.div_ceil(period_s.max(1));
    evaluation_periods.saturating_add(a_minute_of_periods.max(2))
}

/// How long after each evaluation instant this alarm's turn is: a stable hash of its ARN.
/// Whole seconds, so that alarms share a turn and with it their reads.
pub fn offset_ms(alarm_arn: &str) -> i64 {
    let spread = OFFSET_S.end - OFFSET_S.start;
    let seconds = OFFSET_S.start + stable_hash(alarm_arn) % spread;
    i64::try_from(seconds).unwrap_or_default() * SECOND_MS
}

/// The same on every machine and in every version: FNV-1a, 64 bits, finished with the mixer of
/// SplitMix64 (bare FNV spreads its low bits badly on names that differ in one place).
pub fn stable_hash(text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// The order of an alarm's evaluations in time: at `E + offset` for every multiple `E` of `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    pub step_ms: i64,
    pub offset_ms: i64,
}

impl Cadence {
    /// Every minute; every 10 s below a period of a minute; every hour for multi-day alarms.
    pub fn of(alarm: &MetricAlarm, offset_ms: i64) -> Self {
        let span_ms = i64::from(alarm.period_s)
            .saturating_mul(i64::from(alarm.evaluation_periods))
            .saturating_mul(SECOND_MS);
        let step_ms = if alarm.period_s < 60 {
            HIGH_RESOLUTION_STEP_MS
        } else if span_ms > DAY_MS {
            HOUR_MS
        } else {
            MINUTE_MS
        };
        Self { step_ms, offset_ms }
    }

    /// The evaluation instant E of the latest turn at or before `now`.
    pub fn instant_at(&self, now: TimestampMs) -> TimestampMs {
        now.saturating_sub_ms(self.offset_ms).floor_to(self.step_ms)
    }

    /// The latest turn at or before `now`.
    pub fn turn_at(&self, now: TimestampMs) -> TimestampMs {
        self.instant_at(now).saturating_add_ms(self.offset_ms)
    }

    /// The first turn after `now`.
    pub fn turn_after(&self, now: TimestampMs) -> TimestampMs {
        self.turn_at(now).saturating_add_ms(self.step_ms)
    }
}

/// The slots of one evaluation: `slots` periods that end at `end`. Slot `k` (1 = newest) covers
/// `[end − k·P, end − (k−1)·P)` and is stamped with its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub end: TimestampMs,
    pub period_s: u32,
    pub slots: u32,
}

impl Window {
    pub fn of(alarm: &MetricAlarm, instant: TimestampMs) -> Self {
        Self {
            end: instant,
            period_s: alarm.period_s,
            slots: evaluation_range(alarm.period_s, alarm.evaluation_periods),
        }
    }

    pub fn period_ms(&self) -> i64 {
        i64::from(self.period_s) * SECOND_MS
    }

    /// Start of the slot of this age; 1 is the newest.
    pub fn slot_start(&self, age: u32) -> TimestampMs {
        self.end
            .saturating_sub_ms(self.period_ms().saturating_mul(i64::from(age)))
    }

    /// Start of the oldest slot.
    pub fn start(&self) -> TimestampMs {
        self.slot_start(self.slots)
    }

    /// Starts of all slots, oldest first.
    pub fn slot_starts(&self) -> impl Iterator<Item = TimestampMs> + '_ {
        (1..=self.slots).rev().map(|age| self.slot_start(age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, at};

    #[test]
    fn range_has_the_known_points() {
        assert_eq!(evaluation_range(300, 3), 5); // documented
        assert_eq!(evaluation_range(10, 3), 9); // observed
        assert_eq!(evaluation_range(20, 1), 4);
        assert_eq!(evaluation_range(30, 1), 3);
        assert_eq!(evaluation_range(60, 1), 3);
        assert_eq!(evaluation_range(0, u32::MAX), u32::MAX);
    }

    #[test]
    fn windows_slide_by_the_minute() {
        let mut alarm = sample::alarm();
        alarm.period_s = 300;
        alarm.evaluation_periods = 3;
        let window = Window::of(&alarm, at("2026-02-03T12:16:00Z"));
        let newest: Vec<_> = window.slot_starts().skip(2).collect();
        assert_eq!(
            newest,
            [
                at("2026-02-03T12:01:00Z"),
                at("2026-02-03T12:06:00Z"),
                at("2026-02-03T12:11:00Z")
            ]
        );
        assert_eq!(window.start(), at("2026-02-03T11:51:00Z"));
    }

    #[test]
    fn multi_day_alarms_have_an_hourly_cadence() {
        let mut alarm = sample::alarm();
        alarm.period_s = 3600;
        alarm.evaluation_periods = 24;
        assert_eq!(Cadence::of(&alarm, 0).step_ms, MINUTE_MS);
        alarm.evaluation_periods = 25;
        let cadence = Cadence::of(&alarm, 0);
        // A failure at 10:02 shows at 11:00.
        assert_eq!(
            cadence.turn_after(at("2026-02-03T10:02:00Z")),
            at("2026-02-03T11:00:00Z")
        );
    }

    #[test]
    fn turns_come_an_offset_after_their_instant() {
        let mut alarm = sample::alarm();
        alarm.period_s = 10;
        let cadence = Cadence::of(&alarm, 17_000);
        let now = at("2026-02-03T10:00:29Z");
        assert_eq!(cadence.instant_at(now), at("2026-02-03T10:00:10Z"));
        assert_eq!(cadence.turn_at(now), at("2026-02-03T10:00:27Z"));
        assert_eq!(cadence.turn_after(now), at("2026-02-03T10:00:37Z"));
        assert_eq!(cadence.turn_at(cadence.turn_at(now)), cadence.turn_at(now));
    }

    #[test]
    fn offsets_are_stable_and_spread() {
        // Pinned: another value after an upgrade would move every alarm's turn.
        assert_eq!(stable_hash("belfry"), 0x3a60_bd28_483f_29e4);
        let mut seen = [0u32; 25];
        for i in 0..2_000 {
            let offset = offset_ms(&format!(
                "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a{i}"
            ));
            assert!((5_000..25_000).contains(&offset));
            assert_eq!(offset % 1_000, 0);
            seen[usize::try_from(offset / 1_000).expect("small")] += 1;
        }
        assert!(
            seen[5..].iter().all(|&count| (60..140).contains(&count)),
            "{seen:?}"
        );
    }
}
