//! Events that are in the write-ahead log and not yet in a segment.
//!
//! Each group has a list of immutable chunks, sorted inside; readers share the chunks. Small
//! chunks are joined as they gather, so that a reader never meets many.

use std::ops::Range;
use std::sync::Arc;

use ahash::AHashMap;
use belfry_catalog::log_groups::{LogGroupId, LogStreamActivity, LogStreamId};
use belfry_model::{Tenant, TimestampMs};
use bytes::Bytes;
use memchr::memmem::Finder;

use super::event::EventKey;

/// So many chunks of one size are joined to one.
const JOIN_CHUNKS: usize = 8;

/// A joined chunk has at most so many rows and bytes of text: joining happens under the head's
/// lock and must stay within a millisecond or two.
const CHUNK_ROWS_MAX: usize = 8 * 1024;
const CHUNK_TEXT_MAX: usize = 2 * 1024 * 1024;

/// What one row costs beside its text.
const ROW_BYTES: usize = 8 + 4 + 4 + 4;

/// What one chunk costs beside its rows.
const CHUNK_BYTES: usize = 256;

/// The call that brought a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub seq: u64,
    pub stream: LogStreamId,
    pub ingestion_time: TimestampMs,
}

/// Immutable rows of one group, in order of their keys.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub timestamps: Vec<i64>,
    pub indexes: Vec<u32>,
    sources: Vec<Source>,
    /// Which source each row has; empty if there is only one.
    source_of: Vec<u32>,
    /// Where each message lies in `text`.
    starts: Vec<u32>,
    ends: Vec<u32>,
    text: Bytes,
    level: u8,
}

impl Chunk {
    /// The rows of one call. `text` must be UTF-8, `ends` ascending and within it.
    pub fn of_call(
        source: Source,
        first_index: u32,
        timestamps: Vec<i64>,
        ends: Vec<u32>,
        text: Bytes,
    ) -> Self {
        let starts: Vec<u32> = std::iter::once(0)
            .chain(ends.iter().copied())
            .take(ends.len())
            .collect();
        let indexes = (0..timestamps.len() as u32)
            .map(|i| first_index.saturating_add(i))
            .collect();
        let chunk = Self {
            timestamps,
            indexes,
            sources: vec![source],
            source_of: Vec::new(),
            starts,
            ends,
            text,
            level: 0,
        };
        if chunk.timestamps.is_sorted() {
            chunk
        } else {
            Self::join(&[Arc::new(chunk)], 0)
        }
    }

    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    pub fn source(&self, row: usize) -> Source {
        let source = self.source_of.get(row).map_or(0, |&s| s as usize);
        self.sources.get(source).copied().unwrap_or(Source {
            seq: 0,
            stream: LogStreamId(0),
            ingestion_time: TimestampMs(0),
        })
    }

    /// The key of a row; the last one's beyond the end.
    pub fn key(&self, row: usize) -> EventKey {
        match (self.timestamps.get(row), self.indexes.get(row)) {
            (Some(&timestamp), Some(&index)) => EventKey {
                timestamp: TimestampMs(timestamp),
                seq: self.source(row).seq,
                index,
            },
            _ => EventKey::MAX,
        }
    }

    pub fn message_bytes(&self, row: usize) -> &[u8] {
        match (self.starts.get(row), self.ends.get(row)) {
            (Some(&start), Some(&end)) => self
                .text
                .get(start as usize..end as usize)
                .unwrap_or_default(),
            _ => &[],
        }
    }

    pub fn message(&self, row: usize) -> &str {
        std::str::from_utf8(self.message_bytes(row)).unwrap_or_default()
    }

    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// The messages of `rows` as one text.
    fn text_span(&self, rows: &Range<usize>) -> Range<usize> {
        let start = self.starts.get(rows.start).copied().unwrap_or_default();
        let last = rows.end.checked_sub(1).and_then(|last| self.ends.get(last));
        let end = last.copied().unwrap_or_default();
        start as usize..end.max(start) as usize
    }

    /// Bytes of the messages of `rows`.
    pub fn span_bytes(&self, rows: &Range<usize>) -> usize {
        self.text_span(rows).len()
    }

    /// Of `rows` those whose message contains a text (which is not empty), ascending. One pass
    /// over the messages as they lie: much faster than a search in each.
    pub fn rows_with(&self, text: &Finder<'_>, rows: &Range<usize>) -> Vec<u32> {
        let mut found = Vec::new();
        let span = self.text_span(rows);
        let ends = self.ends.get(rows.clone()).unwrap_or_default();
        let mut at = span.start;
        while let Some(rest) = self.text.get(at..span.end)
            && let Some(hit) = text.find(rest)
        {
            let start = at + hit;
            let row = rows.start + ends.partition_point(|&end| end as usize <= start);
            let Some(&end) = self.ends.get(row) else {
                break;
            };
            if start + text.needle().len() <= end as usize {
                found.push(row as u32);
                at = end as usize;
            } else {
                // Across the border to the next message.
                at = start + 1;
            }
        }
        found
    }

    /// Rows with timestamps in `start..=end`.
    pub fn time_range(&self, start: TimestampMs, end: TimestampMs) -> Range<usize> {
        let from = self.timestamps.partition_point(|&t| t < start.0);
        let to = self.timestamps.partition_point(|&t| t <= end.0);
        from..to.max(from)
    }

    fn memory_bytes(&self) -> usize {
        Self::memory_bytes_of(self.len(), self.text.len())
    }

    /// What so many rows of one call cost, with their text.
    pub const fn memory_bytes_of(rows: usize, text_bytes: usize) -> usize {
        CHUNK_BYTES + rows * ROW_BYTES + text_bytes
    }

    fn join(chunks: &[Arc<Self>], level: u8) -> Self {
        let rows: usize = chunks.iter().map(|c| c.len()).sum();
        let mut order: Vec<(EventKey, u32, u32)> = Vec::with_capacity(rows);
        let mut sources = Vec::new();
        let mut first_source = Vec::new();
        for (number, chunk) in chunks.iter().enumerate() {
            first_source.push(sources.len() as u32);
            sources.extend_from_slice(&chunk.sources);
            order.extend((0..chunk.len()).map(|r| (chunk.key(r), number as u32, r as u32)));
        }
        order.sort_unstable_by_key(|&(key, ..)| key);
        let mut text = Vec::with_capacity(chunks.iter().map(|c| c.text.len()).sum());
        let mut joined = Self {
            timestamps: Vec::with_capacity(rows),
            indexes: Vec::with_capacity(rows),
            sources,
            source_of: Vec::with_capacity(rows),
            starts: Vec::with_capacity(rows),
            ends: Vec::with_capacity(rows),
            text: Bytes::new(),
            level,
        };
        for (key, number, row) in order {
            let Some(chunk) = chunks.get(number as usize) else {
                continue;
            };
            let row = row as usize;
            joined.timestamps.push(key.timestamp.0);
            joined.indexes.push(key.index);
            let base = first_source.get(number as usize).copied().unwrap_or(0);
            let own = chunk.source_of.get(row).copied().unwrap_or(0);
            joined.source_of.push(base + own);
            joined.starts.push(text.len() as u32);
            text.extend_from_slice(chunk.message_bytes(row));
            joined.ends.push(text.len() as u32);
        }
        joined.text = Bytes::from(text);
        joined
    }
}

/// First and last event of a stream, and when the last one came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamBounds {
    pub first_event: TimestampMs,
    pub last_event: TimestampMs,
    pub last_ingestion: TimestampMs,
}

impl StreamBounds {
    pub(super) fn merge(&mut self, other: &Self) {
        self.first_event = self.first_event.min(other.first_event);
        self.last_event = self.last_event.max(other.last_event);
        self.last_ingestion = self.last_ingestion.max(other.last_ingestion);
    }

    pub(super) const fn of_stream(&self, stream: LogStreamId) -> LogStreamActivity {
        LogStreamActivity {
            stream,
            first_event: self.first_event,
            last_event: self.last_event,
            last_ingestion: self.last_ingestion,
        }
    }
}

/// The part of the head that belongs to one group.
#[derive(Clone, Debug)]
pub(super) struct GroupHead {
    pub tenant: Tenant,
    pub chunks: Arc<Vec<Arc<Chunk>>>,
    pub streams: Arc<AHashMap<LogStreamId, StreamBounds>>,
    pub text_bytes: u64,
}

/// Rows of all groups.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub groups: AHashMap<LogGroupId, GroupHead>,
    pub memory_bytes: u64,
    pub rows: u64,
    /// When the oldest row came in.
    pub oldest: Option<TimestampMs>,
}

impl Head {
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds the rows of one call.
    pub fn insert(&mut self, tenant: &Tenant, group: LogGroupId, source: Source, chunk: Chunk) {
        let (Some(&first), Some(&last)) = (chunk.timestamps.first(), chunk.timestamps.last())
        else {
            return;
        };
        self.memory_bytes += chunk.memory_bytes() as u64;
        self.rows += chunk.len() as u64;
        self.oldest.get_or_insert(source.ingestion_time);
        let head = self.groups.entry(group).or_insert_with(|| GroupHead {
            tenant: tenant.clone(),
            chunks: Arc::default(),
            streams: Arc::default(),
            text_bytes: 0,
        });
        let bounds = StreamBounds {
            first_event: TimestampMs(first),
            last_event: TimestampMs(last),
            last_ingestion: source.ingestion_time,
        };
        Arc::make_mut(&mut head.streams)
            .entry(source.stream)
            .and_modify(|b| b.merge(&bounds))
            .or_insert(bounds);
        head.text_bytes += chunk.text_bytes() as u64;
        let chunks = Arc::make_mut(&mut head.chunks);
        chunks.push(Arc::new(chunk));
        join_last(chunks);
    }
}

/// Joins the last chunks while enough of one level stand together.
fn join_last(chunks: &mut Vec<Arc<Chunk>>) {
    loop {
        let Some(level) = chunks.last().map(|c| c.level) else {
            return;
        };
        let from = chunks.len() - chunks.iter().rev().take_while(|c| c.level == level).count();
        let same = chunks.get(from..).unwrap_or_default();
        let rows: usize = same.iter().map(|c| c.len()).sum();
        let text: usize = same.iter().map(|c| c.text.len()).sum();
        if same.len() < JOIN_CHUNKS || rows > CHUNK_ROWS_MAX || text > CHUNK_TEXT_MAX {
            return;
        }
        let joined = Chunk::join(same, level.saturating_add(1));
        chunks.truncate(from);
        chunks.push(Arc::new(joined));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(seq: u64) -> Source {
        Source {
            seq,
            stream: LogStreamId(seq % 3),
            ingestion_time: TimestampMs(1000),
        }
    }

    fn call(seq: u64, timestamps: Vec<i64>) -> Chunk {
        let mut text = String::new();
        let mut ends = Vec::new();
        for t in &timestamps {
            text.push_str(&format!("m{seq}-{t}"));
            ends.push(text.len() as u32);
        }
        Chunk::of_call(source(seq), 0, timestamps, ends, Bytes::from(text))
    }

    proptest! {
        #[test]
        fn joining_keeps_every_row_in_order(
            calls in proptest::collection::vec(proptest::collection::vec(0i64..20, 1..4), 0..200),
        ) {
            let tenant = Tenant::new("000000000000", "eu-west-1");
            let mut head = Head::default();
            let mut expected = Vec::new();
            for (i, timestamps) in calls.iter().enumerate() {
                let seq = i as u64;
                for (index, t) in timestamps.iter().enumerate() {
                    expected.push((*t, seq, index as u32, format!("m{seq}-{t}")));
                }
                head.insert(&tenant, LogGroupId(1), source(seq), call(seq, timestamps.clone()));
            }
            expected.sort();
            let mut found = Vec::new();
            if let Some(group) = head.groups.get(&LogGroupId(1)) {
                let calls = calls.len();
                prop_assert!(group.chunks.len() <= JOIN_CHUNKS * (calls.ilog2() as usize / 3 + 1));
                for chunk in group.chunks.iter() {
                    let mut last = EventKey::MIN;
                    for row in 0..chunk.len() {
                        let key = chunk.key(row);
                        prop_assert!(key >= last);
                        last = key;
                        prop_assert_eq!(chunk.source(row).stream, LogStreamId(key.seq % 3));
                        found.push((key.timestamp.0, key.seq, key.index, chunk.message(row).to_owned()));
                    }
                }
            }
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
