//! From events in order to the columns of a segment.

use ahash::AHashMap;
use belfry_catalog::log_groups::{LogGroupId, LogStreamId};
use belfry_model::TimestampMs;
use bytes::Bytes;
use smallvec::SmallVec;

use super::columns::{ColumnData, Texts};
use super::index_parts::IndexParts;
use super::layout::{
    Footer, GroupRange, MAGIC, RowsSums, ShapeEntry, Span, VERSION, crc, encode_footer,
};
use super::{rows_file, rows_part};
use crate::error::{Error, Result};
use crate::logs::event::EventKey;
use crate::logs::index::ids::PAGE_ROWS;
use crate::logs::json::escape::Style;
use crate::logs::json::shape::Shape;
use crate::logs::json::value::{Kind, Value, classify, unescape_exactly};
use crate::logs::json::walk::{Dissection, Token};

/// Rows of a row group of `rows.parquet`.
pub const ROW_GROUP_ROWS: u32 = 128 * 1024;

/// A segment has at most so many columns of fields; messages that need more are kept as text.
const COLUMNS_MAX: usize = 256;

/// Likewise shapes, and their bytes.
const SHAPES_MAX: usize = 4096;
const SHAPES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An event that goes into a segment.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    pub group: LogGroupId,
    pub key: EventKey,
    pub stream: LogStreamId,
    pub ingestion_time: TimestampMs,
    pub message: &'a str,
}

/// The object of a finished segment.
#[derive(Debug)]
pub struct BuiltSegment {
    pub footer: Footer,
    /// The object is their concatenation.
    pub parts: Vec<Bytes>,
}

impl BuiltSegment {
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|p| p.len() as u64).sum()
    }
}

/// The fixed columns of all rows.
#[derive(Debug, Default)]
pub(super) struct SystemColumns {
    pub timestamps: Vec<i64>,
    pub seqs: Vec<u64>,
    pub indexes: Vec<u32>,
    pub streams: Vec<u32>,
    pub ingestion_times: Vec<i64>,
    /// 0 for a message kept as text, else the position of its shape plus one.
    pub shapes: Vec<u32>,
}

/// What is known of a shape.
#[derive(Clone, Copy, Debug)]
enum ShapeState {
    /// Its position.
    Known(u32),
    /// Messages of this shape are kept as text.
    Refused,
}

#[derive(Debug)]
struct KnownShape {
    text: String,
    rows: u32,
    /// The path of each slot.
    slots: Vec<u32>,
}

/// Columns of a path, by kind.
type PathColumns = [Option<u32>; Kind::ALL.len()];

/// Takes rows in the order (group, key) and builds a segment of them.
#[derive(Debug, Default)]
pub struct SegmentBuilder {
    pub(super) system: SystemColumns,
    groups: Vec<GroupRange>,
    stream_positions: AHashMap<LogStreamId, u32>,
    streams: Vec<LogStreamId>,
    shape_states: AHashMap<Box<[u8]>, ShapeState>,
    shapes: Vec<KnownShape>,
    shapes_bytes: usize,
    path_positions: AHashMap<String, u32>,
    paths: Vec<(String, PathColumns)>,
    pub(super) columns: Vec<ColumnData>,
    /// Messages kept as text, and their rows.
    pub(super) raw_rows: Vec<u32>,
    pub(super) raw: Option<Texts>,
    /// Those of them that look like JSON objects.
    pub(super) raw_json_rows: Vec<u32>,
    text_bytes: u64,
    dissection: Dissection,
    /// Unescaped strings of the current message, and where each ends.
    unescaped: String,
    unescaped_ends: Vec<(usize, Style)>,
    /// The column of each scalar of the current message.
    targets: Vec<Option<u32>>,
}

impl SegmentBuilder {
    pub fn rows(&self) -> u32 {
        self.system.timestamps.len() as u32
    }

    /// Adds a row; rows come in the order (group, key).
    pub fn push(&mut self, row: &NewRow<'_>) {
        let number = self.rows();
        let length = row.message.len() as u64;
        self.text_bytes += length;
        let timestamp = row.key.timestamp.0;
        match self.groups.last_mut() {
            Some(last) if last.id == row.group => {
                last.rows += 1;
                last.max_ts = last.max_ts.max(timestamp);
                last.text_bytes += length;
            }
            last => {
                debug_assert!(last.is_none_or(|l| l.id < row.group), "groups in order");
                self.groups.push(GroupRange {
                    id: row.group,
                    first_row: number,
                    rows: 1,
                    min_ts: timestamp,
                    max_ts: timestamp,
                    text_bytes: length,
                });
            }
        }
        let stream = match self.stream_positions.get(&row.stream) {
            Some(&position) => position,
            None => {
                let position = self.streams.len() as u32;
                self.stream_positions.insert(row.stream, position);
                self.streams.push(row.stream);
                position
            }
        };
        let shape = self.take_apart(number, row.message);
        if shape.is_none() {
            self.keep_as_text(number, row.message);
        }
        self.system.timestamps.push(timestamp);
        self.system.seqs.push(row.key.seq);
        self.system.indexes.push(row.key.index);
        self.system.streams.push(stream);
        self.system.ingestion_times.push(row.ingestion_time.0);
        self.system.shapes.push(shape.map_or(0, |s| s + 1));
    }

    fn keep_as_text(&mut self, row: u32, message: &str) {
        self.raw_rows.push(row);
        self.raw.get_or_insert_with(Texts::plain).push(message);
        if message.trim_start().starts_with('{') {
            self.raw_json_rows.push(row);
        }
    }

    /// Spreads a message over the columns if it can be rebuilt from them; its shape's position.
    fn take_apart(&mut self, row: u32, message: &str) -> Option<u32> {
        let mut dissection = std::mem::take(&mut self.dissection);
        let mut unescaped = std::mem::take(&mut self.unescaped);
        let shape = self.spread(row, message, &mut dissection, &mut unescaped);
        self.dissection = dissection;
        self.unescaped = unescaped;
        shape
    }

    fn spread(
        &mut self,
        row: u32,
        message: &str,
        dissection: &mut Dissection,
        unescaped: &mut String,
    ) -> Option<u32> {
        if !dissection.dissect(message) {
            return None;
        }
        self.unescape_strings(message, dissection, unescaped)?;
        let shape = match self.shape_state(&dissection.shape) {
            ShapeState::Known(position) => position,
            ShapeState::Refused => return None,
        };
        let mut escaped = 0;
        let mut values: SmallVec<[(Option<Value<'_>>, &str); 32]> = SmallVec::new();
        for scalar in dissection.scalars(message) {
            let value = if scalar.token == Token::EscapedString {
                escaped += 1;
                self.escaped_value(escaped - 1, unescaped)
            } else {
                classify(&scalar)
            };
            values.push((value, scalar.text));
        }
        // Find all columns before any is written: a message that needs one too many must leave
        // no trace.
        let mut targets = std::mem::take(&mut self.targets);
        targets.clear();
        for (slot, (value, _)) in values.iter().enumerate() {
            let target = match value {
                None => None,
                Some(value) => {
                    let slots = self.shapes.get(shape as usize).map(|s| &s.slots);
                    let path = slots.and_then(|s| s.get(slot)).copied();
                    let Some(column) = path.and_then(|p| self.column(p, value.kind())) else {
                        self.targets = targets;
                        return None;
                    };
                    Some(column)
                }
            };
            targets.push(target);
        }
        for (&target, (value, text)) in targets.iter().zip(&values) {
            if let (Some(target), Some(value)) = (target, value)
                && let Some(column) = self.columns.get_mut(target as usize)
            {
                column.push(row, value, text);
            }
        }
        self.targets = targets;
        if let Some(known) = self.shapes.get_mut(shape as usize) {
            known.rows += 1;
        }
        Some(shape)
    }

    fn unescape_strings(
        &mut self,
        message: &str,
        dissection: &Dissection,
        unescaped: &mut String,
    ) -> Option<()> {
        unescaped.clear();
        self.unescaped_ends.clear();
        for scalar in dissection.scalars(message) {
            if scalar.token == Token::EscapedString {
                let style = unescape_exactly(scalar.text, unescaped).ok()?;
                self.unescaped_ends.push((unescaped.len(), style));
            }
        }
        Some(())
    }

    /// The value of the `n`-th string with escapes.
    fn escaped_value<'u>(&self, n: usize, unescaped: &'u str) -> Option<Value<'u>> {
        let start = match n {
            0 => 0,
            _ => self.unescaped_ends.get(n - 1)?.0,
        };
        let &(end, style) = self.unescaped_ends.get(n)?;
        let text = unescaped.get(start..end)?;
        Some(match style {
            Style::Utf8 => Value::String(text),
            Style::Ascii => Value::AsciiString(text),
        })
    }

    fn shape_state(&mut self, shape: &[u8]) -> ShapeState {
        if let Some(&state) = self.shape_states.get(shape) {
            return state;
        }
        let state = self.new_shape(shape);
        // Refused shapes are remembered as well, but not without end.
        if self.shape_states.len() < 2 * SHAPES_MAX {
            self.shape_states.insert(Box::from(shape), state);
        }
        state
    }

    fn new_shape(&mut self, shape: &[u8]) -> ShapeState {
        if self.shapes.len() >= SHAPES_MAX
            || self.shape_states.len() >= 2 * SHAPES_MAX
            || self.shapes_bytes + shape.len() > SHAPES_BYTES_MAX
        {
            return ShapeState::Refused;
        }
        let Some(parsed) = Shape::parse(shape) else {
            return ShapeState::Refused;
        };
        let slots = parsed.paths.iter().map(|p| self.path(p)).collect();
        let position = self.shapes.len() as u32;
        self.shapes_bytes += shape.len();
        self.shapes.push(KnownShape {
            text: parsed.text().to_owned(),
            rows: 0,
            slots,
        });
        ShapeState::Known(position)
    }

    fn path(&mut self, path: &str) -> u32 {
        if let Some(&position) = self.path_positions.get(path) {
            return position;
        }
        let position = self.paths.len() as u32;
        self.path_positions.insert(path.to_owned(), position);
        self.paths.push((path.to_owned(), [None; Kind::ALL.len()]));
        position
    }

    /// The column for values of a kind under a path; `None` when there are too many columns.
    fn column(&mut self, path: u32, kind: Kind) -> Option<u32> {
        let (name, columns) = self.paths.get_mut(path as usize)?;
        let slot = columns.get_mut(kind as usize)?;
        if slot.is_none() {
            if self.columns.len() >= COLUMNS_MAX {
                return None;
            }
            *slot = Some(self.columns.len() as u32);
            self.columns.push(ColumnData::new(name, kind));
        }
        *slot
    }

    /// Builds the object. `zstd_level` is that of the rows.
    ///
    /// # Errors
    /// `Engine` when Parquet or the text index fail.
    pub fn finish(self, zstd_level: i32) -> Result<BuiltSegment> {
        let index = IndexParts::build(&self)?;
        let rows = rows_part::write(&self, &index, zstd_level)?;
        let sums = rows_file::sums(&rows);
        let mut sums_part = Span::default();
        let shapes = self
            .shapes
            .into_iter()
            .map(|s| ShapeEntry {
                text: s.text,
                rows: s.rows,
            })
            .collect();
        let system = &self.system;
        let mut footer = Footer {
            version: VERSION,
            rows: system.timestamps.len() as u32,
            row_group_rows: ROW_GROUP_ROWS,
            id_page_rows: PAGE_ROWS,
            min_ts: system.timestamps.iter().copied().min().unwrap_or_default(),
            max_ts: system.timestamps.iter().copied().max().unwrap_or_default(),
            text_bytes: self.text_bytes,
            groups: self.groups,
            streams: self.streams,
            shapes,
            columns: index.columns,
            word_fields: index.word_fields,
            id_lengths: index.id_lengths,
            has_uuids: index.has_uuids,
            values: index.values_entries,
            rows_part: Span::default(),
            words_part: Span::default(),
            values_part: Span::default(),
            ids_part: Span::default(),
            rows_sums: None,
        };
        let mut parts = vec![Bytes::from_static(MAGIC)];
        let mut offset = MAGIC.len() as u64;
        for (content, span) in [
            (rows, &mut footer.rows_part),
            (index.words, &mut footer.words_part),
            (index.values, &mut footer.values_part),
            (index.ids, &mut footer.ids_part),
            (sums, &mut sums_part),
        ] {
            *span = Span {
                offset,
                length: content.len() as u64,
                crc32c: crc(&content),
            };
            offset += content.len() as u64;
            parts.push(Bytes::from(content));
        }
        footer.rows_sums = Some(RowsSums {
            block_bytes: rows_file::BLOCK_BYTES,
            part: sums_part,
        });
        let tail = encode_footer(&footer).map_err(|why| Error::Engine {
            engine: "log segment",
            why,
        })?;
        parts.push(tail);
        Ok(BuiltSegment { footer, parts })
    }
}
