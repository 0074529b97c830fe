//! Which rows lie in a range of times, by the pages of the Parquet file.

use std::ops::Range;

use belfry_model::TimestampMs;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::PageLocation;

use super::run::TIMESTAMP;

/// Whether the row groups, and the pages of times in them, tile the segment's `rows`. Everything
/// else that reckons with these numbers relies on it.
pub(super) fn check_rows(metadata: &ParquetMetaData, rows: u32) -> Result<(), String> {
    let mut left = i64::from(rows);
    for (number, row_group) in metadata.row_groups().iter().enumerate() {
        let rows = row_group.num_rows();
        if rows < 0 || rows > left {
            return Err(format!("row group {number} has {rows} of {left} rows"));
        }
        left -= rows;
        let Some(pages) = pages(metadata, number) else {
            continue;
        };
        let starts = pages.iter().map(|page| page.first_row_index);
        let first_is_0 = match starts.clone().next() {
            Some(first) => first == 0,
            None => rows == 0,
        };
        if !first_is_0 || !starts.clone().is_sorted() || starts.max().is_some_and(|s| s > rows) {
            return Err(format!("pages of row group {number} do not tile its rows"));
        }
    }
    match left {
        0 => Ok(()),
        left => Err(format!("{left} rows are in no row group")),
    }
}

/// The pages of times of a row group, if the file has a page index.
fn pages(metadata: &ParquetMetaData, row_group: usize) -> Option<&[PageLocation]> {
    let columns = metadata.offset_index()?.get(row_group)?;
    Some(columns.get(TIMESTAMP)?.page_locations())
}

/// Those of `rows` from the first to the last page that may hold times in the range. The metadata
/// has passed [`check_rows`].
pub(super) fn rows_in_times(
    metadata: &ParquetMetaData,
    rows: Range<u32>,
    start: TimestampMs,
    end: TimestampMs,
) -> Range<u32> {
    let Some(columns) = metadata.column_index() else {
        return rows;
    };
    let mut found: Option<Range<u32>> = None;
    let mut row_group_start = 0u32;
    for (number, row_group) in metadata.row_groups().iter().enumerate() {
        let row_group_end = row_group_start + row_group.num_rows() as u32;
        let times = columns.get(number).and_then(|c| c.get(TIMESTAMP));
        let (Some(pages), Some(ColumnIndexMetaData::INT64(times))) =
            (pages(metadata, number), times)
        else {
            return rows;
        };
        for (page, location) in pages.iter().enumerate() {
            let from = row_group_start + location.first_row_index as u32;
            let to = pages.get(page + 1).map_or(row_group_end, |next| {
                row_group_start + next.first_row_index as u32
            });
            let (from, to) = (from.max(rows.start), to.min(rows.end));
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
        row_group_start = row_group_end;
    }
    found.unwrap_or(rows.start..rows.start)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
    use parquet::file::metadata::{OffsetIndexBuilder, PageIndexPolicy};
    use parquet::file::properties::WriterProperties;

    use super::*;

    /// Times 0 to 99 in row groups of 40 rows and pages of 10.
    fn metadata() -> ParquetMetaData {
        let times: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let batch = RecordBatch::try_from_iter([("t", times)]).unwrap();
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(40))
            .set_data_page_row_count_limit(10)
            .set_write_batch_size(10)
            .build();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let loaded = ArrowReaderMetadata::load(&Bytes::from(file), options).unwrap();
        loaded.metadata().as_ref().clone()
    }

    /// The second row group's pages begin at these rows of it.
    fn with_pages(metadata: ParquetMetaData, starts: &[i64]) -> ParquetMetaData {
        let mut builder = metadata.into_builder();
        let mut offsets = builder.take_offset_index().unwrap();
        let mut pages = OffsetIndexBuilder::new();
        for _ in starts {
            pages.append_row_count(0);
            pages.append_offset_and_size(4, 10);
        }
        let mut pages = pages.build();
        for (page, start) in pages.page_locations.iter_mut().zip(starts) {
            page.first_row_index = *start;
        }
        offsets[1] = vec![pages];
        builder.set_offset_index(Some(offsets)).build()
    }

    fn with_row_groups(rows: &[i64]) -> ParquetMetaData {
        let mut builder = metadata().into_builder();
        let groups = builder.take_row_groups().into_iter().zip(rows);
        let groups = groups.map(|(group, &rows)| {
            let changed = group.into_builder().set_num_rows(rows);
            changed.build().unwrap()
        });
        builder.set_row_groups(groups.collect()).build()
    }

    #[test]
    fn pages_outside_of_the_times_are_left_out() {
        let metadata = metadata();
        check_rows(&metadata, 100).unwrap();
        let find =
            |rows, start, end| rows_in_times(&metadata, rows, TimestampMs(start), TimestampMs(end));
        assert_eq!(find(0..100, 35, 41), 30..50);
        assert_eq!(find(33..100, 35, 41), 33..50);
        assert_eq!(find(0..100, -5, 1_000), 0..100);
        assert_eq!(find(20..80, 200, 300), 20..20);
    }

    #[test]
    fn numbers_of_rows_that_contradict_each_other_are_refused() {
        check_rows(&with_row_groups(&[40, 40, 20]), 100).unwrap();
        for rows in [
            &[40, 40, 21][..],
            &[40, 40, 19],
            &[i64::MAX, 40, 20],
            &[140, -60, 20],
            &[1 << 32, 40, 20],
            &[40, 40],
        ] {
            assert!(check_rows(&with_row_groups(rows), 100).is_err(), "{rows:?}");
        }
        check_rows(&with_pages(metadata(), &[0, 10, 20, 30]), 100).unwrap();
        for starts in [
            &[][..],
            &[5, 10],
            &[0, 10, 41],
            &[0, 10, 9],
            &[0, -1, 40],
            &[0, 1 << 40],
            &[0, (1 << 32) - 40],
        ] {
            let damaged = with_pages(metadata(), starts);
            assert!(check_rows(&damaged, 100).is_err(), "{starts:?}");
        }
        let empty = |starts: &[i64]| with_pages(with_row_groups(&[40, 0, 60]), starts);
        check_rows(&empty(&[]), 100).unwrap();
        check_rows(&empty(&[0]), 100).unwrap();
        assert!(check_rows(&empty(&[-1]), 100).is_err());
    }
}
