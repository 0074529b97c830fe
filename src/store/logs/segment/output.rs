//! From columns as they lie in the file to the columns of a scan.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Float64Builder, RecordBatch, StringViewArray,
    StringViewBuilder, UInt8Array, UInt32Array, UInt64Array,
};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatchOptions;
use belfry_catalog::log_groups::LogStreamId;
use belfry_model::TimestampMs;

use super::layout::{ROWS_RAW_JSON, ValuesKey};
use super::opened::{OpenSegment, SYSTEM_COLUMNS};
use super::rebuild::{Cells, Rebuilder};
use super::run::{
    Columns, INDEX, INGESTION_TIME, MESSAGE, RawBatch, SEQ, SHAPE, STREAM, TIMESTAMP,
};
use crate::error::{Error, Result};
use crate::logs::columns::{arrow_error, json_path, number_of};
use crate::logs::event::{EventKey, EventPtr};
use crate::logs::json::extract::{Extracted, extract, is_json_object};
use crate::logs::json::value::{Kind, Value};
use crate::logs::number::parse_number;
use crate::logs::part::ScanContext;
use crate::logs::scan::{Direction, FieldRef, GroupScope, ValueKind};

/// Turns rows of a segment into a batch of a scan.
pub(super) struct BatchReader<'a> {
    pub segment: &'a OpenSegment,
    pub context: &'a ScanContext,
    pub scope: &'a GroupScope,
}

impl BatchReader<'_> {
    /// Whether a field must be looked up in the rebuilt message of some row.
    fn needs_message(&self, path: &str) -> Result<bool> {
        let shapes = self.segment.shapes()?;
        if !shapes.with_structure(path).is_empty() {
            return Ok(true);
        }
        let special = self.segment.values(ValuesKey::Rows)?;
        Ok(special.get(ROWS_RAW_JSON).is_some_and(|r| !r.is_empty()))
    }

    /// Positions in the file of the columns of a field.
    fn columns_of(&self, path: &str) -> impl Iterator<Item = (usize, Kind)> {
        self.segment
            .footer
            .columns
            .iter()
            .enumerate()
            .filter(move |(_, c)| c.path == path)
            .map(|(i, c)| (SYSTEM_COLUMNS + i, c.kind))
    }

    /// The columns that the scan's columns are made of.
    pub fn columns(&self) -> Result<Columns> {
        let mut columns = std::collections::BTreeSet::from([TIMESTAMP]);
        let mut whole_message = false;
        for field in &self.context.scan.columns {
            match field {
                FieldRef::Timestamp | FieldRef::GroupId | FieldRef::Log => {}
                FieldRef::IngestionTime => {
                    columns.insert(INGESTION_TIME);
                }
                FieldRef::LogStream | FieldRef::StreamId => {
                    columns.insert(STREAM);
                }
                FieldRef::Seq => {
                    columns.insert(SEQ);
                }
                FieldRef::Index => {
                    columns.insert(INDEX);
                }
                FieldRef::Ptr => columns.extend([SEQ, INDEX]),
                FieldRef::TextMessage => columns.extend([SHAPE, MESSAGE]),
                FieldRef::Message => whole_message = true,
                FieldRef::Json(path) | FieldRef::JsonNumber(path) | FieldRef::JsonKind(path) => {
                    columns.extend(self.columns_of(path).map(|(c, _)| c));
                    whole_message |= self.needs_message(path)?;
                }
            }
        }
        if whole_message {
            columns.extend([SHAPE, MESSAGE]);
            columns.extend(SYSTEM_COLUMNS..SYSTEM_COLUMNS + self.segment.footer.columns.len());
        }
        Ok(Columns {
            positions: columns.into_iter().collect(),
            whole_message,
        })
    }

    /// Drops rows outside of the time range and turns the order around if need be.
    pub fn arrange(&self, raw: RawBatch, check_time: bool) -> Result<RawBatch> {
        let scan = &self.context.scan;
        let descending = scan.direction == Direction::Descending;
        if !check_time && !descending {
            return Ok(raw);
        }
        let start = scan.start.max(self.scope.visible_from).0;
        let end = scan.end.0;
        let mut rows: Vec<u32> = raw
            .times()?
            .values()
            .iter()
            .enumerate()
            .filter(|&(_, &t)| start <= t && t <= end)
            .map(|(row, _)| row as u32)
            .collect();
        if descending {
            rows.reverse();
        } else if rows.len() == raw.batch.num_rows() {
            return Ok(raw);
        }
        let batch =
            take_record_batch(&raw.batch, &UInt32Array::from(rows)).map_err(|e| arrow_error(&e))?;
        Ok(RawBatch {
            batch,
            columns: raw.columns,
        })
    }

    pub fn output(&self, raw: &RawBatch) -> Result<RecordBatch> {
        let rows = raw.batch.num_rows();
        let messages = self.messages(raw)?;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.context.scan.columns.len());
        for field in &self.context.scan.columns {
            arrays.push(match field {
                FieldRef::Timestamp => Arc::clone(raw.column(TIMESTAMP)?),
                FieldRef::IngestionTime => Arc::clone(raw.column(INGESTION_TIME)?),
                FieldRef::Seq => Arc::clone(raw.column(SEQ)?),
                FieldRef::Index => Arc::clone(raw.column(INDEX)?),
                FieldRef::GroupId => Arc::new(UInt64Array::from_value(self.scope.id.0, rows)),
                FieldRef::Log => {
                    let log: &str = &self.scope.log;
                    Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(
                        log, rows,
                    )))
                }
                FieldRef::StreamId => {
                    let streams = raw.column(STREAM)?.as_primitive::<UInt32Type>();
                    let ids = streams
                        .values()
                        .iter()
                        .map(|&s| self.stream(s).map_or(0, |s| s.0));
                    Arc::new(UInt64Array::from_iter_values(ids))
                }
                FieldRef::LogStream => self.stream_names(raw)?,
                FieldRef::Ptr => self.pointers(raw)?,
                FieldRef::TextMessage => text_messages(raw)?,
                FieldRef::Message => match &messages {
                    Some(messages) => Arc::new(messages.clone()),
                    None => Arc::new(StringViewArray::new_null(rows)),
                },
                FieldRef::Json(_) | FieldRef::JsonNumber(_) | FieldRef::JsonKind(_) => {
                    self.json(raw, field, messages.as_ref())?
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.context.scan.schema(), arrays, &options)
            .map_err(|e| arrow_error(&e))
    }

    fn stream(&self, position: u32) -> Option<LogStreamId> {
        self.segment.footer.streams.get(position as usize).copied()
    }

    fn stream_names(&self, raw: &RawBatch) -> Result<ArrayRef> {
        let streams = raw.column(STREAM)?.as_primitive::<UInt32Type>();
        let mut builder =
            StringViewBuilder::with_capacity(streams.len()).with_deduplicate_strings();
        for &position in streams.values() {
            let name = self
                .stream(position)
                .and_then(|id| self.context.names.get(&id));
            builder.append_value(name.map_or("", |n| n));
        }
        Ok(Arc::new(builder.finish()))
    }

    fn pointers(&self, raw: &RawBatch) -> Result<ArrayRef> {
        let times = raw.times()?.values();
        let seqs = raw.column(SEQ)?.as_primitive::<UInt64Type>().values();
        let indexes = raw.column(INDEX)?.as_primitive::<UInt32Type>().values();
        let pointers = times
            .iter()
            .zip(seqs)
            .zip(indexes)
            .map(|((&t, &seq), &index)| {
                let key = EventKey {
                    timestamp: TimestampMs(t),
                    seq,
                    index,
                };
                EventPtr {
                    group: self.scope.id,
                    key,
                }
                .to_string()
            });
        Ok(Arc::new(StringViewArray::from_iter_values(pointers)))
    }

    /// The messages, if the columns they are made of were read.
    fn messages(&self, raw: &RawBatch) -> Result<Option<StringViewArray>> {
        if !raw.columns.whole_message {
            return Ok(None);
        }
        let fields = &self.segment.footer.columns;
        let mut cells = Vec::with_capacity(fields.len());
        for (i, field) in fields.iter().enumerate() {
            cells.push(Cells::new(field.kind, raw.column(SYSTEM_COLUMNS + i)?));
        }
        let kept = raw.column(MESSAGE)?.as_string_view();
        let rebuilder = Rebuilder {
            shapes: self.segment.shapes()?,
            shape_of: raw.column(SHAPE)?.as_primitive::<UInt32Type>().values(),
            messages: kept,
            cells: &cells,
        };
        let rows = raw.batch.num_rows();
        let mut builder = StringViewBuilder::with_capacity(rows).with_fixed_block_size(1 << 20);
        let mut message = Vec::with_capacity(1024);
        for row in 0..rows {
            message.clear();
            rebuilder.append(row, &mut message);
            let text = std::str::from_utf8(&message).map_err(|e| Error::Engine {
                engine: "log segment",
                why: format!("rebuilt message: {e}"),
            })?;
            builder.append_value(text);
        }
        Ok(Some(builder.finish()))
    }

    /// A discovered field.
    fn json(
        &self,
        raw: &RawBatch,
        field: &FieldRef,
        messages: Option<&StringViewArray>,
    ) -> Result<ArrayRef> {
        let path = json_path(field).unwrap_or_default();
        let rows = raw.batch.num_rows();
        let mut columns = Vec::new();
        for (position, kind) in self.columns_of(path) {
            columns.push((kind, raw.column(position)?));
        }
        let from_message = messages.filter(|_| self.needs_message(path).unwrap_or(true));
        if from_message.is_none()
            && let Some(array) = direct(field, &columns)?
        {
            return Ok(array);
        }
        let cells: Vec<Cells<'_>> = columns
            .iter()
            .filter_map(|(kind, array)| Cells::new(*kind, array))
            .collect();
        let wanted = ahash::AHashMap::from_iter([(path, 0)]);
        let mut values = JsonColumn::new(field, rows);
        let wants_text = matches!(values, JsonColumn::Text(_));
        let mut digits = Vec::new();
        let mut text = Vec::new();
        let mut found = Vec::new();
        for row in 0..rows {
            let value = cells.iter().find_map(|c| {
                let value = c.value(row, &mut digits)?;
                if wants_text {
                    text.clear();
                    value.render_plain(&mut text);
                }
                Some((kind_of(c.kind()), number_of_value(&value)))
            });
            match (value, from_message) {
                (Some((kind, number)), _) => {
                    let text = std::str::from_utf8(&text).unwrap_or_default();
                    values.push(Some((kind, text, number)));
                }
                (None, Some(messages)) => {
                    extract(messages.value(row), &wanted, &mut found);
                    let extracted: Option<&Extracted> = found.first().and_then(Option::as_ref);
                    values.push(extracted.map(|e| {
                        let number = number_of(e);
                        (e.kind, e.text.as_str(), number)
                    }));
                }
                (None, None) => values.push(None),
            }
        }
        Ok(values.finish())
    }
}

/// The messages that are not one JSON object; such are always kept as text.
fn text_messages(raw: &RawBatch) -> Result<ArrayRef> {
    let shapes = raw.column(SHAPE)?.as_primitive::<UInt32Type>().values();
    let kept = raw.column(MESSAGE)?.as_string_view();
    let texts = shapes.iter().enumerate().map(|(row, &shape)| {
        let is_kept = shape == 0 && kept.is_valid(row);
        let message = is_kept.then(|| kept.value(row))?;
        (!is_json_object(message)).then_some(message)
    });
    Ok(Arc::new(StringViewArray::from_iter(texts)))
}

pub(in crate::logs) const fn kind_of(kind: Kind) -> ValueKind {
    match kind {
        Kind::Bool => ValueKind::Boolean,
        Kind::Int | Kind::Float | Kind::FloatPoint | Kind::NumberText => ValueKind::Number,
        Kind::String | Kind::AsciiString | Kind::Uuid | Kind::Hex | Kind::Time => ValueKind::String,
    }
}

/// The number a value is, or has as its whole text.
fn number_of_value(value: &Value<'_>) -> Option<f64> {
    match *value {
        Value::Int(i) => Some(i as f64),
        Value::Float(f) | Value::FloatPoint(f) => Some(f),
        Value::Bool(b) => Some(f64::from(u8::from(b))),
        Value::NumberText(text)
        | Value::String(text)
        | Value::AsciiString(text)
        | Value::Hex(text) => parse_number(text),
        Value::Uuid(_) | Value::Time(_) => None,
    }
}

/// The column of a field where the one file column that holds it has the right type already.
fn direct(field: &FieldRef, columns: &[(Kind, &ArrayRef)]) -> Result<Option<ArrayRef>> {
    let [(kind, array)] = columns else {
        return Ok(None);
    };
    Ok(match (field, kind) {
        (FieldRef::Json(_), kind) if kind.is_text() => Some(Arc::clone(array)),
        (FieldRef::JsonNumber(_), Kind::Float | Kind::FloatPoint) => Some(Arc::clone(array)),
        (FieldRef::JsonNumber(_), Kind::Int) => {
            let numbers = cast(array, &DataType::Float64).map_err(|e| arrow_error(&e))?;
            Some(numbers)
        }
        (FieldRef::JsonKind(_), kind) => {
            let value = kind_of(*kind) as u8;
            let kinds: Vec<u8> = (0..array.len())
                .map(|row| if array.is_valid(row) { value } else { 0 })
                .collect();
            Some(Arc::new(UInt8Array::from(kinds)))
        }
        _ => None,
    })
}

/// A discovered field, built value by value.
enum JsonColumn {
    Text(StringViewBuilder),
    Number(Float64Builder),
    Kind(Vec<u8>),
}

impl JsonColumn {
    fn new(field: &FieldRef, rows: usize) -> Self {
        match field {
            FieldRef::JsonNumber(_) => Self::Number(Float64Array::builder(rows)),
            FieldRef::JsonKind(_) => Self::Kind(Vec::with_capacity(rows)),
            _ => Self::Text(StringViewBuilder::with_capacity(rows)),
        }
    }

    /// Kind, text (where texts are wanted), and number if it is one.
    fn push(&mut self, value: Option<(ValueKind, &str, Option<f64>)>) {
        match self {
            Self::Text(builder) => builder.append_option(value.map(|(_, text, _)| text)),
            Self::Kind(kinds) => kinds.push(value.map_or(0, |(kind, ..)| kind as u8)),
            Self::Number(builder) => {
                builder.append_option(value.and_then(|(_, _, number)| number));
            }
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Number(mut builder) => Arc::new(builder.finish()),
            Self::Kind(kinds) => Arc::new(UInt8Array::from(kinds)),
        }
    }
}
