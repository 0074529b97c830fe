//! The decoders of the parts of a block, each by itself. In a block they stand behind checksums
//! and compression, which noise does not pass: the fuzz targets come in here.

use bytes::Bytes;

use super::chunks::{CHUNK_SAMPLES_MAX, Directory};
use super::clocks::Clocks;
use super::dictionary::BlockPostings;
use super::series_table::SeriesTable;
use super::sets;
use super::values::{Coding, GroupDecoder, GroupType};

/// A part of a block (`docs/formats/metrics-block.md`), its bytes unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockPart {
    /// The keys of the series.
    Series,
    /// Lists of timestamps.
    Clocks,
    /// The directory of chunks.
    Chunks,
    /// Dimensions and their rows.
    Postings,
    /// A chunk of statistic sets; the first byte is their number.
    Sets,
    /// A page of plain samples: type of the group, coding, number of samples, length of the
    /// model (a byte each), model, page.
    Page,
}

impl BlockPart {
    pub const ALL: [Self; 6] = [
        Self::Series,
        Self::Clocks,
        Self::Chunks,
        Self::Postings,
        Self::Sets,
        Self::Page,
    ];

    /// Decodes the part and reads all of it. `None` if it is malformed.
    pub fn read(self, raw: &[u8]) -> Option<()> {
        match self {
            Self::Series => read_series(raw),
            Self::Clocks => read_clocks(raw),
            Self::Chunks => {
                let samples = |clock: u32| Some(clock % CHUNK_SAMPLES_MAX as u32 + 1);
                Directory::parse(raw, samples, 1 << 20, 1 << 32).map(drop)
            }
            Self::Postings => {
                let postings = BlockPostings::parse(raw.to_vec())?;
                postings.check(1 << 20).ok()?;
                postings.find(&[("a", None), ("b", Some("c"))]).ok()?;
                Some(())
            }
            Self::Sets => {
                let (count, bytes) = raw.split_first()?;
                sets::decode_raw(bytes, usize::from(*count), true).map(drop)
            }
            Self::Page => read_page(raw),
        }
    }
}

fn read_series(raw: &[u8]) -> Option<()> {
    let table = SeriesTable::parse(raw.to_vec())?;
    let mut cursor = table.cursor(0);
    let mut rows = 0;
    let mut key = Vec::new();
    while let Some((row, found)) = cursor.next() {
        rows = row + 1;
        key.clear();
        key.extend_from_slice(found);
    }
    table.find(&key);
    (rows == table.len()).then_some(())
}

fn read_clocks(raw: &[u8]) -> Option<()> {
    let clocks = Clocks::parse(raw.to_vec())?;
    let mut times = Vec::new();
    let mut number = 0;
    while let Some(clock) = clocks.get(number) {
        let (count, last) = (clock.count as usize, clock.last);
        clocks.unpack(number, &mut times)?;
        if (times.len(), times.last()) != (count, Some(&last)) {
            return None;
        }
        number += 1;
    }
    Some(())
}

fn read_page(raw: &[u8]) -> Option<()> {
    let ([kind, coding, count, model], rest) = raw.split_first_chunk()?;
    let (model, page) = rest.split_at_checked(usize::from(*model))?;
    let kind = GroupType::from_code(*kind)?;
    let mut group = GroupDecoder::new(kind, &Bytes::copy_from_slice(model)).ok()?;
    let mut out = Vec::new();
    let coding = Coding::from_code(*coding)?;
    group.read(page, coding, usize::from(*count), &mut out).ok()
}
