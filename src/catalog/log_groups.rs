//! Log groups and log streams.

use std::collections::HashMap;

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs};
use serde::{Deserialize, Serialize};

use crate::Page;
use crate::error::Result;

/// A number that names a log group for ever: a group deleted and created again gets another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogGroupId(pub u64);

/// Likewise for a log stream; unique over all groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogStreamId(pub u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogGroup {
    pub id: LogGroupId,
    pub tenant: Tenant,
    pub name: String,
    /// `STANDARD`, `INFREQUENT_ACCESS`, `ESSENTIALS` or `DELIVERY`.
    pub class: String,
    pub created_at: TimestampMs,
    /// `None` keeps for ever.
    pub retention_days: Option<u32>,
    /// Events older than this are hidden for good: raising the retention does not revive
    /// what a shorter one hid (spec logs-semantics.md 1.2).
    pub hidden_before: Option<TimestampMs>,
    pub kms_key_id: Option<String>,
    pub deletion_protection: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogStream {
    pub id: LogStreamId,
    pub group: LogGroupId,
    pub name: String,
    pub created_at: TimestampMs,
    pub first_event: Option<TimestampMs>,
    pub last_event: Option<TimestampMs>,
    pub last_ingestion: Option<TimestampMs>,
}

/// What a flush learned about a stream; merged by minimum and maximum.
#[derive(Clone, Debug, PartialEq)]
pub struct LogStreamActivity {
    pub stream: LogStreamId,
    pub first_event: TimestampMs,
    pub last_event: TimestampMs,
    pub last_ingestion: TimestampMs,
}

/// The rows of streams as they are once `activity`, one entry a stream, is published.
pub fn merge_activity(streams: &mut [LogStream], activity: &[LogStreamActivity]) {
    let of_stream: HashMap<LogStreamId, &LogStreamActivity> =
        activity.iter().map(|row| (row.stream, row)).collect();
    for stream in streams {
        if let Some(new) = of_stream.get(&stream.id) {
            let first = stream.first_event.unwrap_or(TimestampMs::MAX);
            stream.first_event = Some(first.min(new.first_event));
            stream.last_event = stream.last_event.max(Some(new.last_event));
            stream.last_ingestion = stream.last_ingestion.max(Some(new.last_ingestion));
        }
    }
}

#[derive(Clone, Debug)]
pub struct NewLogGroup {
    pub tenant: Tenant,
    pub name: String,
    pub class: String,
    pub created_at: TimestampMs,
    pub retention_days: Option<u32>,
    pub kms_key_id: Option<String>,
    pub deletion_protection: bool,
    /// Stored under the group's ARN in the same transaction.
    pub tags: Vec<(String, String)>,
}

impl NewLogGroup {
    /// Of class `STANDARD`, with no options.
    pub fn standard(tenant: &Tenant, name: &str, created_at: TimestampMs) -> Self {
        Self {
            tenant: tenant.clone(),
            name: name.to_owned(),
            class: "STANDARD".to_owned(),
            created_at,
            retention_days: None,
            kms_key_id: None,
            deletion_protection: false,
            tags: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct LogGroupFilter {
    pub prefix: Option<String>,
    /// Substring, case-insensitive.
    pub pattern: Option<String>,
    /// Any of these; empty means all.
    pub classes: Vec<String>,
    /// Exactly these names; empty means all.
    pub names: Vec<String>,
}

/// Which streams of a group, and in which order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogStreamListing<'a> {
    pub prefix: Option<&'a str>,
    pub order: LogStreamOrder<'a>,
    pub descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LogStreamOrder<'a> {
    Name,
    /// Streams without events first when ascending.
    LastEvent {
        /// What is known about streams of the group and not stored yet: the page has the order
        /// and the times it would have if this was published before. One entry a stream.
        unflushed: &'a [LogStreamActivity],
    },
}

#[async_trait]
pub trait LogGroupCatalog: Send + Sync {
    /// # Errors
    /// `AlreadyExists` for a name in use.
    async fn create_log_group(&self, group: NewLogGroup) -> Result<LogGroup>;
    /// Removes the group, its streams and its tags; returns what was removed.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_log_group(&self, tenant: &Tenant, name: &str) -> Result<LogGroup>;
    async fn log_group(&self, tenant: &Tenant, name: &str) -> Result<Option<LogGroup>>;
    /// `None` also for the group of another tenant.
    async fn log_group_by_id(&self, tenant: &Tenant, id: LogGroupId) -> Result<Option<LogGroup>>;
    /// In order of name (bytes), after the name `after`.
    async fn log_groups(
        &self,
        tenant: &Tenant,
        filter: &LogGroupFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<LogGroup>>;
    /// Every group of every tenant: for retention and start-up.
    async fn all_log_groups(&self) -> Result<Vec<LogGroup>>;
    /// Sets or clears the retention; `hidden_before` only ever grows.
    ///
    /// # Errors
    /// `NotFound`.
    async fn set_retention(
        &self,
        tenant: &Tenant,
        name: &str,
        days: Option<u32>,
        hidden_before: Option<TimestampMs>,
    ) -> Result<LogGroup>;

    /// # Errors
    /// `NotFound` for the group, `AlreadyExists` for the stream.
    async fn create_log_stream(
        &self,
        group: LogGroupId,
        name: &str,
        now: TimestampMs,
    ) -> Result<LogStream>;
    /// # Errors
    /// `NotFound`.
    async fn delete_log_stream(&self, group: LogGroupId, name: &str) -> Result<LogStream>;
    async fn log_stream(&self, group: LogGroupId, name: &str) -> Result<Option<LogStream>>;
    /// Page of a group's streams. With `LogStreamOrder::LastEvent`, `after` is the opaque
    /// `next_after` of the page before.
    ///
    /// # Errors
    /// `InvalidCursor`.
    async fn log_streams(
        &self,
        group: LogGroupId,
        listing: LogStreamListing<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<LogStream>>;
    /// Names of the given streams, for rendering; unknown ids are left out.
    async fn log_streams_by_id(&self, ids: &[LogStreamId]) -> Result<Vec<LogStream>>;
}
