//! Compaction: small blocks of a partition become one, and data that outlives its tier is
//! rolled up into the next. Sets of one timestamp add, so neither changes an answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use belfry_model::time::HOUR_MS;
use belfry_model::{Tenant, TimestampMs, Unit};
use ulid::Ulid;

use super::block::{
    BlockIndex, BlockSource, BlockWriter, BuiltBlock, Coding, Effort, SampleValues, Wanted,
};
use super::config::MetricsConfig;
use super::flush::{Partition, Samples};
use super::live::{IndexCache, LiveBlock, LiveBlocks};
use super::store::{Inner, blocking};
use super::tier::Tier;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::objects::Objects;

/// So many blocks of a partition are worth a merge.
const MERGE_BLOCKS_MIN: usize = 4;
/// A merge reads so many at most: each takes a buffer.
const MERGE_BLOCKS_MAX: usize = 16;
/// The rest must be at least this part of the largest block, or that would be rewritten for
/// next to nothing (VictoriaMetrics uses 1.7 for the quotient of output and largest input).
const MERGE_REST_MIN: f64 = 0.7;
/// No more data is expected this long after the end of a partition: what is there is merged.
const CLOSED_AFTER_MS: i64 = HOUR_MS;
/// In a closed partition a rest this small is left alone unless there are many blocks.
const CLOSED_REST_MIN: f64 = 0.1;
/// Memory for samples that are read ahead from each input.
const READ_AHEAD_BYTES: usize = 1 << 20;
/// A statistic set in memory, with its time and the allocations of a distribution.
const SET_BYTES: usize = 128;
/// What a packed byte of statistic sets becomes in memory, at first guess: values and weights of
/// 8 bytes. Lists that repeat pack far better.
const SET_BYTES_PER_PACKED: usize = 16;
/// More in one call would keep others waiting: the next call goes on.
const JOBS_MAX: usize = 256;

/// Blocks that become one.
#[derive(Clone, Debug)]
struct Job {
    tenant: Tenant,
    /// The tier of the result.
    tier: Tier,
    inputs: Vec<Arc<LiveBlock>>,
}

impl Inner {
    /// Merges and rolls up what is due.
    pub(super) async fn compact(self: &Arc<Self>, now: TimestampMs) -> Result<()> {
        let _one = self.maintenance.lock().await;
        for _ in 0..JOBS_MAX {
            let job = {
                let live = Arc::clone(&self.state.read().live);
                let quarantined = self.quarantined.lock().clone();
                plan(&live, &quarantined, now, &self.config)
            };
            let Some(job) = job else {
                return Ok(());
            };
            let ids: Vec<Ulid> = job.inputs.iter().map(|b| b.row.id).collect();
            match self.run_job(job).await {
                Ok(()) => {}
                Err(error @ (Error::ObjectCorrupt { .. } | Error::ObjectMissing { .. })) => {
                    // Trying again would fail again; readers get the error, and the operator
                    // finds it here.
                    tracing::error!(%error, blocks = ?ids, "leaving damaged blocks uncompacted");
                    self.quarantined.lock().extend(ids);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn run_job(self: &Arc<Self>, job: Job) -> Result<()> {
        let (objects, cache) = (self.objects.clone(), Arc::clone(&self.cache));
        let level = job.inputs.iter().map(|b| b.row.level).max();
        let level = level.unwrap_or_default().saturating_add(1);
        let remove: Vec<Ulid> = job.inputs.iter().map(|b| b.row.id).collect();
        let tenant = job.tenant.clone();
        let built = blocking(move || merge(&job, &objects, &cache)).await?;
        let mut rows = Vec::new();
        if let Some(built) = built {
            rows.push(self.store_block(tenant, level, built).await?);
        }
        failpoint::hit("metrics.compact_before_publish");
        self.replace(rows, remove).await?;
        failpoint::hit("metrics.compact_after_publish");
        Ok(())
    }
}

/// The next thing to do, the most urgent first: roll-ups, then merges.
fn plan(
    live: &LiveBlocks,
    quarantined: &[Ulid],
    now: TimestampMs,
    config: &MetricsConfig,
) -> Option<Job> {
    let mut merges = None;
    for tenant in live.tenants() {
        let mut partitions: BTreeMap<Partition, Vec<Arc<LiveBlock>>> = BTreeMap::new();
        for block in live.of(tenant) {
            if quarantined.contains(&block.row.id) {
                continue;
            }
            let start = config.retention.partition_of(block.tier, block.row.min_ts);
            let tier = block.tier;
            let blocks = partitions.entry(Partition { tier, start }).or_default();
            blocks.push(Arc::clone(block));
        }
        for (partition, blocks) in partitions {
            let tier = partition.tier;
            let end = partition
                .start
                .saturating_add_ms(config.retention.partition_ms(tier));
            if let Some(coarser) = tier.coarser() {
                let mut outlived = blocks.clone();
                outlived.retain(|b| {
                    // Blocks of a time when partitions were longer end after theirs.
                    let last = b.row.max_ts.saturating_add_ms(tier.resolution_ms());
                    let until = end.max(last);
                    until.saturating_add_ms(config.retention.of(tier)) <= now
                });
                if !outlived.is_empty() {
                    // At least one: it has to go down, whatever its size.
                    let count = fitting(&outlived, config.block_bytes_max).max(1);
                    outlived.truncate(count);
                    return Some(Job {
                        tenant: tenant.clone(),
                        tier: coarser,
                        inputs: outlived,
                    });
                }
            }
            if merges.is_none() {
                let closed = end.saturating_add_ms(CLOSED_AFTER_MS) <= now;
                merges = choose(blocks, closed, config.block_bytes_max).map(|inputs| Job {
                    tenant: tenant.clone(),
                    tier,
                    inputs,
                });
            }
        }
    }
    merges
}

/// How many of the first blocks one job may take: the output is built in memory, and may be about
/// as large as they are together.
fn fitting(blocks: &[Arc<LiveBlock>], block_bytes_max: u64) -> usize {
    let fitting = blocks
        .iter()
        .scan(0u64, |sum, b| {
            *sum = sum.saturating_add(b.row.bytes);
            Some(*sum)
        })
        .take_while(|sum| *sum <= block_bytes_max)
        .count();
    fitting.min(MERGE_BLOCKS_MAX)
}

/// Which blocks of a partition to merge, if any: the smallest that together are worth it.
fn choose(
    mut blocks: Vec<Arc<LiveBlock>>,
    closed: bool,
    block_bytes_max: u64,
) -> Option<Vec<Arc<LiveBlock>>> {
    blocks.sort_by_key(|b| (b.row.bytes, b.row.id));
    blocks.truncate(fitting(&blocks, block_bytes_max));
    // The longest run of smallest blocks whose largest is in proportion.
    while let Some((largest, rest)) = blocks.split_last() {
        let rest_bytes: u64 = rest.iter().map(|b| b.row.bytes).sum();
        let share = rest_bytes as f64 / (largest.row.bytes.max(1)) as f64;
        let worth = match closed {
            true => {
                !rest.is_empty() && (share >= CLOSED_REST_MIN || rest.len() >= MERGE_BLOCKS_MIN)
            }
            false => blocks.len() >= MERGE_BLOCKS_MIN && share >= MERGE_REST_MIN,
        };
        if worth {
            return Some(blocks);
        }
        blocks.pop();
    }
    None
}

/// Reads the inputs side by side and writes their sum. Blocks.
fn merge(job: &Job, objects: &Objects, cache: &IndexCache) -> Result<Option<BuiltBlock>> {
    let mut inputs = Vec::new();
    for block in &job.inputs {
        let index = cache.get(block, objects)?;
        inputs.push(SeriesStream::new(index, block.source(objects)));
    }
    let mut writer = BlockWriter::new(job.tier, Effort::Compaction);
    let step_ms = job.tier.resolution_ms();
    loop {
        let Some(key) = inputs.iter().filter_map(SeriesStream::key).min() else {
            return writer.finish();
        };
        let key = key.to_vec();
        writer.start_series(&key)?;
        let mut units: BTreeMap<Unit, Samples> = BTreeMap::new();
        for input in &mut inputs {
            if input.key() == Some(&*key) {
                input.take(step_ms, &mut units)?;
            }
        }
        for (unit, samples) in units {
            samples.write(&mut writer, unit)?;
        }
    }
}

/// The series of a block in order, with their samples.
struct SeriesStream {
    index: Arc<BlockIndex>,
    source: BlockSource,
    row: usize,
    key: Option<Vec<u8>>,
    /// Chunks read ahead: row, unit, samples.
    ahead: VecDeque<(u32, Unit, Samples)>,
    next_chunk: u32,
    /// How many times its guess the last read took in memory, rounded up.
    guess_factor: usize,
}

impl SeriesStream {
    fn new(index: Arc<BlockIndex>, source: BlockSource) -> Self {
        let mut stream = Self {
            index,
            source,
            row: 0,
            key: None,
            ahead: VecDeque::new(),
            next_chunk: 0,
            guess_factor: 1,
        };
        stream.load_key();
        stream
    }

    /// The key of the series at hand; `None` at the end.
    fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    fn load_key(&mut self) {
        let mut cursor = self.index.series().cursor(self.row);
        self.key = cursor.next().map(|(_, key)| key.to_vec());
    }

    /// Adds the samples of the series at hand, their times rounded down, and goes to the next.
    fn take(&mut self, step_ms: i64, units: &mut BTreeMap<Unit, Samples>) -> Result<()> {
        loop {
            if self.ahead.is_empty() && self.next_chunk < self.index.chunk_count() {
                self.read_ahead()?;
            }
            let of_series = |(row, _, _): &(u32, Unit, Samples)| *row as usize == self.row;
            if !self.ahead.front().is_some_and(of_series) {
                break;
            }
            let Some((_, unit, mut samples)) = self.ahead.pop_front() else {
                break;
            };
            let floor = |time: &mut i64| *time = TimestampMs(*time).floor_to(step_ms).0;
            samples.singles.iter_mut().for_each(|(time, _)| floor(time));
            samples.sets.iter_mut().for_each(|(time, _)| floor(time));
            let all = units.entry(unit).or_default();
            all.singles.append(&mut samples.singles);
            all.sets.append(&mut samples.sets);
        }
        self.row += 1;
        self.load_key();
        Ok(())
    }

    /// Reads the next chunks, in order of their offsets, and queues them in order of series.
    fn read_ahead(&mut self) -> Result<()> {
        let first = self.next_chunk;
        let mut until = first;
        let mut guessed = 0;
        while let Some(chunk) = self.index.chunk(until) {
            let samples = self.index.clock_of(chunk).map_or(0, |c| c.count as usize);
            guessed += match chunk.coding {
                Coding::Sets => samples * SET_BYTES + chunk.bytes as usize * SET_BYTES_PER_PACKED,
                Coding::Decimals(_) | Coding::Floats => samples * size_of::<(i64, f64)>(),
            };
            until += 1;
            if guessed.saturating_mul(self.guess_factor) >= READ_AHEAD_BYTES {
                break;
            }
        }
        let mut wanted: Vec<Wanted> = (first..until).map(Wanted::whole).collect();
        wanted.sort_by_key(|w| self.index.chunk(w.chunk).map(|c| c.offset));
        let mut read = ReadAhead::until(until);
        self.index
            .read_chunks(&self.source, &wanted, |position, chunk| {
                let times = chunk.times.iter().copied();
                let mut samples = Samples::default();
                match chunk.values {
                    SampleValues::Singles(v) => {
                        samples.singles = times.zip(v.iter().copied()).collect()
                    }
                    SampleValues::Sets(s) => samples.sets = times.zip(s.iter().cloned()).collect(),
                }
                if let Some(wanted) = wanted.get(position) {
                    read.insert(wanted.chunk, chunk.unit, samples);
                }
                Ok(())
            })?;
        self.guess_factor = read.seen_bytes.div_ceil(guessed.max(1)).max(1);
        self.next_chunk = read.until;
        for (number, (unit, samples)) in read.chunks {
            if let Some(chunk) = self.index.chunk(number) {
                self.ahead.push_back((chunk.series, unit, samples));
            }
        }
        Ok(())
    }
}

/// The first of the chunks that are read, as many as fit into [`READ_AHEAD_BYTES`], one at least.
struct ReadAhead {
    chunks: BTreeMap<u32, (Unit, Samples)>,
    /// Chunks from here on did not fit.
    until: u32,
    /// Of the chunks kept.
    bytes: usize,
    /// Of all.
    seen_bytes: usize,
}

impl ReadAhead {
    fn until(until: u32) -> Self {
        Self {
            chunks: BTreeMap::new(),
            until,
            bytes: 0,
            seen_bytes: 0,
        }
    }

    fn insert(&mut self, number: u32, unit: Unit, samples: Samples) {
        let bytes = samples.memory_bytes();
        self.seen_bytes += bytes;
        if number >= self.until {
            return;
        }
        self.bytes += bytes;
        self.chunks.insert(number, (unit, samples));
        while self.bytes > READ_AHEAD_BYTES
            && self.chunks.len() > 1
            && let Some((last, (_, samples))) = self.chunks.pop_last()
        {
            self.until = last;
            self.bytes -= samples.memory_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::key;
    use belfry_catalog::objects::{ObjectKind, ObjectRow};
    use belfry_model::time::MINUTE_MS;
    use belfry_model::{MetricId, StatisticSet};

    fn block(number: u64, bytes: u64) -> Arc<LiveBlock> {
        let row = ObjectRow {
            id: Ulid::from_parts(number, 0),
            kind: ObjectKind::MetricsBlock,
            tenant: Tenant::new("0", "r"),
            level: 0,
            retention_class: "60s".to_owned(),
            min_ts: TimestampMs(0),
            max_ts: TimestampMs(1),
            rows: 1,
            bytes,
            created_at: TimestampMs(0),
            meta: serde_json::Value::Null,
        };
        Arc::new(LiveBlock::new(row).unwrap())
    }

    fn chosen(sizes: &[u64], closed: bool) -> Vec<u64> {
        let blocks = sizes.iter().zip(0..).map(|(s, n)| block(n, *s)).collect();
        let chosen = choose(blocks, closed, 1000).unwrap_or_default();
        chosen.iter().map(|b| b.row.bytes).collect()
    }

    #[test]
    fn a_roll_up_takes_no_more_than_a_block_may_have() {
        let config = MetricsConfig {
            block_bytes_max: 1000,
            ..MetricsConfig::default()
        };
        let late = TimestampMs(400 * 24 * HOUR_MS);
        for (sizes, expected) in [
            (&[300, 300, 300, 300, 300][..], 3),
            (&[600, 600], 1),
            (&[5000, 1], 1),
            (&[1; 40], MERGE_BLOCKS_MAX),
        ] {
            let blocks = sizes.iter().zip(0..).map(|(s, n)| {
                let block = block(n, *s);
                LiveBlock::new(block.row.clone()).unwrap()
            });
            let job = plan(&LiveBlocks::new(blocks), &[], late, &config).unwrap();
            assert_ne!(job.tier, Tier::parse("60s").unwrap(), "it is a roll-up");
            assert_eq!(job.inputs.len(), expected, "{sizes:?}");
        }
    }

    #[test]
    fn a_block_of_a_longer_partition_is_rolled_up_after_its_last_sample() {
        let mut config = MetricsConfig::default();
        config.retention.s60_ms = 24 * HOUR_MS;
        assert_eq!(config.retention.partition_ms(Tier::S60), HOUR_MS);
        let block_until = |number, hour| {
            let mut row = block(number, 10).row.clone();
            row.max_ts = TimestampMs(hour * HOUR_MS - MINUTE_MS);
            LiveBlock::new(row).unwrap()
        };
        let live = LiveBlocks::new([block_until(0, 1), block_until(1, 12)]);
        let rolled_up_at = |now| {
            let job = plan(&live, &[], TimestampMs(now), &config);
            let roll_up = job.filter(|job| job.tier == Tier::S300);
            roll_up.map_or(0, |job| job.inputs.len())
        };
        assert_eq!(rolled_up_at(25 * HOUR_MS - 1), 0);
        assert_eq!(rolled_up_at(25 * HOUR_MS), 1);
        assert_eq!(rolled_up_at(36 * HOUR_MS - 1), 1);
        assert_eq!(rolled_up_at(36 * HOUR_MS), 2);
    }

    /// A block of many series, each with the same number of sets, as one input of a merge.
    fn stream_of_sets(
        series: usize,
        count: usize,
        values_of: impl Fn(usize, usize) -> Vec<f64>,
    ) -> SeriesStream {
        let mut writer = BlockWriter::new(Tier::S60, Effort::Flush);
        let times: Vec<i64> = (0..count as i64).map(|n| n * MINUTE_MS).collect();
        for number in 0..series {
            let name = format!("m{number:04}");
            let id = MetricId::new("ns", name.as_str(), Vec::new());
            writer.start_series(&key::of(&id).unwrap()).unwrap();
            let sets: Vec<StatisticSet> = (0..count)
                .map(|set| StatisticSet::from_values(&values_of(number, set), None))
                .collect();
            writer.push_sets(Unit::None, &times, &sets).unwrap();
        }
        let built = writer.finish().unwrap().unwrap();
        let bytes = built.parts.concat();
        let source = BlockSource::Memory {
            key: "block".to_owned(),
            bytes: bytes.into(),
        };
        let index = BlockIndex::open(&source, built.bytes).unwrap();
        SeriesStream::new(Arc::new(index), source)
    }

    #[test]
    fn reading_ahead_is_bounded_by_memory_also_for_sets() {
        const SERIES: usize = 200;
        const SETS: usize = 60;
        let varied = |number, set| -> Vec<f64> {
            let value = |i: usize| ((number + set * i * 7919) % 1000) as f64;
            (0..20).map(value).collect()
        };
        // The bounds of a histogram, which pack into next to nothing.
        let constant = |_, _| (0..150).map(|i| f64::from(i * 10)).collect();
        // Guesses from what was read before are wrong here.
        let both = |number, set| match number < SERIES / 2 {
            true => vec![set as f64, 1.0],
            false => constant(number, set),
        };
        let cases: [&dyn Fn(usize, usize) -> Vec<f64>; 3] = [&varied, &constant, &both];
        for (case, values_of) in cases.into_iter().enumerate() {
            let mut stream = stream_of_sets(SERIES, SETS, values_of);
            let mut read = Vec::new();
            let mut reads = 0;
            while stream.next_chunk < stream.index.chunk_count() {
                stream.read_ahead().unwrap();
                let bytes: usize = stream.ahead.iter().map(|(_, _, s)| s.memory_bytes()).sum();
                let bound = READ_AHEAD_BYTES;
                assert!(bytes <= bound, "case {case}: {bytes} bytes at once");
                let sets = stream
                    .ahead
                    .drain(..)
                    .map(|(row, _, s)| (row, s.sets.len()));
                read.extend(sets);
                reads += 1;
            }
            let expected: Vec<_> = (0..SERIES as u32).map(|row| (row, SETS)).collect();
            assert_eq!(read, expected, "case {case}");
            assert!(reads < SERIES, "case {case}: {reads} reads");
        }
    }

    #[test]
    fn merges_are_worth_their_reading() {
        assert_eq!(chosen(&[10, 10, 10], false), Vec::<u64>::new());
        assert_eq!(chosen(&[10, 10, 10, 10], false), [10, 10, 10, 10]);
        assert_eq!(chosen(&[500, 10, 10, 10, 10], false), [10, 10, 10, 10]);
        assert_eq!(chosen(&[40, 10, 10, 10], false), [10, 10, 10, 40]);
        assert_eq!(chosen(&[900, 300, 300, 300, 300], false), Vec::<u64>::new());
        assert_eq!(chosen(&[10, 10], true), [10, 10]);
        assert_eq!(
            chosen(&[900, 10], true),
            Vec::<u64>::new(),
            "nobody rewrites much for little"
        );
        assert_eq!(chosen(&[900, 10, 10], true), [10, 10]);
        assert_eq!(chosen(&[2000], true), Vec::<u64>::new());
    }
}
