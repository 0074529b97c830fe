//! Checks every byte of a block, for `belfry check`.

use bytes::Bytes;

use super::chunks::Chunk;
use super::layout::{self, HEADER_BYTES};
use super::reader::{BlockIndex, BlockSource, SampleValues, Wanted};
use crate::error::Result;
use crate::metrics::key::SeriesKey;

/// What a sound block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedBlock {
    pub series: u64,
    pub samples: u64,
}

/// Reads a whole block, checks all checksums, decodes all samples and compares them with what
/// index and footer say of them. `key` names the object in errors.
///
/// # Errors
/// [`crate::Error::ObjectCorrupt`] with the offset of what is wrong.
pub fn verify_object(key: &str, bytes: Bytes) -> Result<VerifiedBlock> {
    let object_bytes = bytes.len() as u64;
    let source = BlockSource::Memory {
        key: key.to_owned(),
        bytes: bytes.clone(),
    };
    if bytes.get(..HEADER_BYTES) != Some(&*layout::header()) {
        return Err(source.corrupt(0, "not a metrics block: wrong header"));
    }
    let index = BlockIndex::open(&source, object_bytes)?;
    let series = index.series().len();
    let postings_at = index.footer().postings.offset;
    index
        .postings(&source)?
        .check(series)
        .map_err(|why| source.corrupt(postings_at, why))?;

    let mut before: Option<Vec<u8>> = None;
    let mut cursor = index.series().cursor(0);
    while let Some((row, key)) = cursor.next() {
        let ordered = before.as_deref().is_none_or(|b| b < key);
        if SeriesKey::parse(key).is_none() || !ordered {
            let at = index.footer().series.offset;
            return Err(source.corrupt(at, format!("series {row} has no sound key")));
        }
        before = Some(key.to_vec());
    }

    let mut wanted: Vec<Wanted> = (0..index.chunk_count()).map(Wanted::whole).collect();
    wanted.sort_by_key(|w| index.chunk(w.chunk).map(|c| c.offset));
    let mut samples = 0;
    let (mut min_ts, mut max_ts) = (i64::MAX, i64::MIN);
    index.read_chunks(&source, &wanted, |position, read| {
        let chunk = wanted.get(position).and_then(|w| index.chunk(w.chunk));
        samples += read.times.len() as u64;
        min_ts = min_ts.min(read.times.first().copied().unwrap_or(i64::MAX));
        max_ts = max_ts.max(read.times.last().copied().unwrap_or(i64::MIN));
        match chunk {
            Some(chunk) if sums_fit(chunk, &read.values) => Ok(()),
            Some(chunk) => Err(source.corrupt(chunk.offset, "samples and directory disagree")),
            None => Ok(()),
        }
    })?;
    let summary = index.summary();
    let fits = (samples, series as u64) == (summary.samples, summary.series)
        && (min_ts, max_ts) == (summary.min_ts.0, summary.max_ts.0);
    if !fits {
        return Err(source.corrupt(object_bytes, "samples and footer disagree"));
    }
    Ok(VerifiedBlock {
        series: summary.series,
        samples,
    })
}

fn sums_fit(chunk: &Chunk, values: &SampleValues<'_>) -> bool {
    let (count, min, max) = match values {
        SampleValues::Singles(values) => (
            values.len() as f64,
            values.iter().copied().fold(f64::INFINITY, f64::min),
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ),
        SampleValues::Sets(sets) => (
            sets.iter().map(|s| s.count).sum(),
            sets.iter().map(|s| s.min).fold(f64::INFINITY, f64::min),
            sets.iter().map(|s| s.max).fold(f64::NEG_INFINITY, f64::max),
        ),
    };
    (count, min, max) == (chunk.count, chunk.min, chunk.max)
}
