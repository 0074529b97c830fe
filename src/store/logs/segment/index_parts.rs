//! The index of a segment's columns, built once all rows are known.

use std::collections::BTreeSet;

use ahash::AHashMap;

use super::builder::SegmentBuilder;
use super::columns::{ColumnData, ColumnValues, Texts};
use super::layout::{
    ColumnEntry, IndexKind, ROWS_LONG_TOKEN, ROWS_RAW_JSON, ValuesEntry, ValuesKey, crc,
};
use crate::error::Result;
use crate::logs::index::ids::{IdsBuilder, PAGE_ROWS};
use crate::logs::index::tokens::{Class, id_hash, tokenize};
use crate::logs::index::values::Values;
use crate::logs::index::words::{SEPARATOR, WordsBuilder};
use crate::logs::json::escape::{Style, escape};
use crate::logs::json::value::{Kind, push_uuid, unpack_hex};
use crate::logs::row_set::RowSet;

/// A column gets row sets for its values up to so many distinct ones,
const VALUES_MAX: usize = 1024;

/// and only if each stands in so many rows on average (or there are very few).
const ROWS_PER_VALUE_MIN: usize = 16;
const VALUES_ALWAYS: usize = 16;

/// Integers of so many digits are ids (as in text, see `tokens`).
const ID_DIGITS: usize = 6;

/// Everything about the index that goes into a segment.
pub(super) struct IndexParts {
    pub columns: Vec<ColumnEntry>,
    pub word_fields: u32,
    pub id_lengths: u64,
    pub has_uuids: bool,
    pub values_entries: Vec<ValuesEntry>,
    pub words: Vec<u8>,
    pub values: Vec<u8>,
    pub ids: Vec<u8>,
}

impl IndexParts {
    pub fn build(segment: &SegmentBuilder) -> Result<Self> {
        let (mut columns, word_fields) = choose(&segment.columns);
        let mut values = ValuesPart::default();
        values.add(ValuesKey::Stream, by_position(&segment.system.streams));
        values.add(ValuesKey::Shape, by_position(&segment.system.shapes));
        for (i, (entry, column)) in columns.iter().zip(&segment.columns).enumerate() {
            if entry.index == IndexKind::Values {
                values.add(ValuesKey::Column(i as u32), values_of(column));
            }
        }
        let mut tokens = TokenIndex::new(&columns, word_fields)?;
        tokens.run(segment)?;
        let TokenIndex {
            words,
            ids,
            long_rows,
            id_lengths,
            has_uuids,
            escaped_columns,
            ..
        } = tokens;
        for column in escaped_columns {
            if let Some(entry) = columns.get_mut(column) {
                entry.has_escapes = true;
            }
        }
        values.add(
            ValuesKey::Rows,
            Values::new(vec![
                (
                    ROWS_RAW_JSON.to_vec(),
                    RowSet::of_rows(&segment.raw_json_rows),
                ),
                (ROWS_LONG_TOKEN.to_vec(), RowSet::of_rows(&long_rows)),
            ]),
        );
        Ok(Self {
            columns,
            word_fields,
            id_lengths,
            has_uuids,
            values_entries: values.entries,
            words: words.finish()?,
            values: values.bytes,
            ids: ids.finish(),
        })
    }
}

/// How each column is indexed, and how many fields the text index gets.
fn choose(columns: &[ColumnData]) -> (Vec<ColumnEntry>, u32) {
    // Field 0 belongs to messages kept as text.
    let mut word_fields = 1;
    let entries = columns
        .iter()
        .map(|column| {
            let few = column.distinct().is_some_and(|distinct| {
                distinct <= VALUES_MAX
                    && (distinct <= VALUES_ALWAYS
                        || distinct * ROWS_PER_VALUE_MIN <= column.rows.len())
            });
            let index = match column.kind {
                _ if few => IndexKind::Values,
                Kind::String | Kind::AsciiString | Kind::NumberText => {
                    word_fields += 1;
                    IndexKind::Words(word_fields - 1)
                }
                Kind::Uuid | Kind::Hex | Kind::Int => IndexKind::Ids,
                Kind::Float | Kind::FloatPoint | Kind::Bool | Kind::Time => IndexKind::None,
            };
            ColumnEntry {
                path: column.path.clone(),
                kind: column.kind,
                column: format!("{}:{}", column.path, column.kind.as_str()),
                index,
                values: column.rows.len() as u32,
                digits_max: column.digits_max,
                has_escapes: false,
            }
        })
        .collect();
    (entries, word_fields)
}

#[derive(Default)]
struct ValuesPart {
    bytes: Vec<u8>,
    entries: Vec<ValuesEntry>,
}

impl ValuesPart {
    fn add(&mut self, key: ValuesKey, values: Values) {
        let offset = self.bytes.len();
        values.serialize(&mut self.bytes);
        let written = self.bytes.get(offset..).unwrap_or_default();
        self.entries.push(ValuesEntry {
            key,
            offset: offset as u64,
            length: written.len() as u64,
            crc32c: crc(written),
        });
    }
}

/// Row sets of small numbers, one for each row.
fn by_position(positions: &[u32]) -> Values {
    let mut rows: AHashMap<u32, Vec<u32>> = AHashMap::new();
    for (row, &position) in positions.iter().enumerate() {
        rows.entry(position).or_default().push(row as u32);
    }
    Values::new(
        rows.into_iter()
            .map(|(position, rows)| (position.to_be_bytes().to_vec(), RowSet::of_rows(&rows)))
            .collect(),
    )
}

/// Row sets by the text of the value (unescaped).
fn values_of(column: &ColumnData) -> Values {
    let mut rows: AHashMap<u64, Vec<u32>> = AHashMap::new();
    let mut collect = |key: u64, row: u32| rows.entry(key).or_default().push(row);
    let text_of: Box<dyn Fn(u64) -> Vec<u8>> = match &column.values {
        ColumnValues::Texts(Texts::Dictionary { codes, values, .. }) => {
            for (&code, &row) in codes.iter().zip(&column.rows) {
                collect(u64::from(code), row);
            }
            Box::new(|code| {
                values
                    .get(code as usize)
                    .map(|v| v.as_bytes().to_vec())
                    .unwrap_or_default()
            })
        }
        ColumnValues::Integers { values, .. } => {
            for (&value, &row) in values.iter().zip(&column.rows) {
                collect(value.cast_unsigned(), row);
            }
            Box::new(|value| value.cast_signed().to_string().into_bytes())
        }
        ColumnValues::Booleans(values) => {
            for (&value, &row) in values.iter().zip(&column.rows) {
                collect(u64::from(value), row);
            }
            Box::new(|value| {
                if value == 1 {
                    b"true" as &[u8]
                } else {
                    b"false"
                }
                .to_vec()
            })
        }
        // Never chosen: their distinct values are not counted.
        _ => Box::new(|_| Vec::new()),
    };
    Values::new(
        rows.into_iter()
            .map(|(key, rows)| (text_of(key), RowSet::of_rows(&rows)))
            .collect(),
    )
}

/// Words and ids of all columns that are indexed by their tokens.
struct TokenIndex {
    words: WordsBuilder,
    ids: IdsBuilder,
    long_rows: Vec<u32>,
    id_lengths: u64,
    has_uuids: bool,
    /// Columns with a value that is written with escapes.
    escaped_columns: BTreeSet<usize>,
    /// Columns with words: (position, field). Columns with ids only: positions.
    word_columns: Vec<(usize, usize)>,
    id_columns: Vec<usize>,
}

/// Where the tokens of one value go.
struct Sink<'t> {
    words: &'t mut String,
    ids: &'t mut IdsBuilder,
    id_lengths: &'t mut u64,
    has_long: &'t mut bool,
    has_uuids: &'t mut bool,
}

impl Sink<'_> {
    fn add(&mut self, text: &[u8]) {
        tokenize(text, |token| match token.class {
            Class::Word => {
                if let Ok(word) = std::str::from_utf8(token.text) {
                    self.words.push_str(word);
                    self.words.push(char::from(SEPARATOR));
                }
            }
            Class::Uuid => {
                self.ids.add(id_hash(token.text));
                *self.has_uuids = true;
            }
            Class::Id => {
                self.ids.add(id_hash(token.text));
                *self.id_lengths |= 1 << token.text.len().min(63);
            }
            Class::Long => *self.has_long = true,
        });
    }
}

impl TokenIndex {
    fn new(columns: &[ColumnEntry], word_fields: u32) -> Result<Self> {
        let mut word_columns = Vec::new();
        let mut id_columns = Vec::new();
        for (i, entry) in columns.iter().enumerate() {
            match entry.index {
                IndexKind::Words(field) => word_columns.push((i, field as usize)),
                IndexKind::Ids => id_columns.push(i),
                IndexKind::Values | IndexKind::None => {}
            }
        }
        Ok(Self {
            words: WordsBuilder::new(word_fields as usize)?,
            ids: IdsBuilder::default(),
            long_rows: Vec::new(),
            id_lengths: 0,
            has_uuids: false,
            escaped_columns: BTreeSet::new(),
            word_columns,
            id_columns,
        })
    }

    fn run(&mut self, segment: &SegmentBuilder) -> Result<()> {
        let rows = segment.rows();
        let mut word_cursors = vec![0usize; self.word_columns.len()];
        let mut raw_cursor = 0;
        // The words of each field of the current row.
        let mut texts = vec![String::new(); self.word_columns.len() + 1];
        let mut escaped = Vec::new();
        let mut page_start = 0;
        while page_start < rows {
            let page_end = page_start.saturating_add(PAGE_ROWS).min(rows);
            for row in page_start..page_end {
                let mut has_long = false;
                texts.iter_mut().for_each(String::clear);
                let mut sink_for = |field: usize, text: &[u8]| {
                    if let Some(words) = texts.get_mut(field) {
                        Sink {
                            words,
                            ids: &mut self.ids,
                            id_lengths: &mut self.id_lengths,
                            has_long: &mut has_long,
                            has_uuids: &mut self.has_uuids,
                        }
                        .add(text);
                    }
                };
                if segment.raw_rows.get(raw_cursor) == Some(&row) {
                    let text = segment.raw.as_ref().map_or("", |raw| raw.get(raw_cursor));
                    sink_for(0, text.as_bytes());
                    raw_cursor += 1;
                }
                for (&(position, field), cursor) in self.word_columns.iter().zip(&mut word_cursors)
                {
                    let Some(column) = segment.columns.get(position) else {
                        continue;
                    };
                    if column.rows.get(*cursor) != Some(&row) {
                        continue;
                    }
                    if let ColumnValues::Texts(values) = &column.values {
                        let text = values.get(*cursor);
                        sink_for(field, text.as_bytes());
                        // Reads of the raw message see the escaped form: index that as well.
                        let style = match column.kind {
                            Kind::AsciiString => Style::Ascii,
                            _ => Style::Utf8,
                        };
                        if column.kind != Kind::NumberText {
                            escaped.clear();
                            escape(text, style, &mut escaped);
                            if escaped != text.as_bytes() {
                                sink_for(field, &escaped);
                                self.escaped_columns.insert(position);
                            }
                        }
                    }
                    *cursor += 1;
                }
                if has_long {
                    self.long_rows.push(row);
                }
                let words = texts
                    .iter()
                    .enumerate()
                    .filter(|(_, words)| !words.is_empty())
                    .map(|(field, words)| (field, words.as_str()));
                self.words.add_row(words)?;
            }
            self.add_page_ids(segment, page_start..page_end);
            self.ids.end_page();
            page_start = page_end;
        }
        Ok(())
    }

    /// The ids of columns that hold nothing else.
    fn add_page_ids(&mut self, segment: &SegmentBuilder, page: std::ops::Range<u32>) {
        let mut text = Vec::with_capacity(128);
        for &column in &self.id_columns {
            let Some(column) = segment.columns.get(column) else {
                continue;
            };
            let from = column.rows.partition_point(|&r| r < page.start);
            let to = column.rows.partition_point(|&r| r < page.end);
            for i in from..to {
                text.clear();
                let mut is_run = true;
                match &column.values {
                    ColumnValues::Uuids(values) => {
                        is_run = false;
                        self.has_uuids = true;
                        if let Some(uuid) = values.get(i) {
                            push_uuid(uuid, &mut text);
                        }
                    }
                    ColumnValues::Hex { bytes, ends } => {
                        let start = match i {
                            0 => 0,
                            _ => ends.get(i - 1).copied().unwrap_or_default(),
                        };
                        let end = ends.get(i).copied().unwrap_or_default();
                        let packed = bytes.get(start as usize..end as usize);
                        unpack_hex(packed.unwrap_or_default(), &mut text);
                    }
                    ColumnValues::Integers { values, .. } => {
                        let digits = values.get(i).copied().unwrap_or_default().unsigned_abs();
                        text.extend_from_slice(digits.to_string().as_bytes());
                        if text.len() < ID_DIGITS {
                            continue;
                        }
                    }
                    _ => continue,
                }
                self.ids.add(id_hash(&text));
                if is_run {
                    self.id_lengths |= 1 << text.len().min(63);
                }
            }
        }
    }
}
