//! Checking stored segments, for `belfry check`.

use belfry_catalog::objects::{ObjectKind, ObjectRow};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::columns::arrow_error;
use super::live::LiveSegment;
use super::segment::opened::OpenSegment;
use super::segment::parquet_error;
use crate::decoding::decoding;
use crate::error::{Error, Result};
use crate::objects::Objects;

/// Reads a segment whole and compares it with its checksums, its footer and its catalog row.
/// Blocks on I/O.
///
/// # Errors
/// `ObjectMissing` or `ObjectCorrupt` with key, offset and what is wrong.
pub fn verify_object(objects: &Objects, row: &ObjectRow) -> Result<()> {
    let corrupt = |why: String| Error::ObjectCorrupt {
        key: Objects::key(ObjectKind::LogSegment, row.id).to_string(),
        offset: 0,
        why,
    };
    let segment = OpenSegment::open(objects, row.id, row.bytes)?;
    segment.verify_parts()?;
    let footer = &segment.footer;
    let live = LiveSegment::of_row(row.clone())?;
    if u64::from(footer.rows) != row.rows || footer.groups != live.groups {
        return Err(corrupt(format!(
            "the catalog names {} rows of {} groups, the footer {} of {}",
            row.rows,
            live.groups.len(),
            footer.rows,
            footer.groups.len()
        )));
    }
    if (footer.min_ts, footer.max_ts) != (row.min_ts.0, row.max_ts.0) {
        return Err(corrupt("time range differs from the catalog".to_owned()));
    }
    let rows = decoding("parquet", || count_rows(&segment)).map_err(|e| corrupt(e.to_string()))?;
    if rows != row.rows {
        return Err(corrupt(format!("{rows} rows, expected {}", row.rows)));
    }
    Ok(())
}

/// Reads all columns of all rows.
fn count_rows(segment: &OpenSegment) -> Result<u64> {
    let metadata = segment.metadata()?.clone();
    let file = segment.file();
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
        .build()
        .map_err(|e| parquet_error(&e))?;
    let mut rows = 0;
    for batch in reader {
        rows += batch.map_err(|e| arrow_error(&e))?.num_rows() as u64;
    }
    Ok(rows)
}
