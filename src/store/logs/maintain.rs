//! Work that falls due: flush by age, retention, compaction, sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ahash::AHashMap;
use belfry_catalog::log_groups::{LogGroup, LogGroupId};
use belfry_catalog::objects::ObjectKind;
use belfry_model::{Tenant, TimestampMs};
use ulid::Ulid;

use super::config::LogsConfig;
use super::events::{COLUMNS, Merge};
use super::live::{LiveSegment, LiveSegments};
use super::publish::Change;
use super::put::retention_start;
use super::scan::{Direction, GroupScope, LogScan};
use super::segment::builder::{BuiltSegment, NewRow, SegmentBuilder};
use super::snapshot::LogSnapshot;
use super::store::{Inner, LogsStore};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::objects::Objects;

/// zstd level of compacted segments: they are read more often than they were written.
const ZSTD_COMPACTED: i32 = 3;

/// Objects swept in one go.
const SWEEP_MAX: usize = 1000;

/// Text that one compaction may take at once: bounds its memory.
const COMPACT_TEXT_MAX: u64 = 192 * 1024 * 1024;

/// What a round of maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    pub flushed: bool,
    /// Segments retired because nothing in them is visible any more.
    pub retired: usize,
    /// Segments that were joined, and into how many.
    pub compacted: usize,
    pub compacted_into: usize,
    /// Objects whose bytes were deleted.
    pub swept: usize,
}

type Groups = AHashMap<LogGroupId, LogGroup>;

/// Segments, and the log groups as they were later: a group of a segment here that is not among
/// them was deleted, because it was created before its events were put and no id is used twice.
struct View {
    segments: LiveSegments,
    groups: Groups,
}

impl LogsStore {
    /// Does what is due at `now`. Cheap when nothing is.
    pub async fn run_due(&self, now: TimestampMs) -> Result<Maintenance> {
        let inner = &self.inner;
        let mut done = Maintenance::default();
        let flush_due = inner.flush_due();
        if flush_due.is_some_and(|due| due <= now) {
            self.flush().await?;
            done.flushed = true;
        }
        {
            let mut due = inner.maintenance_due.lock();
            if *due > now {
                return Ok(done);
            }
            *due = now.saturating_add_ms(inner.config.maintenance_period_ms);
        }
        let _alone = inner.maintaining.lock().await;
        inner.settle_publications().await?;
        done.retired = inner.retire(now).await?;
        loop {
            let view = inner.view().await?;
            let quarantined = inner.quarantined.lock().clone();
            let Some(chosen) = choose(&view, &quarantined, &inner.config, now) else {
                break;
            };
            let count = chosen.len();
            match self.compact(chosen.clone(), &view.groups, now).await {
                Ok(into) => {
                    done.compacted += count;
                    done.compacted_into += into;
                }
                Err(error) => inner.quarantine(&chosen, error)?,
            }
        }
        done.swept = inner.sweep(now).await?;
        Ok(done)
    }

    /// When [`LogsStore::run_due`] wants to be called next.
    pub fn next_due(&self) -> TimestampMs {
        let maintenance = *self.inner.maintenance_due.lock();
        match self.inner.flush_due() {
            Some(flush) => flush.min(maintenance),
            None => maintenance,
        }
    }

    /// Joins segments of one tenant, class and day; how many new ones there are (0 or 1).
    async fn compact(
        &self,
        chosen: Vec<Arc<LiveSegment>>,
        groups: &Groups,
        now: TimestampMs,
    ) -> Result<usize> {
        let inner = &self.inner;
        let Some(first) = chosen.first().cloned() else {
            return Ok(0);
        };
        let ids: BTreeSet<LogGroupId> = chosen
            .iter()
            .flat_map(|s| s.groups.iter().map(|g| g.id))
            .filter(|id| groups.contains_key(id))
            .collect();
        let only_these = LogSnapshot::new(
            Vec::new(),
            Arc::new(chosen.clone()),
            Arc::clone(&inner.cache),
            Arc::clone(&inner.names),
        );
        let mut scans = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(group) = groups.get(&id) {
                let scope = GroupScope::new(group, now);
                let scan = LogScan {
                    columns: COLUMNS.to_vec(),
                    ..LogScan::new(vec![scope], TimestampMs::MIN, TimestampMs::MAX)
                };
                scans.push((id, only_these.parts(&scan).await?));
            }
        }
        let built = inner.builder.run(move || rebuild(scans)).await?;
        let level = chosen.iter().map(|s| s.row.level).max().unwrap_or(0) + 1;
        let removed: Vec<Ulid> = chosen.iter().map(|s| s.row.id).collect();
        let mut insert = Vec::new();
        if let Some(built) = built {
            let class = &first.row.retention_class;
            let live = inner
                .store_object(&built, &first.row.tenant, class, level, now)
                .await?;
            insert.push(Arc::new(live));
        }
        failpoint::hit("logs.compact_before_publish");
        let count = insert.len();
        inner.replace(removed, insert, now).await?;
        failpoint::hit("logs.compact_after_publish");
        Ok(count)
    }
}

/// One segment of all rows, `None` if there are none.
fn rebuild(scans: Vec<(LogGroupId, Vec<super::part::ScanPart>)>) -> Result<Option<BuiltSegment>> {
    let mut builder = SegmentBuilder::default();
    for (group, parts) in scans {
        let mut merge = Merge::new(parts, Direction::Ascending);
        while let Some(row) = merge.next()? {
            builder.push(&NewRow {
                group,
                key: row.key(),
                stream: row.stream(),
                ingestion_time: row.ingestion_time(),
                message: row.message(),
            });
        }
    }
    if builder.rows() == 0 {
        return Ok(None);
    }
    builder.finish(ZSTD_COMPACTED).map(Some)
}

/// How many rows of a segment belong to deleted groups or are hidden whole group by group.
fn dead_rows(segment: &LiveSegment, groups: &Groups, now: TimestampMs) -> u64 {
    let is_dead = |id: &LogGroupId, max_ts: i64| match groups.get(id) {
        None => true,
        Some(group) => retention_start(group, now).is_some_and(|start| max_ts < start.0),
    };
    segment
        .groups
        .iter()
        .filter(|g| is_dead(&g.id, g.max_ts))
        .map(|g| u64::from(g.rows))
        .sum()
}

/// Segments worth joining, all of one tenant, class and day; or one that is mostly dead.
fn choose(
    view: &View,
    quarantined: &BTreeSet<Ulid>,
    config: &LogsConfig,
    now: TimestampMs,
) -> Option<Vec<Arc<LiveSegment>>> {
    let View { segments, groups } = view;
    let healthy = || segments.iter().filter(|s| !quarantined.contains(&s.row.id));
    let mostly_dead = healthy().find(|s| 2 * dead_rows(s, groups, now) >= s.row.rows.max(1));
    if let Some(segment) = mostly_dead {
        return Some(vec![Arc::clone(segment)]);
    }
    let mut small: BTreeMap<(Tenant, String, i64), Vec<Arc<LiveSegment>>> = BTreeMap::new();
    for segment in healthy() {
        if segment.row.rows < config.compact_rows_below {
            let key = (
                segment.row.tenant.clone(),
                segment.row.retention_class.clone(),
                segment.day(),
            );
            small.entry(key).or_default().push(Arc::clone(segment));
        }
    }
    small.into_values().find_map(|mut candidates| {
        // Like sizes first, so that a large one is not written again for every small one.
        candidates.sort_by_key(|s| s.row.rows);
        let mut rows = 0;
        let mut text = 0;
        let chosen: Vec<Arc<LiveSegment>> = candidates
            .into_iter()
            .take_while(|s| {
                rows += s.row.rows;
                text += s.text_bytes;
                rows <= config.compact_rows_max && text <= COMPACT_TEXT_MAX
            })
            .take(config.compact_segments_max)
            .collect();
        (chosen.len() >= config.compact_segments_min.max(2)).then_some(chosen)
    })
}

impl Inner {
    fn flush_due(&self) -> Option<TimestampMs> {
        let state = self.state.lock();
        let frozen = state.frozen.as_ref().and_then(|f| f.head.oldest);
        let oldest = frozen.or(state.active.oldest)?;
        let due = oldest.saturating_add_ms(self.config.flush_age_ms);
        Some(due.max(self.backoff.until()))
    }

    /// Publishes the exchange of segments.
    async fn replace(
        &self,
        remove: Vec<Ulid>,
        insert: Vec<Arc<LiveSegment>>,
        now: TimestampMs,
    ) -> Result<()> {
        let change = Change {
            insert,
            remove,
            flushed: None,
        };
        self.publish(change, now).await
    }

    /// Leaves damaged segments alone until the next start: trying again would fail again, and
    /// keep everything else from being compacted. Readers get the error; the operator finds it
    /// here. Any other error is given back.
    fn quarantine(&self, chosen: &[Arc<LiveSegment>], error: Error) -> Result<()> {
        let named = match &error {
            Error::ObjectCorrupt { key, .. } | Error::ObjectMissing { key } => Some(key),
            // A library failed, or panicked, at what it read.
            Error::Engine { .. } | Error::Stopped { .. } => None,
            _ => return Err(error),
        };
        let key_of = |s: &LiveSegment| Objects::key(ObjectKind::LogSegment, s.row.id).to_string();
        let mut ids: Vec<Ulid> = chosen
            .iter()
            .filter(|s| named.is_some_and(|key| key_of(s) == *key))
            .map(|s| s.row.id)
            .collect();
        if ids.is_empty() {
            ids = chosen.iter().map(|s| s.row.id).collect();
        }
        tracing::error!(%error, segments = ?ids, "leaving damaged log segments uncompacted");
        self.quarantined.lock().extend(ids);
        Ok(())
    }

    /// Flushes go on meanwhile, so segments must be taken before the groups they are judged by.
    async fn view(&self) -> Result<View> {
        let segments = Arc::clone(&self.state.lock().segments);
        let groups = self.names.live_groups().await?;
        Ok(View { segments, groups })
    }

    /// Takes segments out of the live set in which nothing is visible any more.
    async fn retire(&self, now: TimestampMs) -> Result<usize> {
        let View { segments, groups } = self.view().await?;
        let retired: Vec<Ulid> = segments
            .iter()
            .filter(|s| dead_rows(s, &groups, now) >= s.row.rows)
            .map(|s| s.row.id)
            .collect();
        let count = retired.len();
        if count > 0 {
            self.replace(retired, Vec::new(), now).await?;
        }
        Ok(count)
    }

    /// Deletes the bytes of objects that were removed long enough ago.
    async fn sweep(&self, now: TimestampMs) -> Result<usize> {
        let before = now.saturating_sub_ms(self.config.sweep_delay_ms);
        let kind = ObjectKind::LogSegment;
        let removed = self
            .catalog
            .removed_objects(kind, before, SWEEP_MAX)
            .await?;
        let mut gone = Vec::new();
        for row in &removed {
            self.objects.delete(kind, row.id).await?;
            gone.push(row.id);
        }
        if !gone.is_empty() {
            self.catalog.forget_objects(&gone).await?;
        }
        Ok(gone.len())
    }

    /// Deletes objects that no catalog row names: what a crash left between put and publish.
    /// Only while nothing else writes, that is at start.
    pub(super) async fn sweep_orphans(&self) -> Result<usize> {
        let live: BTreeSet<Ulid> = {
            let segments = Arc::clone(&self.state.lock().segments);
            segments.iter().map(|s| s.row.id).collect()
        };
        let removed = self
            .catalog
            .removed_objects(ObjectKind::LogSegment, TimestampMs::MAX, usize::MAX >> 1)
            .await?;
        let removed: BTreeSet<Ulid> = removed.iter().map(|r| r.id).collect();
        let mut orphans = 0;
        for object in self.objects.list(ObjectKind::LogSegment).await? {
            if !live.contains(&object.id) && !removed.contains(&object.id) {
                self.objects
                    .delete(ObjectKind::LogSegment, object.id)
                    .await?;
                orphans += 1;
            }
        }
        Ok(orphans)
    }
}
