//! What a scan's groups hold: discovered fields, stored bytes.

use std::collections::BTreeMap;

use belfry_catalog::log_groups::LogGroupId;

use super::flush::blocking;
use super::json::extract::leaves;
use super::scan::{LogScan, ValueKind};
use super::snapshot::LogSnapshot;
use crate::error::Result;

/// A discovered field, and in how many events it stands (about).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSummary {
    /// The dotted path.
    pub path: String,
    pub events: u64,
    /// What it holds somewhere, in the order of [`ValueKind`].
    pub kinds: Vec<ValueKind>,
}

/// Events of the head that are looked at for their fields.
const HEAD_EVENTS_MAX: usize = 10_000;

impl LogSnapshot {
    /// The discovered fields (leaves) of the scan's groups and times, by path: counted whole for
    /// segments that overlap, from the newest events of the head.
    pub async fn fields(&self, scan: &LogScan) -> Result<Vec<FieldSummary>> {
        let segments = self.open_segments(scan).await?;
        let heads = std::sync::Arc::clone(&self.heads);
        let scan = scan.clone();
        blocking(move || {
            let mut found: BTreeMap<String, (u64, BTreeMap<u8, ValueKind>)> = BTreeMap::new();
            let mut add = |path: &str, kind: ValueKind, events: u64| {
                let (count, kinds) = found.entry(path.to_owned()).or_default();
                *count = count.saturating_add(events);
                kinds.insert(kind as u8, kind);
            };
            for (_, segment) in &segments {
                for column in &segment.footer.columns {
                    let kind = super::segment::output::kind_of(column.kind);
                    add(&column.path, kind, u64::from(column.values));
                }
            }
            for scope in &scan.groups {
                for head in heads.iter() {
                    let Some(group) = head.groups.get(&scope.id) else {
                        continue;
                    };
                    let mut left = HEAD_EVENTS_MAX;
                    for chunk in group.chunks.iter().rev() {
                        let start = scan.start.max(scope.visible_from);
                        for row in chunk.time_range(start, scan.end).rev().take(left) {
                            left -= 1;
                            leaves(chunk.message(row), &mut |path, kind, _| add(path, kind, 1));
                        }
                    }
                }
            }
            Ok(found
                .into_iter()
                .map(|(path, (events, kinds))| FieldSummary {
                    path,
                    events,
                    kinds: kinds.into_values().collect(),
                })
                .collect())
        })
        .await
    }

    /// Bytes of the messages of a group, head included, whether or not retention hides some.
    pub fn stored_bytes(&self, group: LogGroupId) -> u64 {
        let heads = self.heads.iter().filter_map(|h| h.groups.get(&group));
        let segments = self.segments.iter().filter_map(|s| s.group(group));
        heads
            .map(|g| g.text_bytes)
            .chain(segments.map(|g| g.text_bytes))
            .fold(0, u64::saturating_add)
    }
}
