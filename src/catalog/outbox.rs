//! Notifications on their way: written in the transaction that causes them, delivered at
//! least once, one row for each attempt chain.

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::alarms::AlarmHistoryItem;
use crate::error::Result;

/// How long the key of a completed row is remembered: a day, far longer than any retry of
/// what caused it.
pub const IDEMPOTENCY_MS: i64 = belfry_model::time::DAY_MS;

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
    pub const ALL: &'static [Self] = &[Self::Publish, Self::Delivery, Self::Confirmation];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

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
    /// Rows of one non-empty key (of one tenant) are delivered in order, one at a time: all
    /// but the oldest wait until that is completed.
    pub order_key: Option<String>,
    /// A second row with this key (of one tenant) is silently not inserted, neither while
    /// the first is on its way nor within [`IDEMPOTENCY_MS`] of its completion.
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
    /// When it was put here; `due_at` of the new row where the call that did carries no time.
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
    /// Claims up to `limit` rows that are due, not claimed (or whose claim ran out) and not
    /// waiting behind an older row of their order key; those that were ready first, first.
    async fn claim_outbox(
        &self,
        owner: &str,
        now: TimestampMs,
        claim_ms: i64,
        limit: usize,
    ) -> Result<Vec<OutboxRow>>;
    /// Done: removes the row, inserts what follows from it, records alarm history.
    ///
    /// # Errors
    /// `NotFound` if the row is gone, because somebody whose claim overlapped completed it:
    /// then nothing else happens either.
    async fn complete_outbox(
        &self,
        id: Ulid,
        follow_ups: Vec<NewOutboxRow>,
        history: Vec<AlarmHistoryItem>,
        now: TimestampMs,
    ) -> Result<()>;
    /// Not yet: counts the attempt and sets the next time; the claim ends.
    ///
    /// # Errors
    /// `NotFound` if the row is gone.
    async fn retry_outbox(&self, id: Ulid, due_at: TimestampMs, last_error: &str) -> Result<()>;
    /// Ends all claims of `owner`, whose attempts died with the process that made them.
    /// Returns how many. Only for an owner that nobody else goes by at this moment.
    async fn release_outbox_claims(&self, owner: &str) -> Result<u64>;
    /// When there will be something to claim: the earliest instant at which a row is due, its
    /// claim (if any) has run out and no older row of its order key is in its way. Never in
    /// the past without `claim_outbox` finding something, so a worker may sleep until then.
    async fn next_outbox_due(&self) -> Result<Option<TimestampMs>>;
    async fn outbox_len(&self) -> Result<u64>;
}
