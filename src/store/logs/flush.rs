//! From the head to segments: build, store, publish with the checkpoint, forget.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use belfry_catalog::log_groups::{LogGroupId, LogStreamActivity};
use belfry_catalog::objects::ObjectKind;
use belfry_model::{Tenant, TimestampMs};
use bytes::Bytes;
use ulid::Ulid;

use super::event::EventKey;
use super::head::{Chunk, Head};
use super::live::{LiveSegment, day_of, retention_class};
use super::publish::Change;
use super::segment::builder::{BuiltSegment, NewRow, SegmentBuilder};
use super::store::{Frozen, Inner, LogsStore};
use super::wal_record::{KIND_CALLS, encode_calls};
use crate::error::{Error, Result};
use crate::failpoint;

/// zstd level of fresh segments: level 3 buys little for half as much CPU again.
const ZSTD_FRESH: i32 = 1;

/// Sequence of the catalog that makes object ids of segments unique.
const OBJECT_SEQUENCE: &str = "log_segments";

/// Keeps object ids of segments apart from those of other kinds with the same number.
const OBJECT_TAG: u128 = 2 << 64;

/// Rows of one segment to be: (group, key, chunk, row), in that order.
type RowRefs = Vec<(LogGroupId, EventKey, u32, u32)>;

/// What one segment holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bucket {
    tenant: Tenant,
    retention_class: String,
    day: i64,
}

impl LogsStore {
    /// Turns everything that is in the head now into segments and publishes them.
    ///
    /// If it fails, the events stay readable in the head and in the write-ahead log, and the
    /// next flush tries again.
    pub async fn flush(&self) -> Result<()> {
        let inner = &self.inner;
        let _alone = inner.flushing.lock().await;
        let flushed = inner.flush_heads().await;
        match &flushed {
            Ok(()) => inner.backoff.succeeded(),
            Err(_) => inner.backoff.failed(inner.clock.now()),
        }
        flushed
    }
}

impl Inner {
    async fn flush_heads(self: &Arc<Self>) -> Result<()> {
        self.settle_publications().await?;
        if let Some(frozen) = self.frozen() {
            self.flush_frozen(frozen).await?;
        }
        if let Some(frozen) = self.freeze().await {
            self.flush_frozen(frozen).await?;
        }
        Ok(())
    }

    /// Starts a flush in the background when the head or the log is large.
    pub(super) fn start_flush_if_due(self: &Arc<Self>) {
        let large = self.state.lock().active.memory_bytes >= self.config.flush_bytes;
        if large || self.wal_is_large() {
            self.start_flush();
        }
    }

    /// Starts a flush in the background, unless one is under way or has just failed.
    pub(super) fn start_flush(self: &Arc<Self>) {
        if self.clock.now() < self.backoff.until() || self.flush_wanted.swap(true, Ordering::AcqRel)
        {
            return;
        }
        let store = LogsStore {
            inner: Arc::clone(self),
        };
        tokio::spawn(async move {
            if let Err(error) = store.flush().await {
                tracing::error!(%error, "flush of the logs failed");
            }
            store.inner.flush_wanted.store(false, Ordering::Release);
        });
    }

    fn frozen(&self) -> Option<Frozen> {
        self.state.lock().frozen.clone()
    }

    /// Calls whose events were all refused leave records and nothing in the head. One segment
    /// and the remembered calls always stay, so that this is not so right after a flush.
    fn wal_is_large(&self) -> bool {
        let stays = self.calls_bytes.load(Ordering::Relaxed);
        let segments = self.config.wal.segment_bytes.saturating_mul(2);
        self.wal.size_bytes() > segments.saturating_add(stays)
    }

    /// Sets the head aside and starts a new one. An empty one is worth it when the log is large:
    /// its checkpoint lets the log go.
    async fn freeze(&self) -> Option<Frozen> {
        let _all = self.gate.write().await;
        let checkpoint = self.wal.next_lsn();
        let mut state = self.state.lock();
        if state.active.is_empty() && !self.wal_is_large() {
            return None;
        }
        let frozen = Frozen {
            head: Arc::new(std::mem::take(&mut state.active)),
            checkpoint,
            calls_written: Arc::default(),
        };
        state.frozen = Some(frozen.clone());
        Some(frozen)
    }

    async fn flush_frozen(self: &Arc<Self>, frozen: Frozen) -> Result<()> {
        let now = self.clock.now();
        // Behind the checkpoint, so that a restart knows the calls whose records go away.
        if !frozen.calls_written.load(Ordering::Acquire) {
            let calls = self.calls.clone();
            let records: Vec<Bytes> =
                blocking(move || Ok(calls.remembered(now).iter().map(encode_calls).collect()))
                    .await?;
            let bytes: usize = records.iter().map(Bytes::len).sum();
            self.wal.append_all(KIND_CALLS, records).await?;
            self.calls_bytes.store(bytes as u64, Ordering::Relaxed);
            frozen.calls_written.store(true, Ordering::Release);
        }
        let groups = self.names.live_groups().await?;
        let buckets = {
            let head = Arc::clone(&frozen.head);
            let classes = groups
                .iter()
                .map(|(&id, group)| (id, retention_class(group.retention_days)))
                .collect();
            blocking(move || Ok(sort_into_buckets(&head, &classes))).await?
        };
        let mut built = Vec::with_capacity(buckets.rows.len());
        if let Err(error) = self.store_buckets(buckets, now, &mut built).await {
            self.discard(built.iter().map(|s| s.row.id).collect()).await;
            return Err(error);
        }
        failpoint::hit("logs.before_publish");
        let change = Change {
            insert: built,
            remove: Vec::new(),
            flushed: Some((frozen.checkpoint, activity(&frozen.head))),
        };
        self.publish(change, now).await?;
        failpoint::hit("logs.after_publish");
        let inner = Arc::clone(self);
        blocking(move || inner.wal.truncate_before(frozen.checkpoint)).await
    }

    /// Builds and stores a segment of each bucket. On an error `built` has those that are stored.
    async fn store_buckets(
        &self,
        buckets: Buckets,
        now: TimestampMs,
        built: &mut Vec<Arc<LiveSegment>>,
    ) -> Result<()> {
        for (bucket, rows) in buckets.rows {
            let chunks = Arc::clone(&buckets.chunks);
            let segment = self.builder.run(move || build(&chunks, rows)).await?;
            let (tenant, class) = (&bucket.tenant, &bucket.retention_class);
            let live = self.store_object(&segment, tenant, class, 0, now).await?;
            built.push(Arc::new(live));
        }
        Ok(())
    }

    /// Stores the object of a segment; it is not published yet.
    pub(super) async fn store_object(
        &self,
        segment: &BuiltSegment,
        tenant: &Tenant,
        retention_class: &str,
        level: u32,
        now: TimestampMs,
    ) -> Result<LiveSegment> {
        let number = self.catalog.reserve_sequence(OBJECT_SEQUENCE, 1).await?;
        let time = u64::try_from(now.0).unwrap_or_default();
        let id = Ulid::from_parts(time, OBJECT_TAG | u128::from(number));
        failpoint::hit("logs.before_object_put");
        self.objects
            .put(ObjectKind::LogSegment, id, segment.parts.clone())
            .await?;
        LiveSegment::of_built(segment, id, tenant, level, retention_class, now)
    }
}

/// Runs CPU work or blocking I/O off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Stopped { what: "log worker" })?
}

struct Buckets {
    chunks: Arc<Vec<Arc<Chunk>>>,
    rows: BTreeMap<Bucket, RowRefs>,
}

/// Rows of groups that are gone are left out.
fn sort_into_buckets(head: &Head, classes: &ahash::AHashMap<LogGroupId, String>) -> Buckets {
    let mut chunks = Vec::new();
    let mut rows: BTreeMap<Bucket, RowRefs> = BTreeMap::new();
    for (&group, content) in &head.groups {
        let Some(class) = classes.get(&group) else {
            continue;
        };
        for chunk in content.chunks.iter() {
            let number = chunks.len() as u32;
            chunks.push(Arc::clone(chunk));
            let mut row = 0;
            // Rows are in order of time: one run for each day.
            while row < chunk.len() {
                let day = day_of(chunk.key(row).timestamp);
                let rest = chunk.timestamps.get(row..).unwrap_or_default();
                let length = rest.partition_point(|&t| day_of(TimestampMs(t)) <= day);
                let bucket = Bucket {
                    tenant: content.tenant.clone(),
                    retention_class: class.clone(),
                    day,
                };
                let until = row + length.max(1);
                rows.entry(bucket)
                    .or_default()
                    .extend((row..until).map(|r| (group, chunk.key(r), number, r as u32)));
                row = until;
            }
        }
    }
    Buckets {
        chunks: Arc::new(chunks),
        rows,
    }
}

fn build(chunks: &[Arc<Chunk>], mut rows: RowRefs) -> Result<BuiltSegment> {
    rows.sort_unstable_by_key(|&(group, key, ..)| (group, key));
    let mut builder = SegmentBuilder::default();
    for (group, key, chunk, row) in rows {
        let Some(chunk) = chunks.get(chunk as usize) else {
            continue;
        };
        let row = row as usize;
        let source = chunk.source(row);
        builder.push(&NewRow {
            group,
            key,
            stream: source.stream,
            ingestion_time: source.ingestion_time,
            message: chunk.message(row),
        });
    }
    builder.finish(ZSTD_FRESH)
}

fn activity(head: &Head) -> Vec<LogStreamActivity> {
    let streams = head.groups.values().flat_map(|g| g.streams.iter());
    streams
        .map(|(&stream, bounds)| bounds.of_stream(stream))
        .collect()
}
