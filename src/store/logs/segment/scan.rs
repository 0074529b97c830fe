//! Rows of a segment as batches.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Float64Builder, Int64Array, RecordBatch,
    StringViewArray, StringViewBuilder, UInt8Array, UInt32Array, UInt64Array,
};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Int64Type, UInt32Type, UInt64Type};
use arrow::record_batch::{RecordBatchOptions, RecordBatchReader};
use belfry_model::TimestampMs;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};

use super::layout::{GroupRange, ROWS_RAW_JSON, ValuesKey};
use super::opened::{OpenSegment, SYSTEM_COLUMNS};
use super::rebuild::{Cells, Rebuilder};
use super::rows_part::parquet_error;
use crate::error::{Error, Result};
use crate::logs::columns::{arrow_error, json_path};
use crate::logs::event::{EventKey, EventPtr};
use crate::logs::index::lookup::candidates;
use crate::logs::json::extract::{Extracted, extract, is_json_object};
use crate::logs::json::value::Kind;
use crate::logs::number::parse_number;
use crate::logs::part::ScanContext;
use crate::logs::row_set::RowSet;
use crate::logs::scan::{Direction, FieldRef, GroupScope, ScanStatistics, ValueKind};

// Positions of the system columns in the file.
const TIMESTAMP: usize = 0;
const SEQ: usize = 1;
const INDEX: usize = 2;
const STREAM: usize = 3;
const INGESTION_TIME: usize = 4;
const SHAPE: usize = 5;
const MESSAGE: usize = 6;

/// Rows read in one go where all are wanted.
const RUN_ROWS: u32 = super::builder::ROW_GROUP_ROWS;

/// Rows of one group of a segment that a scan may want.
pub struct SegmentRows {
    segment: Arc<OpenSegment>,
    /// Rows of the group.
    group: GroupRange,
    /// The wanted rows, `None` for all of the group.
    wanted: Option<RowSet>,
    /// How many of the wanted rows were not read yet, and how many were.
    left: u32,
    done: u32,
    /// Whether some wanted row may lie outside of the scan's time range.
    check_time: bool,
    /// Batches of an ascending run of rows that is being read.
    run: Option<Run>,
    /// Whether exactly the wanted rows meet the scan's condition (time apart).
    pub exact: bool,
}

impl SegmentRows {
    /// Asks the index. Blocks on I/O.
    pub fn find(
        segment: Arc<OpenSegment>,
        group: &GroupRange,
        context: &ScanContext,
        scope: &GroupScope,
        statistics: &mut ScanStatistics,
    ) -> Result<Self> {
        let scan = &context.scan;
        let found = candidates(&segment, &scan.prefilter)?;
        let range = group.row_range();
        let mut wanted = found.rows;
        if let Some(streams) = stream_rows(&segment, context)? {
            match &mut wanted {
                Some(rows) => rows.intersect(&streams),
                None => wanted = Some(streams),
            }
        }
        let start = scan.start.max(scope.visible_from);
        let check_time = start.0 > group.min_ts || scan.end.0 < group.max_ts;
        if check_time {
            let pages = time_pages(&segment, group, start, scan.end)?;
            wanted = Some(match wanted {
                Some(rows) => rows.restricted(pages),
                None => RowSet::of_range(pages),
            });
        }
        let wanted = wanted.map(|rows| rows.restricted(range.clone()));
        let left = wanted
            .as_ref()
            .map_or(u64::from(group.rows), RowSet::len)
            .min(u64::from(group.rows)) as u32;
        statistics.rows_skipped += u64::from(group.rows - left);
        Ok(Self {
            segment,
            group: group.clone(),
            wanted,
            left,
            done: 0,
            check_time,
            run: None,
            exact: found.exact,
        })
    }

    /// The next rows in the direction, ascending in themselves.
    fn next_rows(&mut self, count: u32, direction: Direction) -> Vec<Range<u32>> {
        let count = count.min(self.left);
        if count == 0 {
            return Vec::new();
        }
        // Positions among the wanted rows.
        let first = match direction {
            Direction::Ascending => self.done,
            Direction::Descending => self.left - count,
        };
        self.left -= count;
        self.done += count;
        let Some(wanted) = &self.wanted else {
            let start = self.group.first_row + first;
            let whole = start..start + count;
            return Vec::from([whole]);
        };
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for row in wanted.iter_from(first, count) {
            match ranges.last_mut() {
                Some(last) if last.end == row => last.end += 1,
                _ => ranges.push(row..row + 1),
            }
        }
        ranges
    }

    /// The next batch of about `rows` rows; `None` at the end.
    pub fn next_batch(
        &mut self,
        context: &ScanContext,
        scope: &GroupScope,
        rows: usize,
        statistics: &mut ScanStatistics,
    ) -> Result<Option<RecordBatch>> {
        let segment = Arc::clone(&self.segment);
        let reader = BatchReader {
            segment: &segment,
            context,
            scope,
        };
        let raw = match context.scan.direction {
            Direction::Ascending => loop {
                if let Some(run) = &mut self.run
                    && let Some(raw) = run.next_batch()?
                {
                    break raw;
                }
                // Whole row groups at a time, unless the reader wants few rows: opening their
                // columns has a price.
                let count = match context.scan.limit_hint {
                    Some(_) => rows as u32,
                    None => RUN_ROWS,
                };
                let ranges = self.next_rows(count, Direction::Ascending);
                if ranges.is_empty() {
                    return Ok(None);
                }
                let columns = reader.columns()?;
                self.run = Some(Run::start(&segment, &ranges, columns, rows)?);
            },
            Direction::Descending => {
                let ranges = self.next_rows(rows as u32, Direction::Descending);
                if ranges.is_empty() {
                    return Ok(None);
                }
                let columns = reader.columns()?;
                Run::start(&segment, &ranges, columns, rows)?.whole()?
            }
        };
        let scanned = raw.batch.num_rows() as u64;
        let raw = reader.arrange(raw, self.check_time)?;
        let batch = reader.output(&raw)?;
        let average = self.group.text_bytes / u64::from(self.group.rows.max(1));
        statistics.rows_scanned += scanned;
        statistics.bytes_scanned += average * scanned;
        statistics.rows_returned += batch.num_rows() as u64;
        Ok(Some(batch))
    }

    /// How many rows are wanted and lie in the time range, without reading messages.
    pub fn count(mut self, context: &ScanContext, scope: &GroupScope) -> Result<u64> {
        if !self.check_time {
            return Ok(u64::from(self.left));
        }
        let mut count = 0;
        let start = context.scan.start.max(scope.visible_from).0;
        let end = context.scan.end.0;
        loop {
            let ranges = self.next_rows(64 * 1024, Direction::Ascending);
            if ranges.is_empty() {
                return Ok(count);
            }
            let columns = Columns {
                positions: vec![TIMESTAMP],
                whole_message: false,
            };
            let raw = Run::start(&self.segment, &ranges, columns, 64 * 1024)?.whole()?;
            let times = raw.times()?;
            count += times
                .values()
                .iter()
                .filter(|&&t| start <= t && t <= end)
                .count() as u64;
        }
    }
}

/// Rows of the streams a scan wants; `None` if that is all of the segment's.
fn stream_rows(segment: &OpenSegment, context: &ScanContext) -> Result<Option<RowSet>> {
    let wanted: Vec<u32> = context
        .names
        .keys()
        .filter_map(|&id| segment.stream_position(id))
        .collect();
    if wanted.len() == segment.footer.streams.len() {
        return Ok(None);
    }
    let streams = segment.values(ValuesKey::Stream)?;
    let mut rows = RowSet::new();
    for position in wanted {
        if let Some(set) = streams.get(&position.to_be_bytes()) {
            rows.unite(set);
        }
    }
    Ok(Some(rows))
}

/// The rows of a group from the first to the last page that may hold times in the range.
fn time_pages(
    segment: &OpenSegment,
    group: &GroupRange,
    start: TimestampMs,
    end: TimestampMs,
) -> Result<Range<u32>> {
    use parquet::file::page_index::column_index::ColumnIndexMetaData;

    let range = group.row_range();
    let metadata = segment.metadata()?.metadata();
    let (Some(columns), Some(offsets)) = (metadata.column_index(), metadata.offset_index()) else {
        return Ok(range);
    };
    let mut found: Option<Range<u32>> = None;
    let mut row_group_start = 0u32;
    for (number, row_group) in metadata.row_groups().iter().enumerate() {
        let rows = row_group.num_rows() as u32;
        let pages = offsets.get(number).and_then(|c| c.get(TIMESTAMP));
        let times = columns.get(number).and_then(|c| c.get(TIMESTAMP));
        let (Some(pages), Some(ColumnIndexMetaData::INT64(times))) = (pages, times) else {
            return Ok(range);
        };
        let locations = pages.page_locations();
        for (page, location) in locations.iter().enumerate() {
            let from = row_group_start + location.first_row_index as u32;
            let to = locations
                .get(page + 1)
                .map_or(row_group_start + rows, |next| {
                    row_group_start + next.first_row_index as u32
                });
            let (from, to) = (from.max(range.start), to.min(range.end));
            let bounds = (times.min_values().get(page), times.max_values().get(page));
            let overlaps = match bounds {
                (Some(&min), Some(&max)) => min <= end.0 && start.0 <= max,
                _ => true,
            };
            if from < to && overlaps {
                let known = found.get_or_insert(from..to);
                known.start = known.start.min(from);
                known.end = known.end.max(to);
            }
        }
        row_group_start += rows;
    }
    Ok(found.unwrap_or(range.start..range.start))
}

/// Which columns are read.
#[derive(Clone)]
struct Columns {
    /// Positions in the file, ascending.
    positions: Vec<usize>,
    /// All columns that messages are made of are among them.
    whole_message: bool,
}

/// Some rows of a segment, read batch by batch.
struct Run {
    reader: ParquetRecordBatchReader,
    columns: Columns,
}

impl Run {
    /// `ranges` are ascending and do not overlap.
    fn start(
        segment: &OpenSegment,
        ranges: &[Range<u32>],
        columns: Columns,
        batch_rows: usize,
    ) -> Result<Self> {
        let metadata = segment.metadata()?.clone();
        let (row_groups, selection) = select(&metadata, ranges);
        let positions = columns.positions.iter().copied();
        let mask = ProjectionMask::roots(metadata.parquet_schema(), positions);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(segment.file(), metadata)
            .with_row_groups(row_groups)
            .with_row_selection(selection)
            .with_projection(mask)
            .with_batch_size(batch_rows.max(1))
            .build()
            .map_err(|e| parquet_error(&e))?;
        Ok(Self { reader, columns })
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>> {
        let batch = self
            .reader
            .next()
            .transpose()
            .map_err(|e| arrow_error(&e))?;
        Ok(batch.map(|batch| RawBatch {
            batch,
            columns: self.columns.clone(),
        }))
    }

    /// All rows as one batch.
    fn whole(self) -> Result<RawBatch> {
        let schema = RecordBatchReader::schema(&self.reader);
        let batches = self
            .reader
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|e| arrow_error(&e))?;
        let batch = match batches.as_slice() {
            [one] => one.clone(),
            many => concat_batches(&schema, many).map_err(|e| arrow_error(&e))?,
        };
        Ok(RawBatch {
            batch,
            columns: self.columns,
        })
    }
}

/// The row groups that hold some of the rows, and the rows' selection in them.
fn select(metadata: &ArrowReaderMetadata, ranges: &[Range<u32>]) -> (Vec<usize>, RowSelection) {
    let mut row_groups = Vec::new();
    let mut selectors: Vec<RowSelector> = Vec::new();
    let mut start = 0u32;
    let mut pending = ranges.iter().cloned().peekable();
    let mut rest: Option<Range<u32>> = None;
    for (number, row_group) in metadata.metadata().row_groups().iter().enumerate() {
        let end = start + row_group.num_rows() as u32;
        let mut at = start;
        while let Some(range) = rest.take().or_else(|| pending.next_if(|r| r.start < end)) {
            if at == start {
                row_groups.push(number);
            }
            if range.start > at {
                selectors.push(RowSelector::skip((range.start - at) as usize));
            }
            let stop = range.end.min(end);
            selectors.push(RowSelector::select((stop - range.start) as usize));
            at = stop;
            if range.end > end {
                rest = Some(end..range.end);
                break;
            }
        }
        if at > start && at < end {
            selectors.push(RowSelector::skip((end - at) as usize));
        }
        start = end;
    }
    (row_groups, RowSelection::from(selectors))
}

/// Turns rows of a segment into a batch of a scan.
struct BatchReader<'a> {
    segment: &'a OpenSegment,
    context: &'a ScanContext,
    scope: &'a GroupScope,
}

/// Columns as they lie in the file.
struct RawBatch {
    batch: RecordBatch,
    columns: Columns,
}

impl RawBatch {
    fn column(&self, position: usize) -> Result<&ArrayRef> {
        self.columns
            .positions
            .iter()
            .position(|&c| c == position)
            .and_then(|at| self.batch.columns().get(at))
            .ok_or_else(|| Error::Engine {
                engine: "log segment",
                why: format!("column {position} was not read"),
            })
    }

    fn times(&self) -> Result<&Int64Array> {
        Ok(self.column(TIMESTAMP)?.as_primitive::<Int64Type>())
    }
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
    fn columns(&self) -> Result<Columns> {
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
    fn arrange(&self, raw: RawBatch, check_time: bool) -> Result<RawBatch> {
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

    fn output(&self, raw: &RawBatch) -> Result<RecordBatch> {
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

    fn stream(&self, position: u32) -> Option<belfry_catalog::log_groups::LogStreamId> {
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
        let mut digits = Vec::new();
        let mut text = Vec::new();
        let mut found = Vec::new();
        for row in 0..rows {
            let hit = cells.iter().find_map(|c| {
                let value = c.value(row, &mut digits)?;
                text.clear();
                value.render_plain(&mut text);
                Some(kind_of(c.kind()))
            });
            match (hit, from_message) {
                (Some(kind), _) => {
                    values.push(Some((kind, std::str::from_utf8(&text).unwrap_or_default())));
                }
                (None, Some(messages)) => {
                    extract(messages.value(row), &wanted, &mut found);
                    let extracted: Option<&Extracted> = found.first().and_then(Option::as_ref);
                    values.push(extracted.map(|e| (e.kind, e.text.as_str())));
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

    fn push(&mut self, value: Option<(ValueKind, &str)>) {
        match self {
            Self::Text(builder) => builder.append_option(value.map(|(_, text)| text)),
            Self::Kind(kinds) => kinds.push(value.map_or(0, |(kind, _)| kind as u8)),
            Self::Number(builder) => {
                builder.append_option(value.and_then(|(kind, text)| match kind {
                    ValueKind::Boolean => Some(f64::from(u8::from(text == "true"))),
                    ValueKind::Number | ValueKind::String => parse_number(text),
                    ValueKind::Missing | ValueKind::Structure => None,
                }))
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
