//! What is visible at one moment.

use std::collections::BTreeSet;
use std::sync::Arc;

use belfry_catalog::log_groups::LogStreamId;

use super::head::Head;
use super::names::Names;
use super::part::{ScanContext, ScanPart};
use super::prefilter::Prefilter;
use super::scan::{Direction, GroupScope, LogScan};
use crate::error::Result;

/// All events at one moment. Cheap to clone; stable for as long as it is held.
#[derive(Clone)]
pub struct LogSnapshot {
    heads: Arc<Vec<Arc<Head>>>,
    names: Arc<Names>,
}

impl LogSnapshot {
    pub(super) fn new(heads: Vec<Arc<Head>>, names: Arc<Names>) -> Self {
        Self {
            heads: Arc::new(heads),
            names,
        }
    }

    /// The independent pieces of a scan, in its direction by their first (last) timestamp.
    pub async fn parts(&self, scan: &LogScan) -> Result<Vec<ScanPart>> {
        if scan.prefilter == Prefilter::Nothing || scan.start > scan.end {
            return Ok(Vec::new());
        }
        let mut ids = BTreeSet::new();
        for group in &scan.groups {
            self.collect_streams(group, scan.streams.as_ref(), &mut ids);
        }
        let names = self.names.stream_names(ids.into_iter()).await?;
        let context = Arc::new(ScanContext {
            scan: scan.clone(),
            names,
        });
        let mut parts = Vec::new();
        for group in &scan.groups {
            for head in self.heads.iter() {
                let Some(rows) = head.groups.get(&group.id) else {
                    continue;
                };
                for chunk in rows.chunks.iter() {
                    parts.push(ScanPart::of_head(
                        Arc::clone(&context),
                        group.clone(),
                        Arc::clone(chunk),
                    ));
                }
            }
        }
        parts.retain(|part| {
            let (first, last) = part.time_bounds();
            first <= last
        });
        match scan.direction {
            Direction::Ascending => parts.sort_by_key(|p| p.time_bounds().0),
            Direction::Descending => parts.sort_by_key(|p| std::cmp::Reverse(p.time_bounds().1)),
        }
        Ok(parts)
    }

    fn collect_streams(
        &self,
        group: &GroupScope,
        wanted: Option<&BTreeSet<LogStreamId>>,
        ids: &mut BTreeSet<LogStreamId>,
    ) {
        let is_wanted = |id: &&LogStreamId| wanted.is_none_or(|w| w.contains(id));
        for head in self.heads.iter() {
            if let Some(rows) = head.groups.get(&group.id) {
                ids.extend(rows.streams.keys().filter(is_wanted));
            }
        }
    }
}
