//! The columns of a batch, built from rows whose messages are at hand as text.

use std::sync::Arc;

use ahash::AHashMap;
use arrow::array::{
    ArrayRef, Float64Builder, Int64Builder, StringViewBuilder, UInt8Builder, UInt32Builder,
    UInt64Builder,
};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use belfry_catalog::log_groups::LogStreamId;

use super::event::{EventKey, EventPtr};
use super::json::extract::{Extracted, extract};
use super::number::parse_number;
use super::scan::{FieldRef, GroupScope, LogScan, ValueKind};
use crate::error::{Error, Result};

/// A row as the builders take it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub key: EventKey,
    pub stream: LogStreamId,
    pub ingestion_time: i64,
    pub message: &'a str,
}

/// Names of the streams a scan may return.
pub(super) type StreamNames = AHashMap<LogStreamId, Arc<str>>;

pub(super) fn arrow_error(error: &arrow::error::ArrowError) -> Error {
    Error::Engine {
        engine: "arrow",
        why: error.to_string(),
    }
}

/// Builds one batch of a scan.
pub(super) struct BatchBuilder<'s> {
    scan: &'s LogScan,
    group: &'s GroupScope,
    names: &'s StreamNames,
    columns: Vec<Column>,
    /// Discovered fields that some column shows: path to position in `found`.
    paths: AHashMap<&'s str, usize>,
    found: Vec<Option<Extracted>>,
    shows_text_messages: bool,
    rows: usize,
}

enum Column {
    Int64(Int64Builder),
    UInt64(UInt64Builder),
    UInt32(UInt32Builder),
    UInt8(UInt8Builder),
    Float64(Float64Builder),
    Text(StringViewBuilder),
}

impl<'s> BatchBuilder<'s> {
    pub fn new(scan: &'s LogScan, group: &'s GroupScope, names: &'s StreamNames) -> Self {
        let mut paths = AHashMap::new();
        for column in &scan.columns {
            if let Some(path) = json_path(column) {
                let next = paths.len();
                paths.entry(path).or_insert(next);
            }
        }
        let columns = scan
            .columns
            .iter()
            .map(|column| match column {
                FieldRef::Timestamp | FieldRef::IngestionTime => Column::Int64(Int64Builder::new()),
                FieldRef::GroupId | FieldRef::StreamId | FieldRef::Seq => {
                    Column::UInt64(UInt64Builder::new())
                }
                FieldRef::Index => Column::UInt32(UInt32Builder::new()),
                FieldRef::JsonKind(_) => Column::UInt8(UInt8Builder::new()),
                FieldRef::JsonNumber(_) => Column::Float64(Float64Builder::new()),
                FieldRef::Message
                | FieldRef::TextMessage
                | FieldRef::LogStream
                | FieldRef::Log
                | FieldRef::Ptr
                | FieldRef::Json(_) => Column::Text(StringViewBuilder::new()),
            })
            .collect();
        Self {
            scan,
            group,
            names,
            columns,
            paths,
            found: Vec::new(),
            shows_text_messages: scan.columns.contains(&FieldRef::TextMessage),
            rows: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn push(&mut self, row: Row<'_>) {
        self.rows += 1;
        let is_json = if self.paths.is_empty() && !self.shows_text_messages {
            false
        } else {
            extract(row.message, &self.paths, &mut self.found)
        };
        for (field, column) in self.scan.columns.iter().zip(&mut self.columns) {
            let extracted = json_path(field)
                .and_then(|path| self.paths.get(path))
                .and_then(|&at| self.found.get(at))
                .and_then(Option::as_ref);
            match (column, field) {
                (Column::Int64(b), FieldRef::IngestionTime) => b.append_value(row.ingestion_time),
                (Column::Int64(b), _) => b.append_value(row.key.timestamp.0),
                (Column::UInt64(b), FieldRef::GroupId) => b.append_value(self.group.id.0),
                (Column::UInt64(b), FieldRef::StreamId) => b.append_value(row.stream.0),
                (Column::UInt64(b), _) => b.append_value(row.key.seq),
                (Column::UInt32(b), _) => b.append_value(row.key.index),
                (Column::UInt8(b), _) => {
                    let kind = extracted.map_or(ValueKind::Missing, |e| e.kind);
                    b.append_value(kind as u8);
                }
                (Column::Float64(b), _) => b.append_option(extracted.and_then(number_of)),
                (Column::Text(b), FieldRef::Message) => b.append_value(row.message),
                (Column::Text(b), FieldRef::TextMessage) => {
                    b.append_option((!is_json).then_some(row.message));
                }
                (Column::Text(b), FieldRef::Log) => b.append_value(&self.group.log),
                (Column::Text(b), FieldRef::LogStream) => {
                    b.append_value(self.names.get(&row.stream).map_or("", |n| n));
                }
                (Column::Text(b), FieldRef::Ptr) => {
                    let ptr = EventPtr {
                        group: self.group.id,
                        key: row.key,
                    };
                    b.append_value(ptr.to_string());
                }
                (Column::Text(b), _) => b.append_option(extracted.map(|e| e.text.as_str())),
            }
        }
    }

    /// The batch of all rows so far; the builder is empty again.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        let arrays: Vec<ArrayRef> = self
            .columns
            .iter_mut()
            .map(|column| -> ArrayRef {
                match column {
                    Column::Int64(b) => Arc::new(b.finish()),
                    Column::UInt64(b) => Arc::new(b.finish()),
                    Column::UInt32(b) => Arc::new(b.finish()),
                    Column::UInt8(b) => Arc::new(b.finish()),
                    Column::Float64(b) => Arc::new(b.finish()),
                    Column::Text(b) => Arc::new(b.finish()),
                }
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.scan.schema(), arrays, &options)
            .map_err(|e| arrow_error(&e))
    }
}

/// The path of the discovered field a column shows.
pub(super) fn json_path(field: &FieldRef) -> Option<&str> {
    match field {
        FieldRef::Json(path) | FieldRef::JsonNumber(path) | FieldRef::JsonKind(path) => Some(path),
        _ => None,
    }
}

/// The number a discovered field is, or has as its whole text.
pub(super) fn number_of(value: &Extracted) -> Option<f64> {
    match value.kind {
        ValueKind::Boolean => Some(f64::from(u8::from(value.text == "true"))),
        ValueKind::Number | ValueKind::String => parse_number(&value.text),
        ValueKind::Missing | ValueKind::Structure => None,
    }
}
