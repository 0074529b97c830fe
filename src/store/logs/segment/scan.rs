//! Which rows of a segment a scan wants, and reading them batch by batch.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::layout::{GroupRange, ValuesKey};
use super::opened::OpenSegment;
use super::output::BatchReader;
use super::run::{Columns, Run, TIMESTAMP};
use super::time_pages::rows_in_times;
use crate::error::Result;
use crate::logs::index::ids::PAGE_ROWS;
use crate::logs::index::lookup::candidates;
use crate::logs::part::ScanContext;
use crate::logs::row_set::RowSet;
use crate::logs::scan::{Direction, GroupScope, ScanStatistics};

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
    /// Whether the wanted rows are candidates within the length of a page, as those of an id are:
    /// few of them may meet the condition, and reading some takes about as long as reading all.
    of_one_page: bool,
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
        let doubtful = found.rows.is_some() && !found.exact;
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
            let metadata = segment.metadata()?.metadata();
            let pages = rows_in_times(metadata, range.clone(), start, scan.end);
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
        let of_one_page = doubtful
            && wanted
                .as_ref()
                .is_some_and(|rows| rows.span().len() <= PAGE_ROWS as usize);
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
            of_one_page,
        })
    }

    /// How many rows the next batch has where a reader that wants about `limit` would read
    /// `rows`, and at most `rows_max`. All that is left, where none of it is likely to be read in
    /// vain: each read opens its columns anew, and decodes their pages.
    pub fn batch_rows(&self, limit: Option<usize>, rows: usize, rows_max: usize) -> usize {
        let left = self.left as usize;
        let all_wanted = self.of_one_page || limit.is_some_and(|limit| left <= limit);
        if all_wanted && (1..=rows_max).contains(&left) {
            left
        } else {
            rows
        }
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
        statistics.rows_scanned += scanned;
        statistics.bytes_scanned += self.group.average_bytes() * scanned;
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
