//! `rows.parquet`: the columns of a segment as a Parquet file.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray, Float64Array,
    Int32Array, Int64Array, StringArray, UInt32Array, UInt64Array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use super::builder::{ROW_GROUP_ROWS, SegmentBuilder};
use super::columns::{ColumnData, ColumnValues, Texts};
use super::index_parts::IndexParts;
use crate::error::{Error, Result};
use crate::logs::columns::arrow_error;
use crate::logs::index::ids::PAGE_ROWS;

const TIMESTAMP: &str = "@timestamp";
const SEQ: &str = "@seq";
const INDEX: &str = "@index";
const STREAM: &str = "@stream";
const INGESTION_TIME: &str = "@ingestionTime";
const SHAPE: &str = "@shape";
const MESSAGE: &str = "@message";

/// Rows handed to Parquet at once.
const WRITE_ROWS: u32 = 16 * 1024;

pub(in crate::logs) fn parquet_error(error: &parquet::errors::ParquetError) -> Error {
    Error::Engine {
        engine: "parquet",
        why: error.to_string(),
    }
}

pub(super) fn write(
    segment: &SegmentBuilder,
    index: &IndexParts,
    zstd_level: i32,
) -> Result<Vec<u8>> {
    let schema = schema(segment, index);
    let properties = properties(segment, index, zstd_level)?;
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))
        .map_err(|e| parquet_error(&e))?;
    let rows = segment.rows();
    let mut raw_cursor = 0;
    let mut cursors = vec![0; segment.columns.len()];
    let mut start = 0;
    while start < rows {
        let end = start.saturating_add(WRITE_ROWS).min(rows);
        let batch = batch(segment, &schema, start..end, &mut cursors, &mut raw_cursor)?;
        writer.write(&batch).map_err(|e| parquet_error(&e))?;
        start = end;
    }
    writer.into_inner().map_err(|e| parquet_error(&e))
}

/// The columns before those of fields; messages are written as one type and read as another.
pub(super) fn system_fields(message: DataType) -> Vec<Field> {
    vec![
        Field::new(TIMESTAMP, DataType::Int64, false),
        Field::new(SEQ, DataType::UInt64, false),
        Field::new(INDEX, DataType::UInt32, false),
        Field::new(STREAM, DataType::UInt32, false),
        Field::new(INGESTION_TIME, DataType::Int64, false),
        Field::new(SHAPE, DataType::UInt32, false),
        Field::new(MESSAGE, message, true),
    ]
}

fn schema(segment: &SegmentBuilder, index: &IndexParts) -> SchemaRef {
    let mut fields = system_fields(DataType::Utf8);
    for (column, entry) in segment.columns.iter().zip(&index.columns) {
        fields.push(Field::new(&entry.column, column_type(column), true));
    }
    Arc::new(Schema::new(fields))
}

fn column_type(column: &ColumnData) -> DataType {
    match &column.values {
        ColumnValues::Integers { .. } => DataType::Int64,
        ColumnValues::Floats { .. } => DataType::Float64,
        ColumnValues::Booleans(_) => DataType::Boolean,
        ColumnValues::Texts(Texts::Dictionary { .. }) => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        }
        ColumnValues::Texts(Texts::Plain { .. }) => DataType::Utf8,
        ColumnValues::Uuids(_) => DataType::FixedSizeBinary(16),
        ColumnValues::Hex { .. } => DataType::Binary,
    }
}

fn properties(
    segment: &SegmentBuilder,
    index: &IndexParts,
    zstd_level: i32,
) -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(zstd_level).map_err(|e| parquet_error(&e))?;
    let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_created_by("belfry".to_owned())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS as usize))
        // Small pages: a point lookup reads one page of each column.
        .set_data_page_row_count_limit(PAGE_ROWS as usize)
        .set_write_batch_size(PAGE_ROWS as usize)
        .set_compression(Compression::ZSTD(level))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_statistics_enabled(path(TIMESTAMP), EnabledStatistics::Page)
        .set_column_dictionary_enabled(path(SEQ), true)
        .set_column_dictionary_enabled(path(STREAM), true)
        .set_column_dictionary_enabled(path(INGESTION_TIME), true)
        .set_column_dictionary_enabled(path(SHAPE), true)
        .set_column_encoding(path(TIMESTAMP), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(path(INDEX), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(path(MESSAGE), Encoding::DELTA_LENGTH_BYTE_ARRAY);
    for (column, entry) in segment.columns.iter().zip(&index.columns) {
        let path = path(&entry.column);
        builder = match &column.values {
            ColumnValues::Integers { distinct, .. } => {
                builder = builder
                    .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
                    .set_column_dictionary_enabled(path, distinct.is_some());
                builder
            }
            ColumnValues::Texts(Texts::Dictionary { .. }) => {
                builder.set_column_dictionary_enabled(path, true)
            }
            ColumnValues::Texts(Texts::Plain { .. }) => {
                builder.set_column_encoding(path, Encoding::DELTA_LENGTH_BYTE_ARRAY)
            }
            // Random bytes do not shrink.
            ColumnValues::Uuids(_) | ColumnValues::Hex { .. } => {
                builder.set_column_compression(path, Compression::UNCOMPRESSED)
            }
            ColumnValues::Floats { .. } => builder.set_column_dictionary_enabled(path, true),
            ColumnValues::Booleans(_) => builder,
        };
    }
    Ok(builder.build())
}

fn batch(
    segment: &SegmentBuilder,
    schema: &SchemaRef,
    rows: Range<u32>,
    cursors: &mut [usize],
    raw_cursor: &mut usize,
) -> Result<RecordBatch> {
    let range = rows.start as usize..rows.end as usize;
    let system = &segment.system;
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(slice(&system.timestamps, &range))),
        Arc::new(UInt64Array::from(slice(&system.seqs, &range))),
        Arc::new(UInt32Array::from(slice(&system.indexes, &range))),
        Arc::new(UInt32Array::from(slice(&system.streams, &range))),
        Arc::new(Int64Array::from(slice(&system.ingestion_times, &range))),
        Arc::new(UInt32Array::from(slice(&system.shapes, &range))),
    ];
    let window = Window::take(&segment.raw_rows, &rows, raw_cursor);
    arrays.push(match &segment.raw {
        Some(raw) => plain_texts(raw, &window)?,
        None => arrow::array::new_null_array(&DataType::Utf8, range.len()),
    });
    for (column, cursor) in segment.columns.iter().zip(cursors) {
        let window = Window::take(&column.rows, &rows, cursor);
        arrays.push(array(column, &window)?);
    }
    RecordBatch::try_new(Arc::clone(schema), arrays).map_err(|e| arrow_error(&e))
}

fn slice<T: Clone>(values: &[T], range: &Range<usize>) -> Vec<T> {
    values.get(range.clone()).unwrap_or_default().to_vec()
}

/// The values of a column that fall into a window of rows.
struct Window<'a> {
    /// Positions of the values in the column.
    values: Range<usize>,
    /// The rows that have them,
    rows: &'a [u32],
    /// of all the window's rows.
    all: Range<u32>,
}

impl<'a> Window<'a> {
    fn take(column_rows: &'a [u32], window: &Range<u32>, cursor: &mut usize) -> Self {
        let rest = column_rows.get(*cursor..).unwrap_or_default();
        let count = rest.partition_point(|&r| r < window.end);
        let values = *cursor..*cursor + count;
        *cursor = values.end;
        Self {
            values,
            rows: rest.get(..count).unwrap_or_default(),
            all: window.clone(),
        }
    }

    fn nulls(&self) -> Option<NullBuffer> {
        if self.rows.len() == self.all.len() {
            return None;
        }
        let mut valid = vec![false; self.all.len()];
        for row in self.rows {
            if let Some(v) = valid.get_mut((row - self.all.start) as usize) {
                *v = true;
            }
        }
        Some(NullBuffer::from(valid))
    }

    /// One value for each row of the window, `default` where there is none.
    fn spread<T: Copy>(&self, values: &[T], default: T) -> Vec<T> {
        let values = values.get(self.values.clone()).unwrap_or_default();
        if values.len() == self.all.len() {
            return values.to_vec();
        }
        let mut spread = vec![default; self.all.len()];
        for (row, value) in self.rows.iter().zip(values) {
            if let Some(slot) = spread.get_mut((row - self.all.start) as usize) {
                *slot = *value;
            }
        }
        spread
    }

    /// Offsets of values of varying length: `length(i)` is that of the column's value `i`.
    fn offsets(&self, length: impl Fn(usize) -> usize) -> OffsetBuffer<i32> {
        let mut offsets = Vec::with_capacity(self.all.len() + 1);
        let mut at = 0usize;
        offsets.push(0);
        let mut next = self.values.start;
        let mut rows = self.rows.iter().peekable();
        for row in self.all.clone() {
            if rows.next_if(|&&r| r == row).is_some() {
                at += length(next);
                next += 1;
            }
            offsets.push(at as i32);
        }
        OffsetBuffer::new(ScalarBuffer::from(offsets))
    }
}

fn array(column: &ColumnData, window: &Window<'_>) -> Result<ArrayRef> {
    let nulls = window.nulls();
    Ok(match &column.values {
        ColumnValues::Integers { values, .. } => Arc::new(Int64Array::new(
            ScalarBuffer::from(window.spread(values, 0)),
            nulls,
        )),
        ColumnValues::Floats { values } => Arc::new(Float64Array::new(
            ScalarBuffer::from(window.spread(values, 0.0)),
            nulls,
        )),
        ColumnValues::Booleans(values) => Arc::new(BooleanArray::new(
            window.spread(values, false).into(),
            nulls,
        )),
        ColumnValues::Texts(Texts::Dictionary { codes, values, .. }) => {
            let keys: Vec<i32> = window.spread(codes, 0).iter().map(|&c| c as i32).collect();
            let keys = Int32Array::new(ScalarBuffer::from(keys), nulls);
            let values: StringArray = values.iter().map(|v| Some(&**v)).collect();
            let dictionary = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values));
            Arc::new(dictionary.map_err(|e| arrow_error(&e))?)
        }
        ColumnValues::Texts(texts) => plain_texts(texts, window)?,
        ColumnValues::Uuids(values) => {
            let spread = window.spread(values, [0; 16]);
            let bytes: Vec<u8> = spread.into_iter().flatten().collect();
            let array = FixedSizeBinaryArray::try_new(16, Buffer::from_vec(bytes), nulls);
            Arc::new(array.map_err(|e| arrow_error(&e))?)
        }
        ColumnValues::Hex { bytes, ends } => {
            let end = |i: usize| ends.get(i).copied().unwrap_or_default() as usize;
            let start = |i: usize| i.checked_sub(1).map_or(0, end);
            let offsets = window.offsets(|i| end(i) - start(i));
            let from = start(window.values.start);
            let content = match window.values.end {
                0 => &[],
                last => bytes.get(from..end(last - 1)).unwrap_or_default(),
            };
            let array = BinaryArray::try_new(offsets, Buffer::from(content), nulls);
            Arc::new(array.map_err(|e| arrow_error(&e))?)
        }
    })
}

fn plain_texts(texts: &Texts, window: &Window<'_>) -> Result<ArrayRef> {
    let offsets = window.offsets(|i| texts.get(i).len());
    let mut content = Vec::with_capacity(offsets.last().map_or(0, |&end| end as usize));
    for i in window.values.clone() {
        content.extend_from_slice(texts.get(i).as_bytes());
    }
    let array = StringArray::try_new(offsets, Buffer::from_vec(content), window.nulls());
    Ok(Arc::new(array.map_err(|e| arrow_error(&e))?))
}
