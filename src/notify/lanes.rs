//! Keeps rows for one receiver in order where that costs nothing.
//!
//! Standard topics promise no order, but "ALARM" then "OK" should not turn around because
//! both were due at once. So one worker sends what it claimed for one subscription one after
//! the other. A row that has to be retried lets later ones pass.

use std::collections::{HashMap, VecDeque};

use belfry_catalog::outbox::{OutboxKind, OutboxRow};
use belfry_model::TimestampMs;

/// The worker's rows by what they must not overtake.
#[derive(Default)]
pub(crate) struct Lanes {
    /// Lanes in which a row is under way, and the rows behind it.
    busy: HashMap<String, VecDeque<OutboxRow>>,
    waiting: usize,
}

impl Lanes {
    /// The lane of a row: its subscription, or the topic it is published to.
    pub fn lane(row: &OutboxRow) -> String {
        let member = match row.kind {
            OutboxKind::Publish => "topic_arn",
            OutboxKind::Delivery => "subscription_arn",
            OutboxKind::Confirmation => "message_id",
        };
        row.payload
            .get(member)
            .and_then(|value| value.as_str())
            .map_or_else(|| row.id.to_string(), str::to_owned)
    }

    /// Returns the row if its lane is free, which it then occupies; else it waits.
    pub fn enter(&mut self, lane: &str, row: OutboxRow) -> Option<OutboxRow> {
        match self.busy.get_mut(lane) {
            Some(behind) => {
                behind.push_back(row);
                self.waiting = self.waiting.saturating_add(1);
                None
            }
            None => {
                self.busy.insert(lane.to_owned(), VecDeque::new());
                Some(row)
            }
        }
    }

    /// The row of this lane is done: the next one, or the lane is free. Rows whose claim ends
    /// before `fresh_until` are let go; whoever claims them next starts over.
    pub fn leave(&mut self, lane: &str, fresh_until: TimestampMs) -> Option<OutboxRow> {
        let behind = self.busy.get_mut(lane)?;
        while let Some(row) = behind.pop_front() {
            self.waiting = self.waiting.saturating_sub(1);
            if row.claimed_until.is_some_and(|until| until >= fresh_until) {
                return Some(row);
            }
        }
        self.busy.remove(lane);
        None
    }

    pub fn waiting(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belfry_model::Tenant;
    use serde_json::json;
    use ulid::Ulid;

    fn row(subscription: &str, number: u32, claimed_until: i64) -> OutboxRow {
        OutboxRow {
            id: Ulid::from_parts(0, u128::from(number)),
            tenant: Tenant::new("a", "r"),
            kind: OutboxKind::Delivery,
            order_key: None,
            idempotency_key: String::new(),
            payload: json!({"subscription_arn": subscription}),
            created_at: TimestampMs(0),
            due_at: TimestampMs(0),
            attempts: number,
            claimed_until: Some(TimestampMs(claimed_until)),
        }
    }

    #[test]
    fn one_at_a_time_in_order_and_none_with_a_stale_claim() {
        let mut lanes = Lanes::default();
        let mut enter = |row: OutboxRow| lanes.enter(&Lanes::lane(&row), row).map(|r| r.attempts);
        assert_eq!(enter(row("a", 1, 100)), Some(1));
        assert_eq!(enter(row("a", 2, 100)), None);
        assert_eq!(enter(row("b", 3, 100)), Some(3));
        assert_eq!(enter(row("a", 4, 10)), None);
        assert_eq!(enter(row("a", 5, 100)), None);
        assert_eq!(lanes.waiting(), 3);
        let mut leave = |lane| lanes.leave(lane, TimestampMs(50)).map(|r| r.attempts);
        assert_eq!(leave("a"), Some(2));
        assert_eq!(leave("a"), Some(5));
        assert_eq!(leave("b"), None);
        assert_eq!(leave("a"), None);
        assert_eq!(leave("a"), None);
        assert_eq!(lanes.waiting(), 0);
        assert_eq!(
            lanes.enter("a", row("a", 6, 100)).map(|r| r.attempts),
            Some(6)
        );
    }
}
