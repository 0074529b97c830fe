//! The index of a block in memory, and reading its chunks.

use std::ops::Range;
use std::sync::OnceLock;

use belfry_catalog::objects::ObjectKind;
use belfry_model::{StatisticSet, Unit};
use bytes::Bytes;
use ulid::Ulid;

use super::chunks::{Chunk, Directory, Group};
use super::clocks::{Clock, Clocks};
use super::dictionary::BlockPostings;
use super::layout::{self, BlockSummary, Footer, Section, TAIL_BYTES};
use super::series_table::SeriesTable;
use super::sets;
use super::values::{Coding, GroupDecoder};
use crate::error::{Error, Result};
use crate::objects::Objects;

/// The end of a block is read in one go; the footer nearly always lies in it.
const END_BYTES: u64 = 4096;
/// Chunks closer than this are fetched together.
const GAP_BYTES: u64 = 64 * 1024;
/// Fetched at once at most, unless a single chunk is larger.
const SPAN_BYTES: u64 = 4 * 1024 * 1024;

/// Where a block's bytes come from. Reads block.
#[derive(Clone, Debug)]
pub(crate) enum BlockSource {
    Object { objects: Objects, id: Ulid },
    Memory { key: String, bytes: Bytes },
}

impl BlockSource {
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Bytes> {
        match self {
            Self::Object { objects, id } => {
                objects.read_range_blocking(ObjectKind::MetricsBlock, *id, range)
            }
            Self::Memory { bytes, .. } => {
                let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
                let (start, end) = (at(range.start), at(range.end));
                if start > end || end > bytes.len() {
                    return Err(self.corrupt(range.start, "block is too short"));
                }
                Ok(bytes.slice(start..end))
            }
        }
    }

    pub(crate) fn corrupt(&self, offset: u64, why: impl Into<String>) -> Error {
        let key = match self {
            Self::Object { id, .. } => Objects::key(ObjectKind::MetricsBlock, *id).to_string(),
            Self::Memory { key, .. } => key.clone(),
        };
        Error::ObjectCorrupt {
            key,
            offset,
            why: why.into(),
        }
    }
}

/// All of a block but its samples.
#[derive(Debug)]
pub(crate) struct BlockIndex {
    footer: Footer,
    series: SeriesTable,
    clocks: Clocks,
    groups: Vec<Group>,
    chunks: Vec<Chunk>,
    /// The first chunk of each series; one more entry at the end.
    first_chunks: Vec<u32>,
    postings: OnceLock<BlockPostings>,
}

/// A chunk to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its number.
    pub chunk: u32,
    /// Whether statistic sets come with their distributions, which are most of their bytes.
    pub distributions: bool,
}

impl Wanted {
    /// With all that is in the chunk.
    pub(crate) fn whole(chunk: u32) -> Self {
        Self {
            chunk,
            distributions: true,
        }
    }
}

/// The samples of one chunk.
pub(crate) struct ChunkSamples<'a> {
    pub unit: Unit,
    /// Ascending, none twice.
    pub times: &'a [i64],
    pub values: SampleValues<'a>,
}

/// As many as there are times.
#[derive(Clone, Copy)]
pub(crate) enum SampleValues<'a> {
    Singles(&'a [f64]),
    Sets(&'a [StatisticSet]),
}

impl BlockIndex {
    /// Reads and checks the index of a block of `object_bytes` bytes.
    pub(crate) fn open(source: &BlockSource, object_bytes: u64) -> Result<Self> {
        let end_start = object_bytes.saturating_sub(END_BYTES);
        let end = source.read(end_start..object_bytes)?;
        let corrupt = |why: String| source.corrupt(end_start, why);
        let (before_tail, tail) = end
            .split_last_chunk::<TAIL_BYTES>()
            .ok_or_else(|| corrupt("block is too short".to_owned()))?;
        let footer_bytes = Footer::length_in_tail(tail).map_err(corrupt)?;
        let footer = match before_tail.len().checked_sub(footer_bytes) {
            Some(at) => {
                let bytes = before_tail.get(at..).unwrap_or_default();
                Footer::parse(bytes, tail, object_bytes).map_err(corrupt)?
            }
            None => return Err(corrupt(format!("footer of {footer_bytes} bytes"))),
        };

        let section = |section: &Section| -> Result<Vec<u8>> {
            let packed = source.read(section.offset..section.offset + section.bytes)?;
            layout::unpack_section(section, &packed)
                .map_err(|why| source.corrupt(section.offset, why))
        };
        let malformed = |section: &Section, name: &str| {
            source.corrupt(section.offset, format!("{name} is malformed"))
        };
        let series = SeriesTable::parse(section(&footer.series)?)
            .ok_or_else(|| malformed(&footer.series, "series table"))?;
        let clocks = Clocks::parse(section(&footer.clocks)?)
            .ok_or_else(|| malformed(&footer.clocks, "clock list"))?;
        let directory = Directory::parse(
            &section(&footer.chunks)?,
            |clock| clocks.get(clock).map(|c| c.count),
            series.len(),
            footer.series.offset,
        )
        .ok_or_else(|| malformed(&footer.chunks, "chunk directory"))?;

        let mut first_chunks = Vec::with_capacity(series.len() + 1);
        for (i, chunk) in directory.chunks.iter().enumerate() {
            while first_chunks.len() <= chunk.series as usize {
                first_chunks.push(i as u32);
            }
        }
        first_chunks.resize(series.len() + 1, directory.chunks.len() as u32);
        Ok(Self {
            footer,
            series,
            clocks,
            groups: directory.groups,
            chunks: directory.chunks,
            first_chunks,
            postings: OnceLock::new(),
        })
    }

    pub(crate) fn summary(&self) -> &BlockSummary {
        &self.footer.summary
    }

    pub(super) fn footer(&self) -> &Footer {
        &self.footer
    }

    pub(crate) fn series(&self) -> &SeriesTable {
        &self.series
    }

    pub(crate) fn chunk(&self, number: u32) -> Option<&Chunk> {
        self.chunks.get(number as usize)
    }

    pub(crate) fn chunk_count(&self) -> u32 {
        self.chunks.len() as u32
    }

    /// The numbers of a series' chunks.
    pub(crate) fn chunks_of(&self, row: usize) -> Range<u32> {
        let at = |row: usize| self.first_chunks.get(row).copied().unwrap_or_default();
        at(row)..at(row + 1).max(at(row))
    }

    pub(crate) fn clock_of(&self, chunk: &Chunk) -> Option<&Clock> {
        self.clocks.get(chunk.clock)
    }

    /// The time of the last sample of a series.
    pub(crate) fn last_sample(&self, row: usize) -> Option<i64> {
        self.chunks_of(row)
            .filter_map(|n| Some(self.clock_of(self.chunk(n)?)?.last))
            .max()
    }

    /// The rows of dimensions; read on first use.
    pub(crate) fn postings(&self, source: &BlockSource) -> Result<&BlockPostings> {
        if let Some(postings) = self.postings.get() {
            return Ok(postings);
        }
        let section = &self.footer.postings;
        let packed = source.read(section.offset..section.offset + section.bytes)?;
        let raw = layout::unpack_section(section, &packed)
            .map_err(|why| source.corrupt(section.offset, why))?;
        let postings = BlockPostings::parse(raw)
            .ok_or_else(|| source.corrupt(section.offset, "postings are malformed"))?;
        Ok(self.postings.get_or_init(|| postings))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.series.heap_bytes()
            + self.clocks.heap_bytes()
            + self.chunks.capacity() * size_of::<Chunk>()
            + self.groups.capacity() * size_of::<Group>()
            + self.first_chunks.capacity() * 4
            + self.postings.get().map_or(0, BlockPostings::heap_bytes)
    }

    /// Reads chunks and hands them to `visit` with their position in `wanted`, which is in
    /// order of the chunks' offsets. Blocks.
    pub(crate) fn read_chunks(
        &self,
        source: &BlockSource,
        wanted: &[Wanted],
        mut visit: impl FnMut(usize, ChunkSamples<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut decoder = ChunkDecoder::default();
        let mut at = 0;
        while let Some(first) = wanted.get(at) {
            let mut span = self.range_of(source, first.chunk, decoder.group_number())?;
            let mut group = self.chunk(first.chunk).map_or(0, |c| c.group);
            let mut until = at + 1;
            while let Some(next) = wanted.get(until) {
                let range = self.range_of(source, next.chunk, group)?;
                let apart = range.start > span.end.saturating_add(GAP_BYTES);
                if apart || range.start < span.start || range.end - span.start > SPAN_BYTES {
                    break;
                }
                span.end = span.end.max(range.end);
                group = self.chunk(next.chunk).map_or(0, |c| c.group);
                until += 1;
            }
            let bytes = source.read(span.clone())?;
            let span = Span {
                source,
                start: span.start,
                bytes,
            };
            for (position, wanted) in wanted.iter().enumerate().take(until).skip(at) {
                let chunk = self.chunk(wanted.chunk).ok_or_else(|| {
                    source.corrupt(0, format!("chunk {} does not exist", wanted.chunk))
                })?;
                visit(
                    position,
                    decoder.read(self, &span, chunk, wanted.distributions)?,
                )?;
            }
            at = until;
        }
        Ok(())
    }

    /// The bytes needed for a chunk: with its group's model unless that is at hand.
    fn range_of(&self, source: &BlockSource, number: u32, group: u32) -> Result<Range<u64>> {
        let missing = || source.corrupt(0, format!("chunk {number} does not exist"));
        let chunk = self.chunk(number).ok_or_else(missing)?;
        let end = chunk.offset + u64::from(chunk.bytes);
        let start = match self.group(chunk) {
            Some(own) if chunk.group != group => own.offset,
            _ => chunk.offset,
        };
        Ok(start..end)
    }

    fn group(&self, chunk: &Chunk) -> Option<&Group> {
        self.groups.get((chunk.group as usize).checked_sub(1)?)
    }
}

/// Bytes of a block that were fetched.
struct Span<'a> {
    source: &'a BlockSource,
    start: u64,
    bytes: Bytes,
}

impl Span<'_> {
    /// The checked bytes at an offset of the block.
    fn checked(&self, offset: u64, length: u32, crc: u32, what: &str) -> Result<Bytes> {
        let start = offset
            .checked_sub(self.start)
            .and_then(|n| usize::try_from(n).ok());
        let range = start.and_then(|start| Some(start..start.checked_add(length as usize)?));
        let bytes = match range {
            Some(range) if range.end <= self.bytes.len() => self.bytes.slice(range),
            _ => {
                return Err(self
                    .source
                    .corrupt(offset, format!("{what} is out of place")));
            }
        };
        let found = crc32c::crc32c(&bytes);
        if found == crc {
            Ok(bytes)
        } else {
            Err(self.source.corrupt(
                offset,
                format!("{what} has checksum {found:08x}, expected {crc:08x}"),
            ))
        }
    }
}

/// Buffers and the current group's model, kept from chunk to chunk.
#[derive(Default)]
struct ChunkDecoder {
    group: Option<(u32, GroupDecoder)>,
    clock: Option<u32>,
    times: Vec<i64>,
    values: Vec<f64>,
    sets: Vec<StatisticSet>,
}

impl ChunkDecoder {
    fn group_number(&self) -> u32 {
        self.group.as_ref().map_or(0, |(number, _)| *number)
    }

    fn read<'a>(
        &'a mut self,
        index: &BlockIndex,
        span: &Span<'_>,
        chunk: &Chunk,
        distributions: bool,
    ) -> Result<ChunkSamples<'a>> {
        let corrupt = |why: String| span.source.corrupt(chunk.offset, why);
        if self.clock != Some(chunk.clock) {
            self.clock = None;
            index
                .clocks
                .unpack(chunk.clock, &mut self.times)
                .ok_or_else(|| corrupt(format!("clock {} is damaged", chunk.clock)))?;
            self.clock = Some(chunk.clock);
        }
        let count = self.times.len();
        let bytes = span.checked(chunk.offset, chunk.bytes, chunk.crc, "chunk")?;
        if chunk.coding == Coding::Sets {
            self.sets = sets::decode(&bytes, count, distributions).map_err(corrupt)?;
            return Ok(ChunkSamples {
                unit: chunk.unit,
                times: &self.times,
                values: SampleValues::Sets(&self.sets),
            });
        }
        if self.group_number() != chunk.group {
            let group = index
                .group(chunk)
                .ok_or_else(|| corrupt("chunk has no group".to_owned()))?;
            let meta = span.checked(group.offset, group.meta_bytes, group.crc, "group")?;
            let decoder = GroupDecoder::new(group.kind, &meta).map_err(corrupt)?;
            self.group = Some((chunk.group, decoder));
        }
        if let Some((_, decoder)) = &mut self.group {
            decoder
                .read(&bytes, chunk.coding, count, &mut self.values)
                .map_err(corrupt)?;
        }
        Ok(ChunkSamples {
            unit: chunk.unit,
            times: &self.times,
            values: SampleValues::Singles(&self.values),
        })
    }
}
