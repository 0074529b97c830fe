//! What a retention policy hides.

use belfry_catalog::log_groups::LogGroup;
use belfry_model::TimestampMs;
use belfry_model::time::DAY_MS;

/// Events older than this are hidden at `now`, by the policy in force or by a stricter one
/// before it: a longer retention does not revive them (spec logs-semantics.md 1.2).
pub fn hidden_before(group: &LogGroup, now: TimestampMs) -> Option<TimestampMs> {
    let by_policy = group
        .retention_days
        .map(|days| now.saturating_sub_ms(i64::from(days).saturating_mul(DAY_MS)));
    by_policy.max(group.hidden_before)
}
