//! Reading datapoints: one pass over blocks and heads per request, shared by all its metrics.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use belfry_model::{MetricId, StatisticSet, Tenant, TimestampMs, Unit};

use super::aggregate::Buckets;
use super::block::Wanted;
use super::head::Head;
use super::key;
use super::live::{IndexCache, LiveBlock, Snapshot};
use crate::error::{Error, Result};
use crate::objects::Objects;

/// So few reads are not worth a second thread.
const READS_PER_WORKER_MIN: usize = 16;

/// What to read: one metric in one range, in buckets of one length.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRead {
    pub metric: MetricId,
    /// Only samples of this unit; all units if absent.
    pub unit: Option<Unit>,
    /// Inclusive; buckets count from here, so the caller rounds it (spec metrics.md 5).
    pub start: TimestampMs,
    /// Exclusive; cuts the last bucket.
    pub end: TimestampMs,
    pub period_s: u32,
    /// Whether the sets shall have their distribution. Without, it is unavailable and reading is
    /// faster.
    pub want_distribution: bool,
}

/// The buckets of a metric that have samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricReadResult {
    /// By unit, in order of the units' names.
    pub units: Vec<UnitBuckets>,
}

/// The buckets of one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitBuckets {
    pub unit: Unit,
    /// Starts of buckets, ascending, and what their samples add up to.
    pub buckets: Vec<(TimestampMs, StatisticSet)>,
}

/// A read that a worker can carry away.
pub(super) struct PreparedRead {
    key: Vec<u8>,
    buckets: Buckets,
}

pub(super) fn prepare(reads: &[MetricRead]) -> Result<Vec<PreparedRead>> {
    reads
        .iter()
        .map(|read| {
            if read.period_s == 0 {
                return Err(Error::Invalid("a period of 0 seconds".to_owned()));
            }
            Ok(PreparedRead {
                key: key::of(&read.metric)?,
                buckets: Buckets::new(
                    read.start,
                    read.end,
                    i64::from(read.period_s) * 1000,
                    read.unit,
                    read.want_distribution,
                ),
            })
        })
        .collect()
}

/// What all workers of one request share.
pub(super) struct ReadContext {
    pub tenant: Tenant,
    pub snapshot: Snapshot,
    pub objects: Objects,
    pub cache: Arc<IndexCache>,
}

/// Asked once: the answer takes files of the kernel, and longer than many a read.
static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// Runs reads on as many threads as there are cores and reads to share.
pub(super) async fn run(
    context: ReadContext,
    reads: Vec<PreparedRead>,
) -> Result<Vec<MetricReadResult>> {
    let workers = CORES.min(reads.len() / READS_PER_WORKER_MIN).max(1);
    let share = reads.len().div_ceil(workers).max(1);
    let context = Arc::new(context);
    let mut tasks = VecDeque::new();
    let mut reads = reads.into_iter();
    loop {
        let part: Vec<PreparedRead> = reads.by_ref().take(share).collect();
        if part.is_empty() {
            break;
        }
        let context = Arc::clone(&context);
        tasks.push_back(tokio::task::spawn_blocking(move || context.work(part)));
    }
    let mut results = Vec::new();
    for task in tasks {
        let part = task.await.map_err(|_| Error::Stopped {
            what: "metric reader",
        })??;
        results.extend(part);
    }
    Ok(results)
}

impl PreparedRead {
    fn add_head(&mut self, head: &Head, tenant: &Tenant) {
        let Some(series) = head.tenant(tenant).and_then(|h| h.get(&self.key)) else {
            return;
        };
        for part in &series.parts {
            if !self.buckets.takes(part.unit) {
                continue;
            }
            for (time, value) in &part.singles {
                self.buckets.add_single(part.unit, *time, *value);
            }
            for (time, set) in &part.sets {
                self.buckets.add_set_at(part.unit, *time, set);
            }
        }
    }
}

impl ReadContext {
    fn work(&self, mut reads: Vec<PreparedRead>) -> Result<Vec<MetricReadResult>> {
        for block in self.snapshot.live.of(&self.tenant) {
            self.read_block(block, &mut reads)?;
        }
        for head in self.snapshot.heads() {
            for read in &mut reads {
                // Locked for each read anew: puts wait for a lock's whole stay.
                read.add_head(&head.read(), &self.tenant);
            }
        }
        let result = |read: PreparedRead| MetricReadResult {
            units: read
                .buckets
                .finish()
                .into_iter()
                .map(|(unit, buckets)| UnitBuckets { unit, buckets })
                .collect(),
        };
        Ok(reads.into_iter().map(result).collect())
    }

    fn read_block(&self, block: &LiveBlock, reads: &mut [PreparedRead]) -> Result<()> {
        let (first, last) = (block.row.min_ts.0, block.row.max_ts.0);
        if !reads.iter().any(|r| r.buckets.overlaps(first, last)) {
            return Ok(());
        }
        let index = self.cache.get(block, &self.objects)?;
        // Offset and number of a chunk, and the read that wants it.
        let mut wanted: Vec<(u64, u32, usize)> = Vec::new();
        for (i, read) in reads.iter_mut().enumerate() {
            if !read.buckets.overlaps(first, last) {
                continue;
            }
            let Some(row) = index.series().find(&read.key) else {
                continue;
            };
            for number in index.chunks_of(row) {
                let Some((chunk, clock)) = index
                    .chunk(number)
                    .and_then(|chunk| Some((chunk, index.clock_of(chunk)?)))
                else {
                    continue;
                };
                let counts = read.buckets.takes(chunk.unit)
                    && read.buckets.overlaps(clock.first, clock.last);
                if counts && !read.buckets.add_whole(chunk, clock.first, clock.last) {
                    wanted.push((chunk.offset, number, i));
                }
            }
        }
        wanted.sort_unstable();
        let chunks: Vec<Wanted> = wanted
            .iter()
            .map(|(_, chunk, read)| Wanted {
                chunk: *chunk,
                distributions: reads
                    .get(*read)
                    .is_some_and(|r| r.buckets.with_distribution()),
            })
            .collect();
        index.read_chunks(
            &block.source(&self.objects),
            &chunks,
            |position, samples| {
                if let Some(read) = wanted.get(position).and_then(|(_, _, i)| reads.get_mut(*i)) {
                    read.buckets.add_chunk(&samples);
                }
                Ok(())
            },
        )
    }
}
