//! Independent pieces of a scan.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use belfry_model::TimestampMs;

use super::columns::{BatchBuilder, Row, StreamNames};
use super::head::Chunk;
use super::prefilter::Prefilter;
use super::scan::{Direction, GroupScope, LogScan, ScanStatistics};
use super::segment::layout::GroupRange;
use super::segment::opened::OpenSegment;
use super::segment::scan::SegmentRows;
use crate::error::Result;

/// Rows of a batch when the caller names no limit.
pub(super) const BATCH_ROWS: usize = 8 * 1024;

/// Rows of the first batch when the caller wants few.
pub(super) const FIRST_BATCH_ROWS: usize = 256;

/// A scan, and the streams it may return.
pub(super) struct ScanContext {
    pub scan: LogScan,
    pub names: StreamNames,
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
                let rows = chunk.time_range(start, scan.end).filter(|&row| {
                    self.context.names.contains_key(&chunk.source(row).stream)
                        && may_match(&scan.prefilter, chunk.message(row))
                });
                Ok(PartCount::Exact(rows.count() as u64))
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
        let state = match self.source {
            PartSource::Head(chunk) => {
                let scan = &self.context.scan;
                let start = scan.start.max(self.group.visible_from);
                let rows = chunk.time_range(start, scan.end);
                ReaderState::Head(HeadReader { chunk, rows })
            }
            PartSource::Segment(segment, rows) => ReaderState::Unread(segment, rows),
        };
        let (batch_rows, batch_rows_max) = match self.context.scan.limit_hint {
            Some(limit) => (limit.clamp(1, FIRST_BATCH_ROWS), BATCH_ROWS / 2),
            None => (BATCH_ROWS, BATCH_ROWS),
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
                rows.next_batch(&self.context, &self.group, batch_rows, statistics)
            }
            ReaderState::Unread(..) | ReaderState::Failed => Ok(None),
        }
    }
}

struct HeadReader {
    chunk: Arc<Chunk>,
    /// What is left.
    rows: std::ops::Range<usize>,
}

impl HeadReader {
    fn next_batch(
        &mut self,
        context: &ScanContext,
        group: &GroupScope,
        batch_rows: usize,
        statistics: &mut ScanStatistics,
    ) -> Result<Option<RecordBatch>> {
        let mut builder = BatchBuilder::new(&context.scan, group, &context.names);
        while builder.len() < batch_rows {
            let next = match context.scan.direction {
                Direction::Ascending => self.rows.next(),
                Direction::Descending => self.rows.next_back(),
            };
            let Some(row) = next else { break };
            let source = self.chunk.source(row);
            if !context.names.contains_key(&source.stream) {
                continue;
            }
            let message = self.chunk.message(row);
            statistics.rows_scanned += 1;
            statistics.bytes_scanned += message.len() as u64;
            if may_match(&context.scan.prefilter, message) {
                builder.push(Row {
                    key: self.chunk.key(row),
                    stream: source.stream,
                    ingestion_time: source.ingestion_time.0,
                    message,
                });
            }
        }
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

/// Whether [`may_match`] decides the condition.
fn is_exact(filter: &Prefilter) -> bool {
    match filter {
        Prefilter::All | Prefilter::Nothing | Prefilter::MessageContains(_) => true,
        Prefilter::And(all) | Prefilter::Or(all) => all.iter().all(is_exact),
        _ => false,
    }
}

/// Whether a message may meet the condition: exact for texts, open for fields.
pub(super) fn may_match(filter: &Prefilter, message: &str) -> bool {
    match filter {
        Prefilter::Nothing => false,
        Prefilter::And(all) => all.iter().all(|f| may_match(f, message)),
        Prefilter::Or(any) => any.iter().any(|f| may_match(f, message)),
        Prefilter::MessageContains(text) => {
            memchr::memmem::find(message.as_bytes(), text.as_bytes()).is_some()
        }
        Prefilter::MessageContainsIgnoreCase(text) => contains_ignore_case(message, text),
        Prefilter::All
        | Prefilter::NotJson
        | Prefilter::FieldEquals { .. }
        | Prefilter::FieldContains { .. }
        | Prefilter::FieldNumber { .. }
        | Prefilter::FieldPresent { .. } => true,
    }
}

/// Exact for ASCII. Where either side goes beyond, case is too subtle for a prefilter: yes.
fn contains_ignore_case(message: &str, text: &str) -> bool {
    if !text.is_ascii() {
        return true;
    }
    let Some(first) = text.bytes().next() else {
        return true;
    };
    let bytes = message.as_bytes();
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    // Some characters beyond ASCII fold into it, such as the Kelvin sign.
    if !message.is_ascii() {
        return true;
    }
    memchr::memchr2_iter(lower, upper, bytes).any(|at| {
        bytes
            .get(at..at + text.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(text.as_bytes()))
    })
}
