//! Notifications on their way: written in the transaction that causes them, delivered at
//! least once, one row for each attempt chain.

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::alarms::AlarmHistoryItem;
use crate::error::Result;

/// What a row asks for. The payloads belong to `belfry-notify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxKind {
    /// Publish a message to a topic: becomes one delivery for each subscription.
    Publish,
    /// Deliver one message to one subscription.
    Delivery,
    /// Ask an endpoint to confirm its subscription, or tell it that it was removed.
    Confirmation,
}

impl OutboxKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Delivery => "delivery",
            Self::Confirmation => "confirmation",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct NewOutboxRow {
    pub tenant: Tenant,
    pub kind: OutboxKind,
    /// Rows of one non-empty key are delivered in order, one at a time.
    pub order_key: Option<String>,
    /// A second row with this key is silently not inserted.
    pub idempotency_key: String,
    pub payload: serde_json::Value,
    pub due_at: TimestampMs,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    pub id: Ulid,
    pub tenant: Tenant,
    pub kind: OutboxKind,
    pub order_key: Option<String>,
    pub idempotency_key: String,
    pub payload: serde_json::Value,
    pub created_at: TimestampMs,
    pub due_at: TimestampMs,
    /// Attempts made so far.
    pub attempts: u32,
    /// Set while somebody works on it; others may take it after this.
    pub claimed_until: Option<TimestampMs>,
}

#[async_trait]
pub trait OutboxCatalog: Send + Sync {
    async fn enqueue_outbox(&self, rows: Vec<NewOutboxRow>, now: TimestampMs) -> Result<()>;
    /// Claims up to `limit` rows that are due and unclaimed, oldest first.
    async fn claim_outbox(
        &self,
        owner: &str,
        now: TimestampMs,
        claim_ms: i64,
        limit: usize,
    ) -> Result<Vec<OutboxRow>>;
    /// Done: removes the row, inserts what follows from it, records alarm history.
    async fn complete_outbox(
        &self,
        id: Ulid,
        follow_ups: Vec<NewOutboxRow>,
        history: Vec<AlarmHistoryItem>,
        now: TimestampMs,
    ) -> Result<()>;
    /// Not yet: counts the attempt and sets the next time; the claim ends.
    async fn retry_outbox(&self, id: Ulid, due_at: TimestampMs, last_error: &str) -> Result<()>;
    /// The earliest `due_at` of an unclaimed row.
    async fn next_outbox_due(&self) -> Result<Option<TimestampMs>>;
    async fn outbox_len(&self) -> Result<u64>;
}
