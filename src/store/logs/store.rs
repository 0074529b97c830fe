//! The logs of a node: accepts events, makes them durable and visible, hands out snapshots.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use belfry_catalog::LogsCatalog;
use belfry_catalog::log_groups::{LogGroup, LogGroupId, LogStream, LogStreamActivity, LogStreamId};
use belfry_catalog::objects::{ObjectKind, Publish};
use belfry_model::{Clock, Tenant, TimestampMs};
use bytes::Bytes;
use parking_lot::Mutex;
use ulid::Ulid;

use super::builder_thread::BuilderThread;
use super::config::LogsConfig;
use super::event::LogEventBatch;
use super::head::{Chunk, Head, Source};
use super::live::{LiveSegment, LiveSegments};
use super::names::Names;
use super::put::{PutOutcome, RejectedRanges, retention_start};
use super::segment::opened::SegmentCache;
use super::sequence::Sequence;
use super::snapshot::LogSnapshot;
use super::wal_record::{
    EventsRecord, EventsToWrite, KIND_CALLS, KIND_EVENTS, decode_calls, decode_events,
    encode_events,
};
use crate::backoff::Backoff;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::head_room::HeadRoom;
use crate::objects::Objects;
use crate::publishing::Publishing;
use crate::retried_calls::{Begin, CallUnderWay, RetriedCalls, call_key};
use crate::wal::{Lsn, Wal, WalRecord};

/// Longer ids than this are not ids of an SDK (36 bytes) and are ignored.
const INVOCATION_BYTES_MAX: usize = 128;

/// The name of the write-ahead log in the catalog.
pub(super) const WAL_NAME: &str = "logs";

/// The logs of a node. Cheap to clone.
#[derive(Clone)]
pub struct LogsStore {
    pub(super) inner: Arc<Inner>,
}

/// Numbers for Belfry's own metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogsStats {
    pub head_bytes: u64,
    pub wal_bytes: u64,
    pub segments: u64,
    pub segment_bytes: u64,
}

pub(super) struct Inner {
    pub wal: Wal,
    pub objects: Objects,
    pub catalog: Arc<dyn LogsCatalog>,
    pub clock: Arc<dyn Clock>,
    pub config: LogsConfig,
    pub names: Arc<Names>,
    pub cache: Arc<SegmentCache>,
    pub builder: BuilderThread,
    pub head_room: HeadRoom,
    pub calls: RetriedCalls<PutOutcome>,
    pub sequence: Sequence,
    pub state: Mutex<State>,
    /// Calls hold this shared from before their write-ahead record until their events are in the
    /// head; a flush takes it whole for a moment, so that the head and the log's position agree.
    pub gate: tokio::sync::RwLock<()>,
    /// One flush at a time.
    pub flushing: tokio::sync::Mutex<()>,
    pub flush_wanted: AtomicBool,
    /// Bytes of remembered calls that the last flush wrote to the log.
    pub calls_bytes: AtomicU64,
    pub backoff: Backoff,
    pub publishing: tokio::sync::Mutex<Publishing>,
    /// One round of maintenance at a time, and when the next is due.
    pub maintaining: tokio::sync::Mutex<()>,
    pub maintenance_due: Mutex<TimestampMs>,
    /// Segments found damaged; compaction leaves them alone.
    pub quarantined: Mutex<BTreeSet<Ulid>>,
}

/// What readers see. Changes of it are atomic under the lock.
pub(super) struct State {
    /// Takes new events.
    pub active: Head,
    /// Being turned into segments.
    pub frozen: Option<Frozen>,
    pub segments: LiveSegments,
}

/// A head that takes no more events.
#[derive(Clone)]
pub(super) struct Frozen {
    pub head: Arc<Head>,
    /// Every record below is in this head or in segments.
    pub checkpoint: Lsn,
    /// The remembered calls are in the log behind the checkpoint: once is enough, however often
    /// the flush is tried.
    pub calls_written: Arc<AtomicBool>,
}

impl LogsStore {
    /// Opens the store with its write-ahead log in `dir`, and replays what is not in segments.
    pub async fn open(
        dir: &Path,
        objects: Objects,
        catalog: Arc<dyn LogsCatalog>,
        clock: Arc<dyn Clock>,
        config: LogsConfig,
    ) -> Result<Self> {
        let checkpoint = Lsn(catalog.wal_checkpoint(WAL_NAME).await?);
        let live = catalog.live_objects(ObjectKind::LogSegment).await?;
        let segments = live
            .into_iter()
            .map(|row| LiveSegment::of_row(row).map(Arc::new))
            .collect::<Result<Vec<_>>>()?;
        let cache = Arc::new(SegmentCache::new(objects.clone(), config.cache_bytes));
        let calls = RetriedCalls::default();
        let replay = {
            let dir = dir.to_owned();
            let wal_config = config.wal;
            tokio::task::spawn_blocking(move || Replay::run(&dir, checkpoint, wal_config, calls))
        };
        let Replay {
            wal,
            head,
            calls,
            last_time,
        } = replay.await.map_err(|_| Error::Stopped {
            what: "replay of the logs",
        })??;
        if checkpoint < Lsn::FIRST {
            // From now on a log that is not there is a lost one.
            catalog
                .publish(Publish::wal_created(WAL_NAME), clock.now())
                .await?;
        }
        let names = Arc::new(Names::new(Arc::clone(&catalog)));
        let head_room = HeadRoom::new(config.head_bytes_max);
        let sequence = Sequence::new(Arc::clone(&catalog), Arc::clone(&clock), last_time);
        let store = Self {
            inner: Arc::new(Inner {
                wal,
                objects,
                catalog,
                clock,
                config,
                names,
                head_room,
                calls,
                sequence,
                state: Mutex::new(State {
                    active: head,
                    frozen: None,
                    segments: Arc::new(segments),
                }),
                cache,
                builder: BuilderThread::start()?,
                gate: tokio::sync::RwLock::new(()),
                flushing: tokio::sync::Mutex::new(()),
                flush_wanted: AtomicBool::new(false),
                calls_bytes: AtomicU64::new(0),
                backoff: Backoff::default(),
                publishing: tokio::sync::Mutex::new(Publishing::new(checkpoint.max(Lsn::FIRST))),
                maintaining: tokio::sync::Mutex::new(()),
                maintenance_due: Mutex::new(TimestampMs::MIN),
                quarantined: Mutex::default(),
            }),
        };
        let orphans = store.inner.sweep_orphans().await?;
        if orphans > 0 {
            tracing::info!(orphans, "swept log segments that were never published");
        }
        Ok(store)
    }

    /// Stores the events of one call: durable and visible on return.
    ///
    /// `batch` was validated (order, sizes); its timestamps ascend. `invocation` is the call's
    /// `amz-sdk-invocation-id`: a second attempt of an applied call stores nothing and gets the
    /// first one's outcome.
    ///
    /// # Errors
    /// `NotFound` of `log group` or `log stream`; `Full` (throttled) when too much waits to be
    /// flushed.
    pub async fn put_events(
        &self,
        tenant: &Tenant,
        group_name: &str,
        stream_name: &str,
        batch: LogEventBatch,
        invocation: Option<&str>,
    ) -> Result<PutOutcome> {
        let inner = Arc::clone(&self.inner);
        let tenant = tenant.clone();
        let (group_name, stream_name) = (group_name.to_owned(), stream_name.to_owned());
        let invocation = invocation
            .filter(|id| !id.is_empty() && id.len() <= INVOCATION_BYTES_MAX)
            .map(str::to_owned);
        // A task of its own: a caller that goes away must not leave a record half applied.
        let applied = tokio::spawn(async move {
            let outcome = inner
                .put(&tenant, &group_name, &stream_name, &batch, invocation)
                .await;
            inner.start_flush_if_due();
            outcome
        });
        applied
            .await
            .map_err(|_| Error::Stopped { what: "log writer" })?
    }

    /// All events that are visible now, for as long as the snapshot is held.
    pub fn snapshot(&self) -> LogSnapshot {
        let state = self.inner.state.lock();
        let mut heads = Vec::with_capacity(2);
        if let Some(frozen) = &state.frozen {
            heads.push(Arc::clone(&frozen.head));
        }
        heads.push(Arc::new(state.active.clone()));
        LogSnapshot::new(
            heads,
            Arc::clone(&state.segments),
            Arc::clone(&self.inner.cache),
            Arc::clone(&self.inner.names),
        )
    }

    /// What is not flushed yet about the streams of a group: one entry each, in no order.
    pub fn unflushed_activity(&self, group: LogGroupId) -> Vec<LogStreamActivity> {
        let (frozen, active) = {
            let state = self.inner.state.lock();
            let streams = |head: &Head| head.groups.get(&group).map(|g| Arc::clone(&g.streams));
            let frozen = state.frozen.as_ref().and_then(|f| streams(&f.head));
            (frozen, streams(&state.active))
        };
        let mut merged = active.as_deref().cloned().unwrap_or_default();
        for (&stream, bounds) in frozen.iter().flat_map(|streams| streams.iter()) {
            merged
                .entry(stream)
                .and_modify(|known| known.merge(bounds))
                .or_insert(*bounds);
        }
        let activity = merged
            .iter()
            .map(|(&stream, bounds)| bounds.of_stream(stream));
        activity.collect()
    }

    /// Deletes a log group with its streams; its events are no longer visible.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_log_group(&self, tenant: &Tenant, name: &str) -> Result<LogGroup> {
        let deleted = self.inner.catalog.delete_log_group(tenant, name).await;
        self.inner.names.forget_group(tenant, name);
        Ok(deleted?)
    }

    /// Deletes a log stream; its events are no longer visible.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_log_stream(&self, group: &LogGroup, name: &str) -> Result<LogStream> {
        let deleted = self.inner.catalog.delete_log_stream(group.id, name).await;
        self.inner
            .names
            .forget_stream(&group.tenant, &group.name, name);
        Ok(deleted?)
    }

    /// To be called after any other change of a log group, such as its retention.
    pub fn log_group_changed(&self, tenant: &Tenant, name: &str) {
        self.inner.names.forget_group(tenant, name);
    }

    /// Memory held by events that are not in segments yet.
    pub fn head_bytes(&self) -> u64 {
        self.inner.head_bytes()
    }

    /// Numbers for Belfry's own metrics.
    pub fn stats(&self) -> LogsStats {
        let segments = Arc::clone(&self.inner.state.lock().segments);
        LogsStats {
            head_bytes: self.head_bytes(),
            wal_bytes: self.inner.wal.size_bytes(),
            segments: segments.len() as u64,
            segment_bytes: segments.iter().map(|segment| segment.row.bytes).sum(),
        }
    }
}

impl Inner {
    fn head_bytes(&self) -> u64 {
        let state = self.state.lock();
        let frozen = state.frozen.as_ref().map_or(0, |f| f.head.memory_bytes);
        state.active.memory_bytes.saturating_add(frozen)
    }

    async fn put(
        self: &Arc<Self>,
        tenant: &Tenant,
        group_name: &str,
        stream_name: &str,
        batch: &LogEventBatch,
        invocation: Option<String>,
    ) -> Result<PutOutcome> {
        let (group, stream) = self.names.resolve(tenant, group_name, stream_name).await?;
        let call = match &invocation {
            None => None,
            Some(id) => match self.calls.begin(tenant, id).await {
                Begin::Work(call) => Some(call),
                Begin::Applied(outcome) => {
                    return Ok(PutOutcome {
                        repeated: true,
                        ..outcome
                    });
                }
            },
        };
        let bytes = Chunk::memory_bytes_of(batch.len(), batch.text_bytes());
        // Held until the events are in the head.
        let _reserved = self
            .head_room
            .reserve(bytes as u64, || self.head_bytes())
            .map_err(|no_room| {
                // A limit of the head near the size that begins a flush may never let it get there.
                self.start_flush();
                Error::Full {
                    what: "log head",
                    used: no_room.used,
                    limit: no_room.limit,
                }
            })?;
        let used = self.wal.size_bytes();
        if used > self.config.wal_bytes_max {
            return Err(Error::Full {
                what: "logs write-ahead log",
                used,
                limit: self.config.wal_bytes_max,
            });
        }
        let call = call.zip(invocation.as_deref());
        self.append(tenant, &group, stream, batch, call).await
    }

    async fn append(
        &self,
        tenant: &Tenant,
        group: &LogGroup,
        stream: LogStreamId,
        batch: &LogEventBatch,
        call: Option<(CallUnderWay<PutOutcome>, &str)>,
    ) -> Result<PutOutcome> {
        let invocation = call.as_ref().map(|(_, id)| *id);
        let _entered = self.gate.read().await;
        let (seq, ingestion_time) = self.sequence.next().await?;
        let now = self.clock.now();
        let rejected =
            RejectedRanges::compute(batch.timestamps(), retention_start(group, now), now);
        let kept = rejected.accepted(batch.len());
        let outcome = PutOutcome {
            rejected,
            accepted: kept.len(),
            ingestion_time,
            seq,
            repeated: false,
        };
        if kept.is_empty() && invocation.is_none() {
            return Ok(outcome);
        }
        let payload = encode_events(&EventsToWrite {
            tenant,
            group: group.id,
            stream,
            invocation,
            outcome: &outcome,
            batch,
        });
        self.wal.append(KIND_EVENTS, payload).await?;
        failpoint::hit("logs.after_append");
        if !kept.is_empty() {
            let source = Source {
                seq,
                stream,
                ingestion_time,
            };
            let chunk = chunk_of_batch(source, batch, kept);
            self.state
                .lock()
                .active
                .insert(tenant, group.id, source, chunk);
        }
        // Before the gate opens: a flush must see the call, or a restart would not know it.
        if let Some((call, _)) = call {
            call.applied(ingestion_time, outcome);
        }
        Ok(outcome)
    }
}

fn chunk_of_batch(source: Source, batch: &LogEventBatch, kept: std::ops::Range<usize>) -> Chunk {
    let timestamps = batch.timestamps().get(kept.clone()).unwrap_or_default();
    let mut text = Vec::with_capacity(batch.text_bytes());
    let mut ends = Vec::with_capacity(kept.len());
    for i in kept.clone() {
        text.extend_from_slice(batch.message(i).as_bytes());
        ends.push(text.len() as u32);
    }
    Chunk::of_call(
        source,
        kept.start as u32,
        timestamps.to_vec(),
        ends,
        Bytes::from(text),
    )
}

/// What the write-ahead log brings back.
struct Replay {
    wal: Wal,
    head: Head,
    calls: RetriedCalls<PutOutcome>,
    last_time: TimestampMs,
}

impl Replay {
    fn run(
        dir: &Path,
        checkpoint: Lsn,
        config: crate::wal::WalConfig,
        calls: RetriedCalls<PutOutcome>,
    ) -> Result<Self> {
        let wal = Wal::open(WAL_NAME, dir, checkpoint, config)?;
        let mut head = Head::default();
        let mut last_time = TimestampMs(0);
        wal.replay(checkpoint, |record| {
            let at = apply_record(&record, &mut head, &calls)?;
            last_time = last_time.max(at.unwrap_or(last_time));
            Ok(())
        })?;
        Ok(Self {
            wal,
            head,
            calls,
            last_time,
        })
    }
}

/// Whether a restart would take this record of the logs' log, for `belfry check`. What it holds is
/// thrown away.
///
/// # Errors
/// [`Error::WalCorrupt`] for a record of no kind that this version writes.
pub fn verify_record(record: &WalRecord) -> Result<()> {
    apply_record(record, &mut Head::default(), &RetriedCalls::default()).map(drop)
}

/// Does what a record says; its ingestion time, if it holds events.
fn apply_record(
    record: &WalRecord,
    head: &mut Head,
    calls: &RetriedCalls<PutOutcome>,
) -> Result<Option<TimestampMs>> {
    let unreadable = |why: String| Error::WalCorrupt {
        file: format!("{WAL_NAME} record {}", record.lsn.0),
        offset: 0,
        why,
    };
    match record.kind {
        KIND_CALLS => {
            for remembered in decode_calls(&record.payload).map_err(unreadable)? {
                for (at, key, outcome) in remembered.calls {
                    calls.replay(&remembered.tenant, key, at, outcome);
                }
            }
            Ok(None)
        }
        KIND_EVENTS => {
            let events = decode_events(&record.payload).map_err(unreadable)?;
            let at = events.outcome.ingestion_time;
            apply_events(events, head, calls);
            Ok(Some(at))
        }
        kind => Err(unreadable(format!("unknown kind {kind}"))),
    }
}

fn apply_events(events: EventsRecord, head: &mut Head, calls: &RetriedCalls<PutOutcome>) {
    if let Some(id) = &events.invocation {
        let at = events.outcome.ingestion_time;
        // An attempt that was cut off after its record, and then applied again.
        if !calls.replay(&events.tenant, call_key(id), at, events.outcome) {
            return;
        }
    }
    let source = Source {
        seq: events.outcome.seq,
        stream: events.stream,
        ingestion_time: events.outcome.ingestion_time,
    };
    // A copy: the record's bytes are a slice of a whole segment of the log.
    let text = Bytes::copy_from_slice(&events.text);
    let chunk = Chunk::of_call(
        source,
        events.first_index,
        events.timestamps,
        events.ends,
        text,
    );
    head.insert(&events.tenant, events.group, source, chunk);
}

#[cfg(test)]
mod tests {
    use super::super::wal_record::encode_calls;
    use super::*;
    use crate::retried_calls::RememberedCalls;

    #[test]
    fn a_check_reads_what_is_in_a_record() {
        let verify = |kind, payload| {
            verify_record(&WalRecord {
                lsn: Lsn::FIRST,
                kind,
                payload,
            })
        };
        let record = encode_calls(&RememberedCalls {
            tenant: Tenant::new("0", "r"),
            calls: Vec::new(),
        });
        assert!(verify(KIND_CALLS, record.clone()).is_ok());
        assert!(verify(KIND_CALLS, record.slice(..record.len() - 1)).is_err());
        assert!(verify(9, record).is_err());
    }
}
