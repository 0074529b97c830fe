//! The directory: where each chunk lies and what its samples add up to.

use belfry_model::Unit;

use super::values::{Coding, GroupType};
use crate::metrics::column;
use crate::metrics::varint::{self, Reader};

/// A chunk has at most so many samples; longer runs of a series are several chunks.
pub(super) const CHUNK_SAMPLES_MAX: usize = 8192;

/// Samples of one series in one unit, ascending by time, no time twice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chunk {
    /// Row of the series. Chunks are sorted by row, unit, time.
    pub series: u32,
    pub unit: Unit,
    pub coding: Coding,
    /// The group of a chunk of plain samples; 0 for sets.
    pub group: u32,
    pub clock: u32,
    pub offset: u64,
    pub bytes: u32,
    pub crc: u32,
    /// Sum of the samples' counts.
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
}

/// Pages that share a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(super) kind: GroupType,
    /// Where the model lies; the pages follow it in order of chunks.
    pub offset: u64,
    pub meta_bytes: u32,
    pub crc: u32,
}

/// Groups and chunks.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Directory {
    pub groups: Vec<Group>,
    pub chunks: Vec<Chunk>,
}

impl Directory {
    /// The section's bytes: one column after the other.
    pub(super) fn encode(&self) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        varint::write(self.groups.len() as u64, &mut out);
        varint::write(self.chunks.len() as u64, &mut out);
        let mut before = 0;
        for group in &self.groups {
            out.push(group.kind as u8);
            varint::write_signed(group.offset as i64 - before, &mut out);
            before = group.offset as i64;
            varint::write(u64::from(group.meta_bytes), &mut out);
            out.extend_from_slice(&group.crc.to_le_bytes());
        }
        let mut deltas = |field: fn(&Chunk) -> i64| {
            let mut before = 0;
            for chunk in &self.chunks {
                varint::write_signed(field(chunk) - before, &mut out);
                before = field(chunk);
            }
        };
        deltas(|c| i64::from(c.series));
        deltas(|c| i64::from(c.group));
        deltas(|c| i64::from(c.clock));
        deltas(|c| i64::from(c.bytes));
        out.extend(self.chunks.iter().map(|c| c.unit.code()));
        out.extend(self.chunks.iter().map(|c| c.coding.code()));
        for chunk in self.chunks.iter().filter(|c| c.group == 0) {
            varint::write(chunk.offset, &mut out);
        }
        for chunk in &self.chunks {
            out.extend_from_slice(&chunk.crc.to_le_bytes());
        }
        let mut column =
            |values: Vec<f64>| column::encode(&values, &mut out).map_err(|e| e.to_string());
        let sets = |c: &&Chunk| c.coding == Coding::Sets;
        column(self.chunks.iter().filter(sets).map(|c| c.count).collect())?;
        column(self.chunks.iter().map(|c| c.sum).collect())?;
        column(self.chunks.iter().map(|c| c.min).collect())?;
        column(self.chunks.iter().map(|c| c.max).collect())?;
        Ok(out)
    }

    /// Reads the section; `None` if it is malformed. `samples` gives the length of a clock, and
    /// `data_end` is where the chunks' bytes end.
    pub(super) fn parse(
        raw: &[u8],
        samples: impl Fn(u32) -> Option<u32>,
        series_count: usize,
        data_end: u64,
    ) -> Option<Self> {
        let mut reader = Reader::new(raw);
        let (group_count, chunk_count) = (reader.usize()?, reader.usize()?);
        // A group takes seven bytes at least, a chunk ten.
        if group_count > reader.left() / 7 || chunk_count > reader.left() / 10 {
            return None;
        }
        let mut groups = Vec::with_capacity(group_count);
        let mut before = 0i64;
        for _ in 0..group_count {
            let kind = GroupType::from_code(reader.u8()?)?;
            before = before.checked_add(reader.i64()?)?;
            groups.push(Group {
                kind,
                offset: u64::try_from(before).ok()?,
                meta_bytes: reader.u32()?,
                crc: u32::from_le_bytes(*reader.take(4)?.first_chunk()?),
            });
        }
        let mut deltas = || -> Option<Vec<u32>> {
            let mut value = 0i64;
            (0..chunk_count)
                .map(|_| {
                    value = value.checked_add(reader.i64()?)?;
                    u32::try_from(value).ok()
                })
                .collect()
        };
        let (series, group, clock, bytes) = (deltas()?, deltas()?, deltas()?, deltas()?);
        let units = reader.take(chunk_count)?;
        let codings = reader.take(chunk_count)?;
        // Pages lie one after the other behind the model of their group.
        let mut page_offsets: Vec<u64> = groups
            .iter()
            .map(|g: &Group| g.offset.saturating_add(u64::from(g.meta_bytes)))
            .collect();
        if page_offsets.iter().any(|end| *end > data_end) {
            return None;
        }
        let mut chunks = Vec::with_capacity(chunk_count);
        for i in 0..chunk_count {
            let group = *group.get(i)?;
            let coding = Coding::from_code(*codings.get(i)?)?;
            if (group == 0) != (coding == Coding::Sets) {
                return None;
            }
            let bytes = *bytes.get(i)?;
            let offset = match (group as usize).checked_sub(1) {
                None => reader.u64()?,
                Some(g) => {
                    let at = page_offsets.get_mut(g)?;
                    let offset = *at;
                    *at = at.checked_add(u64::from(bytes))?;
                    offset
                }
            };
            let clock = *clock.get(i)?;
            let count = samples(clock)?;
            let series = *series.get(i)?;
            let in_place = offset.saturating_add(u64::from(bytes)) <= data_end
                && (series as usize) < series_count
                && chunks.last().is_none_or(|c: &Chunk| c.series <= series);
            if !in_place {
                return None;
            }
            chunks.push(Chunk {
                series,
                unit: Unit::from_code(*units.get(i)?)?,
                coding,
                group,
                clock,
                offset,
                bytes,
                crc: 0,
                count: f64::from(count),
                sum: 0.0,
                min: 0.0,
                max: 0.0,
            });
        }
        for chunk in &mut chunks {
            chunk.crc = u32::from_le_bytes(*reader.take(4)?.first_chunk()?);
        }
        let set_count = chunks.iter().filter(|c| c.coding == Coding::Sets).count();
        let counts = column::decode(&mut reader, set_count)?;
        let sets = chunks.iter_mut().filter(|c| c.coding == Coding::Sets);
        for (chunk, count) in sets.zip(counts) {
            chunk.count = count;
        }
        let mut column = || column::decode(&mut reader, chunk_count);
        for (chunk, ((sum, min), max)) in chunks
            .iter_mut()
            .zip(column()?.into_iter().zip(column()?).zip(column()?))
        {
            (chunk.sum, chunk.min, chunk.max) = (sum, min, max);
        }
        reader.is_empty().then_some(Self { groups, chunks })
    }
}
