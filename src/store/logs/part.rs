//! Independent pieces of a scan.

use std::ops::Range;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use belfry_model::TimestampMs;

use super::columns::{BatchBuilder, Row, StreamNames};
use super::head::Chunk;
use super::head_filter::{HeadFilter, is_exact};
use super::scan::{Direction, GroupScope, LogScan, ScanStatistics};
use super::segment::layout::GroupRange;
use super::segment::opened::OpenSegment;
use super::segment::scan::SegmentRows;
use crate::error::Result;

/// Rows of a batch when the caller names no limit.
pub(super) const BATCH_ROWS: usize = 8 * 1024;

/// Rows of the first batch when the caller wants few.
pub(super) const FIRST_BATCH_ROWS: usize = 256;

/// Bytes of messages in a batch, about: batches of long messages have fewer rows.
pub(super) const BATCH_BYTES: u64 = 8 << 20;

/// A scan, and the streams it may return.
pub(super) struct ScanContext {
    pub scan: LogScan,
    pub names: StreamNames,
    /// The scan's condition for what is not in a segment yet.
    pub head_filter: HeadFilter,
}

/// One piece of a scan: rows of one group from one segment or from a piece of the head.
/// Pieces are independent and may be read in parallel.
pub struct ScanPart {
    context: Arc<ScanContext>,
    group: GroupScope,
    source: PartSource,
}

pub(super) enum PartSource {
    Head(Arc<Chunk>),
    Segment(Arc<OpenSegment>, GroupRange),
}

impl ScanPart {
    pub(super) fn new(context: Arc<ScanContext>, group: GroupScope, source: PartSource) -> Self {
        Self {
            context,
            group,
            source,
        }
    }

    /// First and last timestamp that the part can hold.
    pub fn time_bounds(&self) -> (TimestampMs, TimestampMs) {
        let (first, last) = match &self.source {
            PartSource::Head(chunk) => (
                chunk.timestamps.first().copied().unwrap_or_default(),
                chunk.timestamps.last().copied().unwrap_or_default(),
            ),
            PartSource::Segment(_, rows) => (rows.min_ts, rows.max_ts),
        };
        let scan = &self.context.scan;
        (
            TimestampMs(first)
                .max(scan.start)
                .max(self.group.visible_from),
            TimestampMs(last).min(scan.end),
        )
    }

    /// Rows that a batch of the part has at most.
    fn batch_rows_max(&self) -> usize {
        match &self.source {
            // Chunks of the head are joined up to some MiB only, so that none exceeds `BATCH_BYTES`.
            PartSource::Head(_) => BATCH_ROWS,
            PartSource::Segment(_, rows) => {
                let of_bytes = BATCH_BYTES / rows.average_bytes().max(1);
                usize::try_from(of_bytes).map_or(BATCH_ROWS, |rows| rows.clamp(1, BATCH_ROWS))
            }
        }
    }

    /// About how many rows the part holds before any filter.
    pub fn rows_estimate(&self) -> u64 {
        match &self.source {
            PartSource::Head(chunk) => chunk.len() as u64,
            PartSource::Segment(_, rows) => u64::from(rows.rows),
        }
    }

    /// How many rows meet the scan's condition, if the index knows. Blocks on I/O.
    pub(super) fn count(self) -> Result<PartCount> {
        let scan = &self.context.scan;
        match &self.source {
            PartSource::Head(chunk) => {
                if !is_exact(&scan.prefilter) {
                    return Ok(PartCount::Unknown);
                }
                let start = scan.start.max(self.group.visible_from);
                let mut rows = HeadReader::new(Arc::clone(chunk), start, &self.context);
                let mut count = 0;
                while rows.next_match(&self.context).is_some() {
                    count += 1;
                }
                Ok(PartCount::Exact(count))
            }
            PartSource::Segment(segment, rows) => {
                let mut statistics = ScanStatistics::default();
                let found = SegmentRows::find(
                    Arc::clone(segment),
                    rows,
                    &self.context,
                    &self.group,
                    &mut statistics,
                )?;
                if !found.exact {
                    return Ok(PartCount::Unknown);
                }
                Ok(PartCount::Exact(found.count(&self.context, &self.group)?))
            }
        }
    }

    /// Starts reading. The reader blocks on I/O and computes: keep it off the async threads.
    pub fn read(self) -> ScanReader {
        let rows_max = self.batch_rows_max();
        let state = match self.source {
            PartSource::Head(chunk) => {
                let scan = &self.context.scan;
                let start = scan.start.max(self.group.visible_from);
                ReaderState::Head(HeadReader::new(chunk, start, &self.context))
            }
            PartSource::Segment(segment, rows) => ReaderState::Unread(segment, rows),
        };
        let (batch_rows, batch_rows_max) = match self.context.scan.limit_hint {
            Some(limit) => {
                let rows_max = rows_max.min(BATCH_ROWS / 2);
                (limit.clamp(1, rows_max.min(FIRST_BATCH_ROWS)), rows_max)
            }
            None => (rows_max, rows_max),
        };
        ScanReader {
            context: self.context,
            group: self.group,
            state,
            batch_rows,
            batch_rows_max,
            statistics: ScanStatistics::default(),
        }
    }
}

/// Reads a part in batches, in the scan's direction. Dropping it ends the work.
pub struct ScanReader {
    context: Arc<ScanContext>,
    group: GroupScope,
    state: ReaderState,
    /// Size of the next batch; grows from batch to batch.
    batch_rows: usize,
    batch_rows_max: usize,
    statistics: ScanStatistics,
}

enum ReaderState {
    Head(HeadReader),
    /// The index was not asked yet.
    Unread(Arc<OpenSegment>, GroupRange),
    Segment(Box<SegmentRows>),
    /// An error was returned.
    Failed,
}

impl ScanReader {
    /// What was read so far.
    pub fn statistics(&self) -> ScanStatistics {
        self.statistics
    }
}

impl Iterator for ScanReader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.batch_rows;
        self.batch_rows = rows.saturating_mul(4).min(self.batch_rows_max);
        let read = self.read(rows);
        if read.is_err() {
            self.state = ReaderState::Failed;
        }
        read.transpose()
    }
}

impl ScanReader {
    fn read(&mut self, batch_rows: usize) -> Result<Option<RecordBatch>> {
        let statistics = &mut self.statistics;
        if let ReaderState::Unread(segment, rows) = &self.state {
            let found = SegmentRows::find(
                Arc::clone(segment),
                rows,
                &self.context,
                &self.group,
                statistics,
            )?;
            self.state = ReaderState::Segment(Box::new(found));
        }
        match &mut self.state {
            ReaderState::Head(reader) => {
                reader.next_batch(&self.context, &self.group, batch_rows, statistics)
            }
            ReaderState::Segment(rows) => {
                let limit = self.context.scan.limit_hint;
                let batch_rows = rows.batch_rows(limit, batch_rows, self.batch_rows_max);
                rows.next_batch(&self.context, &self.group, batch_rows, statistics)
            }
            ReaderState::Unread(..) | ReaderState::Failed => Ok(None),
        }
    }
}

struct HeadReader {
    chunk: Arc<Chunk>,
    /// What is left.
    rows: HeadRows,
    /// What was looked at and not told yet.
    scanned: ScanStatistics,
}

/// Rows of a chunk in a time range.
enum HeadRows {
    All(Range<usize>),
    /// Those that hold what the condition needs.
    Candidates(std::vec::IntoIter<u32>),
}

impl HeadReader {
    /// The rows of `chunk` from `start` to the end of the scan.
    fn new(chunk: Arc<Chunk>, start: TimestampMs, context: &ScanContext) -> Self {
        let range = chunk.time_range(start, context.scan.end);
        let mut scanned = ScanStatistics::default();
        let rows = match context.head_filter.candidates(&chunk, &range) {
            None => HeadRows::All(range),
            Some(found) => {
                scanned.rows_scanned = range.len() as u64;
                scanned.bytes_scanned = chunk.span_bytes(&range) as u64;
                HeadRows::Candidates(found.into_iter())
            }
        };
        Self {
            chunk,
            rows,
            scanned,
        }
    }

    fn next_row(&mut self, direction: Direction) -> Option<usize> {
        match (&mut self.rows, direction) {
            (HeadRows::All(rows), Direction::Ascending) => rows.next(),
            (HeadRows::All(rows), Direction::Descending) => rows.next_back(),
            (HeadRows::Candidates(rows), Direction::Ascending) => rows.next().map(|r| r as usize),
            (HeadRows::Candidates(rows), Direction::Descending) => {
                rows.next_back().map(|r| r as usize)
            }
        }
    }

    /// The next row of a live stream that may meet the condition.
    fn next_match(&mut self, context: &ScanContext) -> Option<usize> {
        while let Some(row) = self.next_row(context.scan.direction) {
            if !context.names.contains_key(&self.chunk.source(row).stream) {
                continue;
            }
            if let HeadRows::All(_) = self.rows {
                self.scanned.rows_scanned += 1;
                self.scanned.bytes_scanned += self.chunk.message_bytes(row).len() as u64;
            }
            if context.head_filter.may_match(self.chunk.message(row)) {
                return Some(row);
            }
        }
        None
    }

    fn next_batch(
        &mut self,
        context: &ScanContext,
        group: &GroupScope,
        batch_rows: usize,
        statistics: &mut ScanStatistics,
    ) -> Result<Option<RecordBatch>> {
        let mut builder = BatchBuilder::new(&context.scan, group, &context.names);
        while builder.len() < batch_rows {
            let Some(row) = self.next_match(context) else {
                break;
            };
            let source = self.chunk.source(row);
            builder.push(Row {
                key: self.chunk.key(row),
                stream: source.stream,
                ingestion_time: source.ingestion_time.0,
                message: self.chunk.message(row),
            });
        }
        statistics.add(&std::mem::take(&mut self.scanned));
        if builder.len() == 0 {
            return Ok(None);
        }
        statistics.rows_returned += builder.len() as u64;
        builder.finish().map(Some)
    }
}

/// What the index knows about a part.
pub(super) enum PartCount {
    Exact(u64),
    Unknown,
}
