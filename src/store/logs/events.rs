//! Events of one group in their exact order, page by page.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, UInt32Type, UInt64Type};
use belfry_catalog::log_groups::LogStreamId;
use belfry_model::TimestampMs;
use belfry_model::quota::LOG_EVENT_OVERHEAD_BYTES;

use super::event::{EventKey, EventPtr, LogEvent};
use super::part::{ScanPart, ScanReader};
use super::prefilter::Prefilter;
use super::scan::{
    Direction, EventScan, EventsPage, FieldRef, GroupScope, LogScan, ScanStatistics,
};
use super::snapshot::LogSnapshot;
use crate::error::{Error, Result};

/// The columns an event is made of, in the order [`Cursor`] reads them.
pub(super) const COLUMNS: [FieldRef; 7] = [
    FieldRef::Timestamp,
    FieldRef::Seq,
    FieldRef::Index,
    FieldRef::StreamId,
    FieldRef::IngestionTime,
    FieldRef::LogStream,
    FieldRef::Message,
];

impl LogSnapshot {
    /// One page of a group's events in the exact order of their keys (or its reverse).
    pub async fn events(&self, scan: EventScan) -> Result<EventsPage> {
        let (mut start, mut end) = (scan.start, scan.end);
        if let Some(after) = scan.after {
            match scan.direction {
                Direction::Ascending => start = start.max(after.timestamp),
                Direction::Descending => end = end.min(after.timestamp),
            }
        }
        let rows = LogScan {
            groups: vec![scan.group.clone()],
            streams: scan.streams.clone(),
            start,
            end,
            columns: COLUMNS.to_vec(),
            prefilter: scan.prefilter.clone(),
            direction: scan.direction,
            limit_hint: Some(scan.limit),
        };
        let parts = self.parts(&rows).await?;
        tokio::task::spawn_blocking(move || Merge::new(parts, scan.direction).page(&scan))
            .await
            .map_err(|_| Error::Stopped {
                what: "event reader",
            })?
    }

    /// The event a pointer names, if it is still visible in `group`.
    pub async fn event(&self, group: &GroupScope, ptr: EventPtr) -> Result<Option<LogEvent>> {
        if ptr.group != group.id {
            return Ok(None);
        }
        let Some(after) = ptr.key.before() else {
            return Ok(None);
        };
        let page = self
            .events(EventScan {
                group: group.clone(),
                streams: None,
                start: ptr.key.timestamp,
                end: ptr.key.timestamp,
                direction: Direction::Ascending,
                after: Some(after),
                prefilter: Prefilter::All,
                matcher: None,
                limit: 1,
                bytes_max: usize::MAX,
                scan_bytes_max: u64::MAX,
            })
            .await?;
        Ok(page.events.into_iter().find(|e| e.key == ptr.key))
    }
}

impl EventKey {
    /// The largest key below this one.
    fn before(self) -> Option<Self> {
        let (index, carry) = match self.index.checked_sub(1) {
            Some(index) => (index, false),
            None => (u32::MAX, true),
        };
        if !carry {
            return Some(Self { index, ..self });
        }
        let (seq, carry) = match self.seq.checked_sub(1) {
            Some(seq) => (seq, false),
            None => (u64::MAX, true),
        };
        let timestamp = if carry {
            TimestampMs(self.timestamp.0.checked_sub(1)?)
        } else {
            self.timestamp
        };
        Some(Self {
            timestamp,
            seq,
            index,
        })
    }
}

/// A position in the merge, ordered so that what comes first in the direction is the greatest
/// (the heap gives the greatest first).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Ascending(Reverse<EventKey>),
    Descending(EventKey),
}

impl Place {
    fn new(direction: Direction, key: EventKey) -> Self {
        match direction {
            Direction::Ascending => Self::Ascending(Reverse(key)),
            Direction::Descending => Self::Descending(key),
        }
    }
}

/// Merges parts, each of which is in order by itself.
pub(super) struct Merge {
    cursors: Vec<Cursor>,
    heap: BinaryHeap<(Place, usize)>,
    direction: Direction,
    /// The part whose row was returned last.
    current: Option<usize>,
    /// Of parts that turned out empty.
    statistics: ScanStatistics,
}

/// One part: not opened yet, or at a row.
enum Cursor {
    Waiting(Option<ScanPart>),
    Open(OpenCursor),
}

pub(super) struct OpenCursor {
    reader: ScanReader,
    batch: RecordBatch,
    row: usize,
}

impl Merge {
    /// `parts` deliver [`COLUMNS`] in `direction`.
    pub(super) fn new(parts: Vec<ScanPart>, direction: Direction) -> Self {
        let mut merge = Self {
            cursors: Vec::with_capacity(parts.len()),
            heap: BinaryHeap::with_capacity(parts.len()),
            direction,
            current: None,
            statistics: ScanStatistics::default(),
        };
        for part in parts {
            // Nothing in the part can come before this.
            let (first, last) = part.time_bounds();
            let bound = match direction {
                Direction::Ascending => EventKey {
                    timestamp: first,
                    ..EventKey::MIN
                },
                Direction::Descending => EventKey {
                    timestamp: last,
                    ..EventKey::MAX
                },
            };
            merge
                .heap
                .push((Place::new(direction, bound), merge.cursors.len()));
            merge.cursors.push(Cursor::Waiting(Some(part)));
        }
        merge
    }

    /// The next row in order; its part stands at it.
    pub(super) fn next(&mut self) -> Result<Option<&OpenCursor>> {
        // The part whose row was returned last moves on only now.
        if let Some(number) = self.current.take()
            && let Some(Cursor::Open(open)) = self.cursors.get_mut(number)
            && open.advance()?
        {
            let place = Place::new(self.direction, open.key());
            self.heap.push((place, number));
        }
        while let Some((_, number)) = self.heap.pop() {
            let Some(cursor) = self.cursors.get_mut(number) else {
                continue;
            };
            match cursor {
                Cursor::Open(_) => {
                    self.current = Some(number);
                    break;
                }
                Cursor::Waiting(part) => {
                    let Some(part) = part.take() else { continue };
                    let mut reader = part.read();
                    if let Some(batch) = next_rows(&mut reader)? {
                        let open = OpenCursor {
                            reader,
                            batch,
                            row: 0,
                        };
                        let place = Place::new(self.direction, open.key());
                        *cursor = Cursor::Open(open);
                        self.heap.push((place, number));
                    } else {
                        self.statistics.add(&reader.statistics());
                    }
                }
            }
        }
        let current = self.current.and_then(|number| self.cursors.get(number));
        Ok(match current {
            Some(Cursor::Open(open)) => Some(open),
            _ => None,
        })
    }

    fn statistics(&self) -> ScanStatistics {
        let mut sum = self.statistics;
        for cursor in &self.cursors {
            if let Cursor::Open(open) = cursor {
                sum.add(&open.reader.statistics());
            }
        }
        sum
    }

    fn page(mut self, scan: &EventScan) -> Result<EventsPage> {
        let mut page = EventsPage {
            events: Vec::new(),
            next: None,
            reached_end: false,
            statistics: ScanStatistics::default(),
        };
        let mut bytes = 0usize;
        let mut looked_at = 0u64;
        while page.events.len() < scan.limit && looked_at < scan.scan_bytes_max {
            let Some(open) = self.next()? else {
                page.reached_end = true;
                break;
            };
            let key = open.key();
            let is_new = scan.after.is_none_or(|after| match scan.direction {
                Direction::Ascending => key > after,
                Direction::Descending => key < after,
            });
            if !is_new {
                continue;
            }
            let message = open.message();
            let size = message.len().saturating_add(LOG_EVENT_OVERHEAD_BYTES);
            let matches = scan.matcher.as_ref().is_none_or(|m| m(message));
            if matches {
                bytes = bytes.saturating_add(size);
                if bytes > scan.bytes_max && !page.events.is_empty() {
                    break;
                }
                page.events.push(open.event());
            }
            page.next = Some(key);
            looked_at = looked_at.saturating_add(message.len() as u64);
        }
        page.statistics = self.statistics();
        Ok(page)
    }
}

/// The next batch that has rows.
fn next_rows(reader: &mut ScanReader) -> Result<Option<RecordBatch>> {
    for batch in reader {
        let batch = batch?;
        if batch.num_rows() > 0 {
            return Ok(Some(batch));
        }
    }
    Ok(None)
}

impl OpenCursor {
    /// Moves to the next row; false at the end.
    fn advance(&mut self) -> Result<bool> {
        self.row += 1;
        if self.row < self.batch.num_rows() {
            return Ok(true);
        }
        match next_rows(&mut self.reader)? {
            None => Ok(false),
            Some(batch) => {
                self.batch = batch;
                self.row = 0;
                Ok(true)
            }
        }
    }

    fn int64(&self, column: usize) -> i64 {
        self.batch
            .column(column)
            .as_primitive::<Int64Type>()
            .value(self.row)
    }

    fn uint64(&self, column: usize) -> u64 {
        self.batch
            .column(column)
            .as_primitive::<UInt64Type>()
            .value(self.row)
    }

    pub(super) fn key(&self) -> EventKey {
        EventKey {
            timestamp: TimestampMs(self.int64(0)),
            seq: self.uint64(1),
            index: self
                .batch
                .column(2)
                .as_primitive::<UInt32Type>()
                .value(self.row),
        }
    }

    pub(super) fn message(&self) -> &str {
        let messages = self.batch.column(6).as_string_view();
        if messages.is_null(self.row) {
            return "";
        }
        messages.value(self.row)
    }

    pub(super) fn stream(&self) -> LogStreamId {
        LogStreamId(self.uint64(3))
    }

    pub(super) fn ingestion_time(&self) -> TimestampMs {
        TimestampMs(self.int64(4))
    }

    fn event(&self) -> LogEvent {
        LogEvent {
            key: self.key(),
            stream: self.stream(),
            stream_name: self.batch.column(5).as_string_view().value(self.row).into(),
            ingestion_time: self.ingestion_time(),
            message: self.message().to_owned(),
        }
    }
}
