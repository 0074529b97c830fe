//! What is visible at one moment.

use std::collections::BTreeSet;
use std::sync::Arc;

use belfry_catalog::log_groups::LogStreamId;

use super::flush::blocking;
use super::head::Head;
use super::head_filter::HeadFilter;
use super::live::{LiveSegment, LiveSegments};
use super::names::Names;
use super::part::{PartSource, ScanContext, ScanPart};
use super::prefilter::Prefilter;
use super::scan::{Direction, GroupScope, LogScan};
use super::segment::opened::{OpenSegment, SegmentCache};
use crate::error::Result;

/// All events at one moment. Cheap to clone; stable for as long as it is held.
#[derive(Clone)]
pub struct LogSnapshot {
    pub(super) heads: Arc<Vec<Arc<Head>>>,
    pub(super) segments: LiveSegments,
    cache: Arc<SegmentCache>,
    names: Arc<Names>,
}

impl LogSnapshot {
    pub(super) fn new(
        heads: Vec<Arc<Head>>,
        segments: LiveSegments,
        cache: Arc<SegmentCache>,
        names: Arc<Names>,
    ) -> Self {
        Self {
            heads: Arc::new(heads),
            segments,
            cache,
            names,
        }
    }

    /// The independent pieces of a scan, in its direction by their first (last) timestamp.
    pub async fn parts(&self, scan: &LogScan) -> Result<Vec<ScanPart>> {
        if scan.prefilter == Prefilter::Nothing || scan.start > scan.end {
            return Ok(Vec::new());
        }
        let segments = self.open_segments(scan).await?;
        let mut ids = BTreeSet::new();
        for group in &scan.groups {
            self.collect_streams(group, scan.streams.as_ref(), &mut ids);
        }
        for (_, segment) in &segments {
            let streams = segment.footer.streams.iter().copied();
            match &scan.streams {
                Some(wanted) => ids.extend(streams.filter(|id| wanted.contains(id))),
                None => ids.extend(streams),
            }
        }
        let names = self.names.stream_names(ids.into_iter()).await?;
        let context = Arc::new(ScanContext {
            scan: scan.clone(),
            names,
            head_filter: HeadFilter::new(&scan.prefilter),
        });
        let mut parts = Vec::new();
        for group in &scan.groups {
            for head in self.heads.iter() {
                let Some(rows) = head.groups.get(&group.id) else {
                    continue;
                };
                for chunk in rows.chunks.iter() {
                    let source = PartSource::Head(Arc::clone(chunk));
                    parts.push(ScanPart::new(Arc::clone(&context), group.clone(), source));
                }
            }
            for (live, segment) in &segments {
                if let Some(rows) = live.group(group.id) {
                    let source = PartSource::Segment(Arc::clone(segment), rows.clone());
                    parts.push(ScanPart::new(Arc::clone(&context), group.clone(), source));
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

    /// The segments that hold some group of the scan at some time of it, opened.
    pub(super) async fn open_segments(
        &self,
        scan: &LogScan,
    ) -> Result<Vec<(Arc<LiveSegment>, Arc<OpenSegment>)>> {
        let overlaps = |live: &LiveSegment| {
            scan.groups.iter().any(|scope| {
                live.group(scope.id).is_some_and(|rows| {
                    rows.min_ts <= scan.end.0 && scan.start.max(scope.visible_from).0 <= rows.max_ts
                })
            })
        };
        let wanted: Vec<Arc<LiveSegment>> = self
            .segments
            .iter()
            .filter(|live| overlaps(live))
            .cloned()
            .collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let cache = Arc::clone(&self.cache);
        blocking(move || {
            let open = |live: Arc<LiveSegment>| {
                let opened = cache.get(live.row.id, live.row.bytes)?;
                Ok((live, opened))
            };
            wanted.into_iter().map(open).collect()
        })
        .await
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
