//! What happens to the events of one PutLogEvents call.

use belfry_catalog::log_groups::LogGroup;
use belfry_model::TimestampMs;
use belfry_model::quota::{LOG_AGE_MS_MAX, LOG_FUTURE_MS_MAX};
use belfry_model::time::DAY_MS;

/// Which events of a batch are refused (spec logs-semantics.md 2.2). The batch is in ascending
/// order of time, so refused events stand at its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RejectedRanges {
    /// From this index on, events lie more than two hours in the future.
    pub too_new_start: Option<usize>,
    /// Below this index, events are older than 14 days.
    pub too_old_end: Option<usize>,
    /// Below this index, events are older than the group's retention.
    pub expired_end: Option<usize>,
}

impl RejectedRanges {
    /// Judges ascending `timestamps` (milliseconds) at the time `now`. `visible_from` is where
    /// the group's retention begins, see [`retention_start`].
    pub fn compute(
        timestamps: &[i64],
        visible_from: Option<TimestampMs>,
        now: TimestampMs,
    ) -> Self {
        let newest = now.saturating_add_ms(LOG_FUTURE_MS_MAX).0;
        let oldest = now.saturating_sub_ms(LOG_AGE_MS_MAX).0;
        let below = |limit: i64| {
            let end = timestamps.partition_point(|&t| t < limit);
            (end > 0).then_some(end)
        };
        let new_start = timestamps.partition_point(|&t| t <= newest);
        Self {
            too_new_start: (new_start < timestamps.len()).then_some(new_start),
            too_old_end: below(oldest),
            expired_end: visible_from.and_then(|from| below(from.0)),
        }
    }

    /// The indexes that are kept.
    pub fn accepted(&self, events: usize) -> std::ops::Range<usize> {
        let end = self.too_new_start.unwrap_or(events).min(events);
        let start = self
            .too_old_end
            .unwrap_or(0)
            .max(self.expired_end.unwrap_or(0));
        start.min(end)..end
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The first millisecond of a group that reads may see at `now`: what its retention leaves, and
/// what a shorter one before did not hide. `None` when nothing is hidden.
pub fn retention_start(group: &LogGroup, now: TimestampMs) -> Option<TimestampMs> {
    let by_days = group
        .retention_days
        .map(|days| now.saturating_sub_ms(i64::from(days).saturating_mul(DAY_MS)));
    by_days.max(group.hidden_before)
}

/// What a call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutOutcome {
    pub rejected: RejectedRanges,
    /// How many events were stored.
    pub accepted: usize,
    pub ingestion_time: TimestampMs,
    /// The call's number: `seq` of its events' keys.
    pub seq: u64,
    /// This call had been applied before (a retry): nothing was stored now.
    pub repeated: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimestampMs = TimestampMs(1_800_000_000_000);

    #[test]
    fn keeps_events_from_14_days_ago_to_2_hours_ahead_inclusive() {
        let t = [
            NOW.0 - LOG_AGE_MS_MAX - 1,
            NOW.0 - LOG_AGE_MS_MAX,
            NOW.0,
            NOW.0 + LOG_FUTURE_MS_MAX,
            NOW.0 + LOG_FUTURE_MS_MAX + 1,
        ];
        let rejected = RejectedRanges::compute(&t, None, NOW);
        assert_eq!(rejected.too_old_end, Some(1));
        assert_eq!(rejected.too_new_start, Some(4));
        assert_eq!(rejected.expired_end, None);
        assert_eq!(rejected.accepted(5), 1..4);
    }

    #[test]
    fn each_range_is_computed_on_its_own() {
        let t = [NOW.0 - LOG_AGE_MS_MAX - 1, NOW.0 - 2 * DAY_MS, NOW.0];
        let rejected = RejectedRanges::compute(&t, Some(NOW.saturating_sub_ms(DAY_MS)), NOW);
        assert_eq!(rejected.too_old_end, Some(1));
        assert_eq!(rejected.expired_end, Some(2));
        assert_eq!(rejected.accepted(3), 2..3);
    }

    #[test]
    fn a_batch_may_be_refused_whole() {
        let rejected = RejectedRanges::compute(&[0], None, NOW);
        assert_eq!(rejected.too_old_end, Some(1));
        assert!(rejected.accepted(1).is_empty());
        let rejected = RejectedRanges::compute(&[i64::MAX], None, NOW);
        assert_eq!(rejected.too_new_start, Some(0));
        assert!(rejected.accepted(1).is_empty());
    }
}
