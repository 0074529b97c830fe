//! The store itself: opening, putting, limits.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use belfry_catalog::ObjectCatalog;
use belfry_catalog::objects::{ObjectKind, Publish};
use belfry_model::{Clock, MetricId, Tenant, TimestampMs};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use ulid::Ulid;

use super::batch::{MetricBatch, RecordHeader};
use super::calls_record;
use super::config::MetricsConfig;
use super::head::Head;
use super::list::{self, MetricFilter, MetricPage};
use super::live::{IndexCache, LiveBlock, LiveBlocks, Snapshot};
use super::read::{self, MetricRead, MetricReadResult, ReadContext};
use crate::backoff::Backoff;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::head_room::{HeadRoom, Reservation};
use crate::objects::Objects;
use crate::publishing::Publishing;
use crate::retried_calls::{Begin, RetriedCalls, call_key};
use crate::wal::{Lsn, Wal, WalRecord};

/// The log's name in the catalog and below the data directory.
pub(super) const WAL_NAME: &str = "metrics";

/// A record with a batch.
const KIND_BATCH: u8 = 1;
/// A record with the ids of applied calls.
pub(super) const KIND_INVOCATIONS: u8 = 2;

/// All metrics of all tenants. Cheap to clone; the clones are one store.
#[derive(Clone)]
pub struct MetricsStore {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) wal: Wal,
    pub(super) objects: Objects,
    pub(super) catalog: Arc<dyn ObjectCatalog>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: MetricsConfig,
    pub(super) state: RwLock<Snapshot>,
    /// Held shared from a put's append to its insertion, exclusively while the head is frozen:
    /// so no record below a checkpoint is missing in the frozen head.
    pub(super) put_gate: tokio::sync::RwLock<()>,
    /// One flush at a time.
    pub(super) flushing: tokio::sync::Mutex<()>,
    /// One compaction, retention or sweep at a time. Taken before `flushing` where both are.
    pub(super) maintenance: tokio::sync::Mutex<()>,
    pub(super) publishing: tokio::sync::Mutex<Publishing>,
    pub(super) head_room: HeadRoom,
    pub(super) calls: RetriedCalls<()>,
    pub(super) cache: Arc<IndexCache>,
    pub(super) ids: Mutex<ulid::Generator>,
    /// When the active head got its first datum; `i64::MAX` while it is empty.
    pub(super) head_since: AtomicI64,
    pub(super) maintained_at: AtomicI64,
    pub(super) orphans_swept_at: AtomicI64,
    pub(super) flush_wanted: AtomicBool,
    pub(super) backoff: Backoff,
    /// Blocks found damaged; compaction leaves them alone until the next start.
    pub(super) quarantined: Mutex<Vec<Ulid>>,
}

/// Numbers for Belfry's own metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricsStats {
    pub head_bytes: u64,
    pub head_samples: u64,
    pub head_series: u64,
    pub wal_bytes: u64,
    pub blocks: u64,
    pub block_bytes: u64,
    pub block_samples: u64,
}

impl MetricsStore {
    /// Opens the store: its write-ahead log in `dir`, which is replayed, and its blocks in
    /// `objects`, as `catalog` lists them. (An `Arc<dyn Catalog>` will do, too.)
    pub async fn open(
        dir: &Path,
        objects: Objects,
        catalog: Arc<dyn ObjectCatalog>,
        clock: Arc<dyn Clock>,
        config: MetricsConfig,
    ) -> Result<Self> {
        let checkpoint = Lsn(catalog.wal_checkpoint(WAL_NAME).await?);
        let rows = catalog.live_objects(ObjectKind::MetricsBlock).await?;
        let blocks: Vec<LiveBlock> = rows
            .into_iter()
            .map(LiveBlock::new)
            .collect::<Result<_>>()?;
        let calls = RetriedCalls::default();
        let (wal, head) = {
            let (dir, calls) = (dir.to_owned(), calls.clone());
            tokio::task::spawn_blocking(move || replay(&dir, checkpoint, config, &calls))
                .await
                .map_err(|_| Error::Stopped {
                    what: "metrics replay",
                })??
        };
        if checkpoint < Lsn::FIRST {
            // From now on a log that is not there is a lost one.
            catalog
                .publish(Publish::wal_created(WAL_NAME), clock.now())
                .await?;
        }
        let now = clock.now();
        let head_since = if head.samples() > 0 { now.0 } else { i64::MAX };
        let inner = Inner {
            wal,
            objects,
            catalog,
            clock,
            config,
            state: RwLock::new(Snapshot {
                live: Arc::new(LiveBlocks::new(blocks)),
                frozen: Vec::new(),
                active: Arc::new(RwLock::new(head)),
            }),
            put_gate: tokio::sync::RwLock::default(),
            flushing: tokio::sync::Mutex::default(),
            maintenance: tokio::sync::Mutex::default(),
            publishing: tokio::sync::Mutex::new(Publishing::new(checkpoint.max(Lsn::FIRST))),
            head_room: HeadRoom::new(config.head_bytes_max as u64),
            calls,
            cache: Arc::new(IndexCache::new(config.index_cache_bytes)),
            ids: Mutex::new(ulid::Generator::new()),
            head_since: AtomicI64::new(head_since),
            maintained_at: AtomicI64::new(now.0),
            // What an earlier process left behind is looked for at once.
            orphans_swept_at: AtomicI64::new(i64::MIN),
            flush_wanted: AtomicBool::new(false),
            backoff: Backoff::default(),
            quarantined: Mutex::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Stores all datums of a batch, or none. Durable and visible on return.
    ///
    /// `invocation` is the id an SDK repeats on each attempt of one call; a call that was applied
    /// already succeeds without being counted again. Dropping the future does not undo the put.
    ///
    /// # Errors
    /// [`Error::Full`] (throttled) above the limits on memory and backlog, [`Error::TooLarge`],
    /// or what the disk said.
    pub async fn put(
        &self,
        tenant: &Tenant,
        batch: MetricBatch,
        invocation: Option<&str>,
    ) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let inner = Arc::clone(&self.inner);
        let (tenant, invocation) = (tenant.clone(), invocation.map(str::to_owned));
        // A task of its own, because a caller that goes away must not split append and insertion.
        tokio::spawn(async move { inner.put(&tenant, &batch, invocation.as_deref()).await })
            .await
            .map_err(|_| Error::Stopped {
                what: "metrics put",
            })?
    }

    /// Reads metrics, each in buckets of its own. The results are in order of `reads`; a metric
    /// without samples has no units. Blocks that cannot be read fail the whole call.
    pub async fn read(
        &self,
        tenant: &Tenant,
        reads: &[MetricRead],
    ) -> Result<Vec<MetricReadResult>> {
        let prepared = read::prepare(reads)?;
        let context = ReadContext {
            tenant: tenant.clone(),
            snapshot: self.inner.snapshot(),
            objects: self.inner.objects.clone(),
            cache: Arc::clone(&self.inner.cache),
        };
        read::run(context, prepared).await
    }

    /// A page of the metrics that match, in order of namespace, name, dimensions, with the time
    /// of their last datapoint. `after` is the last metric of the page before.
    pub async fn list(
        &self,
        tenant: &Tenant,
        filter: &MetricFilter,
        after: Option<&MetricId>,
        limit: usize,
    ) -> Result<MetricPage> {
        let context = self.list_context(tenant);
        let (filter, after) = (filter.clone(), after.cloned());
        blocking(move || list::page(&context, &filter, after.as_ref(), limit)).await
    }

    /// Calls `visit` for every metric that matches, in order, until it returns false. The
    /// timestamp is that of the last datapoint.
    pub async fn for_each_series(
        &self,
        tenant: &Tenant,
        filter: &MetricFilter,
        mut visit: impl FnMut(super::SeriesKey<'_>, TimestampMs) -> bool + Send + 'static,
    ) -> Result<()> {
        let context = self.list_context(tenant);
        let filter = filter.clone();
        blocking(move || list::visit(&context, &filter, None, None, &mut visit)).await
    }

    /// Numbers for Belfry's own metrics.
    pub fn stats(&self) -> MetricsStats {
        let snapshot = self.inner.snapshot();
        let mut stats = MetricsStats {
            wal_bytes: self.inner.wal.size_bytes(),
            ..MetricsStats::default()
        };
        for head in snapshot.heads() {
            let head = head.read();
            stats.head_bytes += head.bytes() as u64;
            stats.head_samples += head.samples();
            stats.head_series += head.series_count() as u64;
        }
        for block in snapshot.live.iter() {
            stats.blocks += 1;
            stats.block_bytes += block.row.bytes;
            stats.block_samples += block.row.rows;
        }
        stats
    }

    fn list_context(&self, tenant: &Tenant) -> list::ListContext {
        list::ListContext {
            tenant: tenant.clone(),
            snapshot: self.inner.snapshot(),
            objects: self.inner.objects.clone(),
            cache: Arc::clone(&self.inner.cache),
        }
    }
}

/// Runs work that blocks or computes off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Stopped {
            what: "metrics worker",
        })?
}

/// Opens the log and rebuilds the head from what is in no block yet.
fn replay(
    dir: &Path,
    checkpoint: Lsn,
    config: MetricsConfig,
    calls: &RetriedCalls<()>,
) -> Result<(Wal, Head)> {
    let wal = Wal::open(WAL_NAME, dir, checkpoint, config.wal)?;
    let mut head = Head::default();
    let summary = wal.replay(checkpoint, |record| apply_to(&record, &mut head, calls))?;
    if summary.records > 0 {
        tracing::info!(
            records = summary.records,
            bytes = summary.payload_bytes,
            samples = head.samples(),
            "replayed the metrics write-ahead log"
        );
    }
    Ok((wal, head))
}

fn apply_to(record: &WalRecord, head: &mut Head, calls: &RetriedCalls<()>) -> Result<()> {
    apply(record, head, calls).ok_or_else(|| Error::WalCorrupt {
        file: WAL_NAME.to_owned(),
        offset: 0,
        why: format!(
            "record {} of kind {} is not one of this version",
            record.lsn.0, record.kind
        ),
    })
}

fn apply(record: &WalRecord, head: &mut Head, calls: &RetriedCalls<()>) -> Option<()> {
    match record.kind {
        KIND_BATCH => {
            let (header, batch) = MetricBatch::decode(&record.payload)?;
            let repeated = header.invocation.as_deref().is_some_and(|id| {
                !calls.replay(&header.tenant, call_key(id), header.applied_at, ())
            });
            if !repeated {
                head.insert(&header.tenant, &batch);
            }
            Some(())
        }
        KIND_INVOCATIONS => calls_record::replay(&record.payload, calls),
        _ => None,
    }
}

/// Whether a restart would take this record of the metrics' log, for `belfry check`. What it holds
/// is thrown away.
///
/// # Errors
/// [`Error::WalCorrupt`] for a record of no kind that this version writes.
pub fn verify_record(record: &WalRecord) -> Result<()> {
    apply_to(record, &mut Head::default(), &RetriedCalls::default())
}

impl Inner {
    pub(super) fn snapshot(&self) -> Snapshot {
        self.state.read().clone()
    }

    async fn put(
        self: &Arc<Self>,
        tenant: &Tenant,
        batch: &MetricBatch,
        invocation: Option<&str>,
    ) -> Result<()> {
        let call = match invocation {
            None => None,
            Some(id) => match self.calls.begin(tenant, id).await {
                Begin::Applied(()) => return Ok(()),
                Begin::Work(call) => Some(call),
            },
        };
        // Held until the samples are in the head.
        let reserved = self.admit(batch)?;
        let applied_at = self.clock.now();
        let record = batch.encode(&RecordHeader {
            tenant,
            invocation,
            applied_at,
        });

        let gate = self.put_gate.read().await;
        self.wal.append(KIND_BATCH, Bytes::from(record)).await?;
        failpoint::hit("metrics.after_append");
        let head_bytes = {
            let state = self.state.read();
            let mut head = state.active.write();
            head.insert(tenant, batch);
            head.bytes()
        };
        drop(reserved);
        self.head_since.fetch_min(applied_at.0, Ordering::Relaxed);
        if let Some(call) = call {
            call.applied(applied_at, ());
        }
        drop(gate);

        if head_bytes >= self.config.flush_bytes {
            self.flush_soon();
        }
        Ok(())
    }

    /// Reserves what a batch may take of the head, or refuses it.
    fn admit(self: &Arc<Self>, batch: &MetricBatch) -> Result<Reservation<'_>> {
        let full = |what, used: u64, limit: u64| {
            self.flush_soon();
            Error::Full { what, used, limit }
        };
        let in_heads = || self.state.read().head_bytes() as u64;
        let reserved = self
            .head_room
            .reserve(batch.bytes() as u64, in_heads)
            .map_err(|no_room| full("metrics head", no_room.used, no_room.limit))?;
        let used = self.wal.size_bytes();
        let limit = self.config.wal_bytes_max;
        if used > limit {
            return Err(full("metrics write-ahead log", used, limit));
        }
        Ok(reserved)
    }

    /// Flushes in the background unless that is about to happen, or has just failed.
    fn flush_soon(self: &Arc<Self>) {
        if self.clock.now() < self.backoff.until() || self.flush_wanted.swap(true, Ordering::AcqRel)
        {
            return;
        }
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = inner.flush().await {
                tracing::error!(%error, "flushing metrics failed");
            }
        });
    }

    /// A new object id, in order of creation.
    pub(super) fn new_id(&self) -> Result<Ulid> {
        let now = u64::try_from(self.clock.now().0).unwrap_or_default();
        self.ids
            .lock()
            .generate_from_datetime(UNIX_EPOCH + Duration::from_millis(now))
            .map_err(|e| Error::Engine {
                engine: "object ids",
                why: e.to_string(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_reads_what_is_in_a_record() {
        let verify = |kind, payload: &[u8]| {
            verify_record(&WalRecord {
                lsn: Lsn::FIRST,
                kind,
                payload: Bytes::copy_from_slice(payload),
            })
        };
        let tenant = Tenant::new("000000000000", "eu-west-1");
        let header = RecordHeader {
            tenant: &tenant,
            invocation: None,
            applied_at: TimestampMs(0),
        };
        let record = MetricBatch::new().encode(&header);
        assert!(verify(KIND_BATCH, &record).is_ok());
        assert!(verify(KIND_BATCH, &record[..record.len() - 1]).is_err());
        assert!(verify(9, &record).is_err());
    }
}
