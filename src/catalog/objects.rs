//! Live objects and write-ahead checkpoints.

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::error::Result;
use crate::log_groups::LogStreamActivity;

/// What an object holds. The text is stored: never change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    MetricsBlock,
    LogSegment,
    QueryResult,
}

impl ObjectKind {
    pub const ALL: &'static [Self] = &[Self::MetricsBlock, Self::LogSegment, Self::QueryResult];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MetricsBlock => "metrics_block",
            Self::LogSegment => "log_segment",
            Self::QueryResult => "query_result",
        }
    }
}

/// One immutable object of the object store. Its key in the store follows from kind and id.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectRow {
    pub id: Ulid,
    pub kind: ObjectKind,
    pub tenant: Tenant,
    /// 0 as flushed; each compaction adds one.
    pub level: u32,
    /// Objects never mix retention classes. Logs: the number of days, or `forever`;
    /// metrics: the resolution tier, `1s`, `60s`, `300s`, `3600s`.
    pub retention_class: String,
    /// First and last timestamp inside, both inclusive.
    pub min_ts: TimestampMs,
    pub max_ts: TimestampMs,
    pub rows: u64,
    pub bytes: u64,
    pub created_at: TimestampMs,
    /// What the reader wants to know before it opens the object; owned by `store`.
    pub meta: serde_json::Value,
}

/// How far a write-ahead log has been turned into published objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalCheckpoint {
    /// The log's name: `metrics` or `logs`.
    pub wal: String,
    /// What the checkpoint must be before: 0 if there is none. Otherwise somebody else published
    /// the same records, or this very change was published before.
    pub before: u64,
    /// Every record with a smaller lsn is in published objects. Not below `before`. The first
    /// record has 1, so 1 says that the log was created and nothing of it is published.
    pub lsn: u64,
}

/// One atomic change of what is live.
#[derive(Clone, Debug, Default)]
pub struct Publish {
    pub insert: Vec<ObjectRow>,
    /// Must all be live, otherwise nothing happens and the call fails with a conflict.
    pub remove: Vec<Ulid>,
    pub checkpoint: Option<WalCheckpoint>,
    pub stream_activity: Vec<LogStreamActivity>,
}

impl Publish {
    /// Notes that the write-ahead log exists, so that its loss is noticed before the first flush.
    pub fn wal_created(wal: &str) -> Self {
        Self {
            checkpoint: Some(WalCheckpoint {
                wal: wal.to_owned(),
                before: 0,
                lsn: 1,
            }),
            ..Self::default()
        }
    }
}

#[async_trait]
pub trait ObjectCatalog: Send + Sync {
    /// Applies `change` whole. `now` stamps removed rows for the delayed sweep.
    ///
    /// Activity of a stream that was deleted meanwhile is left out, that is no error.
    ///
    /// # Errors
    /// `Conflict` if the checkpoint is not at `before`, or if an object to be removed is not
    /// live; `AlreadyExists` if one to be inserted is known, live or removed. Then nothing
    /// happened. After any other error that is not known: ask before publishing it again.
    async fn publish(&self, change: Publish, now: TimestampMs) -> Result<()>;

    /// All live objects of a kind, in order of id.
    async fn live_objects(&self, kind: ObjectKind) -> Result<Vec<ObjectRow>>;

    /// The checkpoint of a write-ahead log; 0 before the log was created.
    async fn wal_checkpoint(&self, wal: &str) -> Result<u64>;

    /// Objects of a kind removed from the live set before `before`, whose bytes may now be
    /// deleted; oldest removal first.
    async fn removed_objects(
        &self,
        kind: ObjectKind,
        before: TimestampMs,
        limit: usize,
    ) -> Result<Vec<ObjectRow>>;

    /// Forgets removed objects whose bytes are gone. Live objects are left alone.
    async fn forget_objects(&self, ids: &[Ulid]) -> Result<()>;

    /// Reserves `count` consecutive numbers of a named sequence and returns the first.
    /// Numbers start at 1, are never handed out twice, and may have gaps after a crash.
    /// Names that begin with `catalog.` are the catalog's own.
    async fn reserve_sequence(&self, name: &str, count: u64) -> Result<u64>;

    /// A small value kept under a name (installation id, signing key, format version).
    async fn get_setting(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Stores the value unless one is there; returns the one that counts.
    async fn init_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>>;
}
