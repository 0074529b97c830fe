//! Logs Insights queries that were started: status, statistics, results.

use std::ops::Range;

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs};
use serde::{Deserialize, Serialize};

use crate::Page;
use crate::error::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryStatus {
    Scheduled,
    Running,
    Complete,
    Failed,
    Cancelled,
    Timeout,
}

impl QueryStatus {
    pub const ALL: &'static [Self] = &[
        Self::Scheduled,
        Self::Running,
        Self::Complete,
        Self::Failed,
        Self::Cancelled,
        Self::Timeout,
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Running => "Running",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Timeout => "Timeout",
        }
    }

    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Running)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryStatistics {
    pub records_matched: f64,
    pub records_scanned: f64,
    pub bytes_scanned: f64,
    pub estimated_records_skipped: f64,
    pub estimated_bytes_skipped: f64,
    pub log_groups_scanned: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryRow {
    pub id: String,
    pub tenant: Tenant,
    pub query_string: String,
    /// As the caller named them.
    pub log_groups: Vec<String>,
    /// Epoch seconds, both inclusive.
    pub start_s: i64,
    pub end_s: i64,
    pub limit: Option<u32>,
    pub created_at: TimestampMs,
    pub finished_at: Option<TimestampMs>,
    pub status: QueryStatus,
    pub statistics: QueryStatistics,
    /// Why it failed, for the log and for people.
    pub error: Option<String>,
    /// Rows of the result, once complete: see [`QueryCatalog::query_results`].
    pub row_count: u64,
}

/// Which queries a listing is to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryFilter {
    /// Held against the names as the caller of the query gave them.
    pub log_group: Option<String>,
    pub status: Option<QueryStatus>,
}

impl QueryFilter {
    /// Whether a query is one of them.
    pub fn takes(&self, query: &QueryRow) -> bool {
        let has_group = |name: &String| query.log_groups.contains(name);
        self.status.is_none_or(|status| query.status == status)
            && self.log_group.as_ref().is_none_or(has_group)
    }
}

/// Some rows of a result, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultPiece {
    /// Counted from 0.
    pub first_row: u64,
    /// At least one.
    pub row_count: u64,
    /// The rows as a JSON array, each a list of `{"field": …, "value": …}`.
    pub rows: String,
}

#[async_trait]
pub trait QueryCatalog: Send + Sync {
    /// Creates or replaces, and keeps the pieces of its result, if it is complete. A row whose
    /// status is final stays as it is, so that a query which was stopped does not complete
    /// afterwards.
    async fn put_query(&self, query: QueryRow, results: Vec<ResultPiece>) -> Result<()>;
    async fn query(&self, tenant: &Tenant, id: &str) -> Result<Option<QueryRow>>;
    /// The pieces that hold any of those rows, in order. None for a query that does not exist or
    /// has no result.
    async fn query_results(&self, query: &QueryRow, rows: Range<u64>) -> Result<Vec<ResultPiece>>;
    /// Bytes of the texts of those pieces, which are not read for that.
    async fn query_result_bytes(&self, query: &QueryRow, rows: Range<u64>) -> Result<u64>;
    /// Newest first; `after` is the opaque `next_after` of the page before.
    async fn queries(
        &self,
        tenant: &Tenant,
        filter: &QueryFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<QueryRow>>;
    /// At start-up: what was running when the process died has failed.
    async fn fail_unfinished_queries(&self, now: TimestampMs, why: &str) -> Result<u64>;
    /// Forgets queries created before `before`; returns how many.
    async fn trim_queries(&self, before: TimestampMs) -> Result<u64>;
}
