//! The bytes of a segment around its parts (`docs/formats/log-segment.md`).

use belfry_catalog::log_groups::{LogGroupId, LogStreamId};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::logs::json::value::Kind;

pub const MAGIC: &[u8; 8] = b"BELFLOGS";
pub const VERSION: u32 = 1;

/// Footer length, footer checksum, version, magic.
pub const TRAILER_BYTES: usize = 4 + 4 + 4 + 8;

/// A footer larger than this is not believed.
const FOOTER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Where a part lies in the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub offset: u64,
    pub length: u64,
    pub crc32c: u32,
}

impl Span {
    pub const fn range(self) -> std::ops::Range<u64> {
        self.offset..self.offset.saturating_add(self.length)
    }
}

/// The rows of one log group: they stand together, in order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRange {
    pub id: LogGroupId,
    pub first_row: u32,
    pub rows: u32,
    pub min_ts: i64,
    pub max_ts: i64,
    /// Bytes of the messages.
    pub text_bytes: u64,
}

impl GroupRange {
    pub const fn row_range(&self) -> std::ops::Range<u32> {
        self.first_row..self.first_row.saturating_add(self.rows)
    }

    /// Bytes of a message, on average.
    pub fn average_bytes(&self) -> u64 {
        self.text_bytes / u64::from(self.rows.max(1))
    }
}

/// A field's values of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEntry {
    /// The field's dotted path.
    pub path: String,
    pub kind: Kind,
    /// The column of `rows.parquet`.
    pub column: String,
    pub index: IndexKind,
    /// How many rows have a value here.
    pub values: u32,
    /// Most digits in a row of any number here.
    #[serde(default)]
    pub digits_max: u32,
    /// Some value is written with escapes; such values are indexed in both forms.
    #[serde(default)]
    pub has_escapes: bool,
}

/// Where the tokens of a column are indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexKind {
    /// A row set for each value.
    Values,
    /// Words as terms of this field of the text index, ids in the id filters.
    Words(u32),
    /// Ids in the id filters; other tokens not at all.
    Ids,
    /// Not at all: lookups must assume that any row may match.
    None,
}

/// A shape and how many rows have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapeEntry {
    pub text: String,
    pub rows: u32,
}

/// A set of values or rows in the values part; `offset` counts from the part's start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValuesEntry {
    pub key: ValuesKey,
    pub offset: u64,
    pub length: u64,
    pub crc32c: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValuesKey {
    /// Values of a column, by its position in the footer.
    Column(u32),
    /// Rows of each stream; a value is the stream's position in the footer, 4 bytes big endian.
    Stream,
    /// Rows of each shape; likewise.
    Shape,
    /// Sets of rows by name: see the constants below.
    Rows,
}

/// Rows whose whole message is kept as text although it looks like a JSON object.
pub const ROWS_RAW_JSON: &[u8] = b"raw_json";
/// Rows that hold a token too long to be indexed.
pub const ROWS_LONG_TOKEN: &[u8] = b"long_token";

/// What the reader of a segment must know first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    pub version: u32,
    pub rows: u32,
    pub row_group_rows: u32,
    /// Rows of a page of the id filters.
    pub id_page_rows: u32,
    pub min_ts: i64,
    pub max_ts: i64,
    pub text_bytes: u64,
    pub groups: Vec<GroupRange>,
    /// Streams; `@stream` of a row is a position here.
    pub streams: Vec<LogStreamId>,
    /// Shapes; `@shape` of a row is a position here plus one, or 0 for a message kept as text.
    pub shapes: Vec<ShapeEntry>,
    pub columns: Vec<ColumnEntry>,
    /// Fields of the text index. Field 0 holds the messages kept as text.
    pub word_fields: u32,
    /// Bit `n` is set if some indexed id (UUIDs apart) has `n` bytes; bit 63: 63 or more.
    pub id_lengths: u64,
    /// Some indexed text or column holds a UUID, whose runs are not indexed by themselves.
    pub has_uuids: bool,
    pub values: Vec<ValuesEntry>,
    pub rows_part: Span,
    pub words_part: Span,
    pub values_part: Span,
    pub ids_part: Span,
    /// Segments of earlier builds have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_sums: Option<RowsSums>,
}

/// Checksums of the blocks of the rows part, so that a piece of it can be checked by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsSums {
    /// The last block is what is left.
    pub block_bytes: u32,
    /// The crc32c of each block, 4 bytes, little endian.
    pub part: Span,
}

impl Footer {
    /// Whether every position in the footer points at something.
    fn is_consistent(&self) -> bool {
        let mut next = 0u64;
        let groups_tile = self.groups.iter().all(|g| {
            let fits = u64::from(g.first_row) == next && g.rows > 0;
            next += u64::from(g.rows);
            fits
        });
        groups_tile
            && next == u64::from(self.rows)
            && self.groups.is_sorted_by(|a, b| a.id < b.id)
            && self.row_group_rows > 0
            && self.id_page_rows > 0
            && self.rows_sums.is_none_or(|sums| {
                let block = u64::from(sums.block_bytes);
                block > 0 && sums.part.length / 4 == self.rows_part.length.div_ceil(block)
            })
            && self.columns.iter().all(|c| match c.index {
                IndexKind::Words(field) => field < self.word_fields,
                _ => true,
            })
    }
}

pub fn crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// Footer and trailer of an object.
pub fn encode_footer(footer: &Footer) -> Result<Bytes, String> {
    let mut out = serde_json::to_vec(footer).map_err(|e| e.to_string())?;
    let length = u32::try_from(out.len()).map_err(|e| e.to_string())?;
    let checksum = crc(&out);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(MAGIC);
    Ok(Bytes::from(out))
}

/// From the object's last bytes: length and checksum of its footer.
pub fn decode_trailer(trailer: &[u8]) -> Result<(usize, u32), String> {
    let trailer: &[u8; TRAILER_BYTES] = trailer
        .try_into()
        .map_err(|_| format!("trailer of {} bytes", trailer.len()))?;
    let number = |at: usize| {
        let bytes = trailer.get(at..at + 4).unwrap_or_default();
        u32::from_le_bytes(bytes.try_into().unwrap_or_default())
    };
    if trailer.get(12..) != Some(&MAGIC[..]) {
        return Err("not a log segment: wrong magic".to_owned());
    }
    let version = number(8);
    if version != VERSION {
        return Err(format!("log segment version {version} is not supported"));
    }
    let length = number(0) as usize;
    if length > FOOTER_BYTES_MAX {
        return Err(format!("footer of {length} bytes"));
    }
    Ok((length, number(4)))
}

pub fn decode_footer(bytes: &[u8], checksum: u32) -> Result<Footer, String> {
    let found = crc(bytes);
    if found != checksum {
        return Err(format!(
            "footer checksum is {found:08x}, expected {checksum:08x}"
        ));
    }
    let footer: Footer = serde_json::from_slice(bytes).map_err(|e| format!("footer: {e}"))?;
    if !footer.is_consistent() {
        return Err("footer contradicts itself".to_owned());
    }
    Ok(footer)
}
