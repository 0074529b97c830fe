//! Builds a block from series that come in order of their keys.

use belfry_model::{StatisticSet, TimestampMs, Unit};
use bytes::Bytes;

use super::chunks::{CHUNK_SAMPLES_MAX, Chunk, Directory, Group};
use super::clocks::ClocksBuilder;
use super::layout::{self, BlockSummary, Footer};
use super::series_table::SeriesTableBuilder;
use super::values::{Coding, GroupType, Groups, PackedGroup};
use super::{sets, values};
use crate::error::{Error, Result};
use crate::metrics::key::SeriesKey;
use crate::metrics::postings::PostingsBuilder;
use crate::metrics::tier::Tier;
use crate::metrics::varint;

pub use values::Effort;

/// A chunk of sets is closed when its distributions take so much memory.
const CHUNK_SET_BYTES: usize = 1 << 20;

/// A block that is being built, in memory.
pub struct BlockWriter {
    tier: Tier,
    series: SeriesTableBuilder,
    clocks: ClocksBuilder,
    directory: Directory,
    groups: Groups,
    postings: PostingsBuilder,
    parts: Vec<Bytes>,
    data_bytes: u64,
    samples: u64,
    min_ts: i64,
    max_ts: i64,
    /// Namespace and name of the series that is being written.
    metric: Vec<u8>,
}

/// A finished block.
pub struct BuiltBlock {
    /// The bytes of the object, to be stored one after the other.
    pub parts: Vec<Bytes>,
    pub summary: BlockSummary,
    pub bytes: u64,
}

impl BlockWriter {
    pub fn new(tier: Tier, effort: Effort) -> Self {
        let header = layout::header();
        Self {
            tier,
            series: SeriesTableBuilder::default(),
            clocks: ClocksBuilder::default(),
            directory: Directory::default(),
            groups: Groups::new(effort),
            postings: PostingsBuilder::default(),
            data_bytes: header.len() as u64,
            parts: vec![header],
            samples: 0,
            min_ts: i64::MAX,
            max_ts: i64::MIN,
            metric: Vec::new(),
        }
    }

    /// Begins the next series, unless it is the one begun last; keys ascend.
    pub fn start_series(&mut self, key: &[u8]) -> Result<()> {
        if self.series.ends_with(key) {
            return Ok(());
        }
        let row = u32::try_from(self.series.len());
        let (Some(parsed), Ok(row)) = (SeriesKey::parse(key), row) else {
            return Err(engine("a series key is malformed".to_owned()));
        };
        if !self.series.push(key) {
            return Err(engine("series keys are out of order".to_owned()));
        }
        for (name, value) in parsed.dimensions() {
            self.postings.add(name, value, row);
        }
        let metric_len = parsed.namespace.len() + parsed.name.len() + 2;
        let metric = key.get(..metric_len).unwrap_or(key);
        if metric != self.metric {
            for kind in GroupType::ALL {
                let full = self.groups.close_if_full(kind, true);
                self.store_group(full.map_err(|e| engine(e.to_string()))?);
            }
            self.metric.clear();
            self.metric.extend_from_slice(metric);
        }
        Ok(())
    }

    /// Adds lone values of the series begun last. Times ascend, none twice; units ascend.
    pub fn push_singles(&mut self, unit: Unit, times: &[i64], values: &[f64]) -> Result<()> {
        for (times, values) in times
            .chunks(CHUNK_SAMPLES_MAX)
            .zip(values.chunks(CHUNK_SAMPLES_MAX))
        {
            let number = self.directory.chunks.len();
            let (kind, coding) = self.groups.push(number, values);
            let mut chunk = self.chunk(unit, coding, times)?;
            chunk.count = values.len() as f64;
            chunk.sum = values.iter().sum();
            chunk.min = values.iter().copied().fold(f64::INFINITY, f64::min);
            chunk.max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            self.directory.chunks.push(chunk);
            let full = self.groups.close_if_full(kind, false);
            self.store_group(full.map_err(|e| engine(e.to_string()))?);
        }
        Ok(())
    }

    /// Adds statistic sets of the series begun last. Times ascend, none twice; units ascend.
    pub fn push_sets(
        &mut self,
        unit: Unit,
        mut times: &[i64],
        mut sets: &[StatisticSet],
    ) -> Result<()> {
        while !sets.is_empty() {
            let mut heap_bytes = 0;
            let fitting = sets
                .iter()
                .take(CHUNK_SAMPLES_MAX)
                .take_while(|set| {
                    heap_bytes += set.heap_bytes();
                    heap_bytes <= CHUNK_SET_BYTES
                })
                .count()
                .max(1);
            let (chunk_times, rest_times) = times.split_at_checked(fitting).unwrap_or((times, &[]));
            let (chunk_sets, rest_sets) = sets.split_at_checked(fitting).unwrap_or((sets, &[]));
            (times, sets) = (rest_times, rest_sets);

            let bytes = sets::encode(chunk_sets).map_err(engine)?;
            let mut all = StatisticSet::EMPTY;
            for set in chunk_sets {
                all.merge_without_distribution(set);
            }
            let mut chunk = self.chunk(unit, Coding::Sets, chunk_times)?;
            chunk.offset = self.data_bytes;
            chunk.bytes = bytes.len() as u32;
            chunk.crc = crc32c::crc32c(&bytes);
            (chunk.count, chunk.sum, chunk.min, chunk.max) = (all.count, all.sum, all.min, all.max);
            self.directory.chunks.push(chunk);
            self.store(bytes);
        }
        Ok(())
    }

    /// The block; `None` if nothing was added.
    pub fn finish(mut self) -> Result<Option<BuiltBlock>> {
        if self.samples == 0 {
            return Ok(None);
        }
        for kind in GroupType::ALL {
            let group = self.groups.close(kind);
            self.store_group(group.map_err(|e| engine(e.to_string()))?);
        }
        let summary = BlockSummary {
            tier: self.tier,
            series: self.series.len() as u64,
            samples: self.samples,
            min_ts: TimestampMs(self.min_ts),
            max_ts: TimestampMs(self.max_ts),
        };
        let mut postings = Vec::new();
        let mut count = 0u64;
        for (term, rows) in self.postings.finish() {
            varint::write_bytes(&term, &mut postings);
            varint::write_bytes(&rows.serialize(), &mut postings);
            count += 1;
        }
        let mut postings_section = Vec::with_capacity(postings.len() + 5);
        varint::write(count, &mut postings_section);
        postings_section.extend(postings);

        let mut offset = self.data_bytes;
        let mut parts = self.parts;
        let mut section = |raw: &[u8]| -> Result<layout::Section> {
            let (section, bytes) =
                layout::pack_section(raw, offset).map_err(|e| engine(e.to_string()))?;
            offset += section.bytes;
            parts.push(bytes);
            Ok(section)
        };
        let footer = Footer {
            summary,
            series: section(&self.series.finish())?,
            clocks: section(&self.clocks.finish())?,
            chunks: section(&self.directory.encode().map_err(engine)?)?,
            postings: section(&postings_section)?,
        };
        parts.push(footer.encode());
        let bytes = parts.iter().map(|p| p.len() as u64).sum();
        Ok(Some(BuiltBlock {
            parts,
            summary,
            bytes,
        }))
    }

    /// A chunk of the current series that knows its clock only.
    fn chunk(&mut self, unit: Unit, coding: Coding, times: &[i64]) -> Result<Chunk> {
        debug_assert!(times.is_sorted_by(|a, b| a < b), "times ascend, none twice");
        let (Some(first), Some(last), Some(series)) = (
            times.first(),
            times.last(),
            self.series.len().checked_sub(1),
        ) else {
            return Err(engine("a chunk without series or samples".to_owned()));
        };
        self.min_ts = self.min_ts.min(*first);
        self.max_ts = self.max_ts.max(*last);
        self.samples += times.len() as u64;
        Ok(Chunk {
            series: series as u32,
            unit,
            coding,
            group: 0,
            clock: self.clocks.number_of(times),
            offset: 0,
            bytes: 0,
            crc: 0,
            count: 0.0,
            sum: 0.0,
            min: 0.0,
            max: 0.0,
        })
    }

    fn store_group(&mut self, group: Option<PackedGroup>) {
        let Some(group) = group else { return };
        let meta_bytes = group.meta.len() as u32;
        self.directory.groups.push(Group {
            kind: group.kind,
            offset: self.data_bytes,
            meta_bytes,
            crc: crc32c::crc32c(&group.meta),
        });
        let number = self.directory.groups.len() as u32;
        let mut bytes = group.meta;
        for (chunk, page) in group.pages {
            if let Some(chunk) = self.directory.chunks.get_mut(chunk) {
                chunk.group = number;
                chunk.offset = self.data_bytes + bytes.len() as u64;
                chunk.bytes = page.len() as u32;
                chunk.crc = crc32c::crc32c(&page);
            }
            bytes.extend(page);
        }
        self.store(bytes);
    }

    fn store(&mut self, bytes: Vec<u8>) {
        self.data_bytes += bytes.len() as u64;
        self.parts.push(Bytes::from(bytes));
    }
}

fn engine(why: String) -> Error {
    Error::Engine {
        engine: "metrics block writer",
        why,
    }
}
