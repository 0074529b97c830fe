//! Reading some rows of some columns of a segment's Parquet file.

use std::ops::Range;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatchReader;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};

use super::opened::OpenSegment;
use super::rows_file::RowsFile;
use super::rows_part::parquet_error;
use crate::decoding::decoding;
use crate::error::{Error, Result};
use crate::logs::columns::arrow_error;

// Positions of the system columns in the file.
pub(super) const TIMESTAMP: usize = 0;
pub(super) const SEQ: usize = 1;
pub(super) const INDEX: usize = 2;
pub(super) const STREAM: usize = 3;
pub(super) const INGESTION_TIME: usize = 4;
pub(super) const SHAPE: usize = 5;
pub(super) const MESSAGE: usize = 6;

/// Which columns are read.
#[derive(Clone)]
pub(super) struct Columns {
    /// Positions in the file, ascending.
    pub positions: Vec<usize>,
    /// All columns that messages are made of are among them.
    pub whole_message: bool,
}

/// Some rows of a segment, read batch by batch.
pub(super) struct Run {
    reader: ParquetRecordBatchReader,
    file: RowsFile,
    columns: Columns,
}

impl Run {
    /// `ranges` are ascending and do not overlap.
    pub fn start(
        segment: &OpenSegment,
        ranges: &[Range<u32>],
        columns: Columns,
        batch_rows: usize,
    ) -> Result<Self> {
        let metadata = segment.metadata()?.clone();
        let file = segment.file();
        let reader = decoding("parquet", || {
            let (row_groups, selection) = select(&metadata, ranges);
            let positions = columns.positions.iter().copied();
            let mask = ProjectionMask::roots(metadata.parquet_schema(), positions);
            ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), metadata)
                .with_row_groups(row_groups)
                .with_row_selection(selection)
                .with_projection(mask)
                .with_batch_size(batch_rows.max(1))
                .build()
                .map_err(|e| parquet_error(&e))
        })
        .map_err(|e| file.error(e))?;
        Ok(Self {
            reader,
            file,
            columns,
        })
    }

    pub fn next_batch(&mut self) -> Result<Option<RawBatch>> {
        let batch = decoding("parquet", || {
            self.reader.next().transpose().map_err(|e| arrow_error(&e))
        })
        .map_err(|e| self.file.error(e))?;
        Ok(batch.map(|batch| RawBatch {
            batch,
            columns: self.columns.clone(),
        }))
    }

    /// All rows as one batch.
    pub fn whole(self) -> Result<RawBatch> {
        let schema = RecordBatchReader::schema(&self.reader);
        let batches = decoding("parquet", || {
            self.reader
                .collect::<std::result::Result<Vec<_>, _>>()
                .map_err(|e| arrow_error(&e))
        })
        .map_err(|e| self.file.error(e))?;
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

/// Columns as they lie in the file.
pub(super) struct RawBatch {
    pub batch: RecordBatch,
    pub columns: Columns,
}

impl RawBatch {
    pub fn column(&self, position: usize) -> Result<&ArrayRef> {
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

    pub fn times(&self) -> Result<&Int64Array> {
        Ok(self.column(TIMESTAMP)?.as_primitive::<Int64Type>())
    }
}
