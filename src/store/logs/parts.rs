//! The decoders of the parts of a segment, each by itself. In a segment they stand behind
//! checksums, which noise does not pass: the fuzz targets come in here.

use bytes::Bytes;

use super::index::ids::Ids;
use super::index::tokens::id_hash;
use super::index::values::Values;
use super::index::words::{TermMatch, WordsIndex};
use super::row_set::RowSet;
use super::segment::layout::{crc, decode_footer, decode_trailer, encode_footer};
use super::segment::rebuild::Shapes;

/// A part of a segment (`docs/formats/log-segment.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentPart {
    /// The last bytes of the object.
    Trailer,
    /// Directory, columns and shapes.
    Footer,
    /// A set of rows.
    Rows,
    /// Row sets of the values of a column.
    Values,
    /// Filters of ids.
    Ids,
    /// The text index; the first byte is the number of its fields.
    Words,
}

impl SegmentPart {
    pub const ALL: [Self; 6] = [
        Self::Trailer,
        Self::Footer,
        Self::Rows,
        Self::Values,
        Self::Ids,
        Self::Words,
    ];

    /// Decodes the part and asks it what readers ask. `None` if it is malformed.
    pub fn read(self, raw: &[u8]) -> Option<()> {
        match self {
            Self::Trailer => decode_trailer(raw).ok().map(drop),
            Self::Footer => {
                let footer = decode_footer(raw, crc(raw)).ok()?;
                Shapes::parse(&footer).ok()?;
                encode_footer(&footer).ok().map(drop)
            }
            Self::Rows => read_rows(&RowSet::deserialize(raw)?),
            Self::Values => {
                let values = Values::deserialize(raw)?;
                read_rows(&values.rows_where(|_| true))
            }
            Self::Ids => {
                let ids = Ids::open(&Bytes::copy_from_slice(raw))?;
                let found = ids.candidates(id_hash(raw)).count();
                (found <= ids.pages()).then_some(())
            }
            Self::Words => read_words(raw),
        }
    }
}

fn read_rows(rows: &RowSet) -> Option<()> {
    let mut again = rows.restricted(0..u32::MAX);
    again.intersect(rows);
    let mut bytes = Vec::new();
    rows.serialize(&mut bytes);
    (rows.iter_from(0, 10).count() as u64 <= rows.len()).then_some(())
}

fn read_words(raw: &[u8]) -> Option<()> {
    let (fields, bytes) = raw.split_first()?;
    let words = WordsIndex::open(bytes, usize::from(*fields)).ok()?;
    for bounded in [true, false] {
        let wanted = TermMatch {
            text: b"error",
            bounded_left: bounded,
            bounded_right: bounded,
            ignore_case: false,
        };
        words.rows(0, &wanted).ok()?;
    }
    Some(())
}
