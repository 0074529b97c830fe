//! The segments that are live, as a snapshot holds them.

use std::sync::Arc;

use belfry_catalog::log_groups::LogGroupId;
use belfry_catalog::objects::{ObjectKind, ObjectRow};
use belfry_model::time::DAY_MS;
use belfry_model::{Tenant, TimestampMs};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::segment::builder::BuiltSegment;
use super::segment::layout::GroupRange;
use crate::error::{Error, Result};
use crate::objects::Objects;

/// What the catalog keeps of a segment, so that most scans need not open it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    groups: Vec<GroupRange>,
    text_bytes: u64,
}

/// A live segment.
#[derive(Clone, Debug)]
pub(super) struct LiveSegment {
    pub row: ObjectRow,
    /// In order of id.
    pub groups: Vec<GroupRange>,
    pub text_bytes: u64,
}

impl LiveSegment {
    pub fn of_row(row: ObjectRow) -> Result<Self> {
        let meta: Meta =
            serde_json::from_value(row.meta.clone()).map_err(|e| Error::ObjectCorrupt {
                key: Objects::key(ObjectKind::LogSegment, row.id).to_string(),
                offset: 0,
                why: format!("catalog row: {e}"),
            })?;
        Ok(Self {
            row,
            groups: meta.groups,
            text_bytes: meta.text_bytes,
        })
    }

    /// A segment just built, to be published.
    pub fn of_built(
        built: &BuiltSegment,
        id: Ulid,
        tenant: &Tenant,
        level: u32,
        retention_class: &str,
        now: TimestampMs,
    ) -> Result<Self> {
        let footer = &built.footer;
        let meta = Meta {
            groups: footer.groups.clone(),
            text_bytes: footer.text_bytes,
        };
        let meta = serde_json::to_value(meta).map_err(|e| Error::Engine {
            engine: "log segment",
            why: e.to_string(),
        })?;
        Self::of_row(ObjectRow {
            id,
            kind: ObjectKind::LogSegment,
            tenant: tenant.clone(),
            level,
            retention_class: retention_class.to_owned(),
            min_ts: TimestampMs(footer.min_ts),
            max_ts: TimestampMs(footer.max_ts),
            rows: u64::from(footer.rows),
            bytes: built.bytes(),
            created_at: now,
            meta,
        })
    }

    pub fn group(&self, id: LogGroupId) -> Option<&GroupRange> {
        let at = self.groups.binary_search_by_key(&id, |g| g.id).ok()?;
        self.groups.get(at)
    }

    /// The day that all its events belong to.
    pub fn day(&self) -> i64 {
        day_of(self.row.min_ts)
    }
}

/// Days since the epoch.
pub(super) const fn day_of(timestamp: TimestampMs) -> i64 {
    timestamp.0.div_euclid(DAY_MS)
}

/// The name of a retention class: segments never mix them.
pub(super) fn retention_class(days: Option<u32>) -> String {
    days.map_or_else(|| "forever".to_owned(), |days| days.to_string())
}

/// All live segments.
pub(super) type LiveSegments = Arc<Vec<Arc<LiveSegment>>>;
