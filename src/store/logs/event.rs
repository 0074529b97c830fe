//! Log events: their order, their identity, and the columnar batch they arrive in.

use std::fmt;
use std::sync::Arc;

use belfry_catalog::log_groups::{LogGroupId, LogStreamId};
use belfry_model::TimestampMs;

use crate::error::{Error, Result};

/// Where an event stands in its log group: by timestamp, then by ingestion, then by its place in
/// the batch (spec logs-semantics.md 2.3). Unique in the group, stable for ever, so it serves as
/// a paging cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKey {
    pub timestamp: TimestampMs,
    /// One number per accepted call, growing with ingestion time.
    pub seq: u64,
    /// Index in the batch.
    pub index: u32,
}

impl EventKey {
    pub const MIN: Self = Self {
        timestamp: TimestampMs::MIN,
        seq: 0,
        index: 0,
    };
    pub const MAX: Self = Self {
        timestamp: TimestampMs::MAX,
        seq: u64::MAX,
        index: u32::MAX,
    };

    /// The text of a cursor: hexadecimal numbers joined by dots.
    pub fn to_text(self) -> String {
        format!("{:x}.{:x}.{:x}", self.timestamp.0, self.seq, self.index)
    }

    /// Reads [`EventKey::to_text`].
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let timestamp = parts.next().and_then(from_hex)?;
        let seq = parts.next().and_then(from_hex)?;
        let index = parts.next().and_then(from_hex)?;
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            timestamp: TimestampMs(timestamp.cast_signed()),
            seq,
            index: u32::try_from(index).ok()?,
        })
    }

    /// The public id of the event: 56 decimal digits, `timestamp * 2^144 + seq * 2^80 +
    /// stream hash * 2^32 + index`, so ids sort like keys (spec logs-semantics.md 2.3).
    pub fn event_id(self, stream: LogStreamId) -> String {
        let timestamp = self.timestamp.0.max(0).cast_unsigned();
        let hash = stream_hash(stream);
        // Four 64-bit limbs, least significant first.
        let mut limbs = [
            ((hash & 0xffff_ffff) << 32) | u64::from(self.index),
            (hash >> 32) | (self.seq << 16),
            (self.seq >> 48) | (timestamp << 16),
            timestamp >> 48,
        ];
        let mut digits = [b'0'; EVENT_ID_DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + divide_by_ten(&mut limbs);
        }
        digits.iter().map(|&d| char::from(d)).collect()
    }
}

/// Digits of an event id.
pub const EVENT_ID_DIGITS: usize = 56;

fn from_hex(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

fn divide_by_ten(limbs: &mut [u64; 4]) -> u8 {
    let mut rest = 0u128;
    for limb in limbs.iter_mut().rev() {
        let value = (rest << 64) | u128::from(*limb);
        *limb = (value / 10) as u64;
        rest = value % 10;
    }
    rest as u8
}

/// 48 well-mixed bits of a stream's number (the finaliser of splitmix64).
fn stream_hash(stream: LogStreamId) -> u64 {
    let mut x = stream.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) >> 16
}

/// What `@ptr` names: one event for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventPtr {
    pub group: LogGroupId,
    pub key: EventKey,
}

impl EventPtr {
    /// Reads the text form, which is the group's number in hexadecimal, a dot, and the key.
    pub fn parse(text: &str) -> Option<Self> {
        let (group, key) = text.split_once('.')?;
        Some(Self {
            group: LogGroupId(from_hex(group)?),
            key: EventKey::parse(key)?,
        })
    }
}

impl fmt::Display for EventPtr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.group.0, self.key.to_text())
    }
}

/// An event as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    pub key: EventKey,
    pub stream: LogStreamId,
    pub stream_name: Arc<str>,
    pub ingestion_time: TimestampMs,
    pub message: String,
}

impl LogEvent {
    /// See [`EventKey::event_id`].
    pub fn event_id(&self) -> String {
        self.key.event_id(self.stream)
    }
}

/// The events of one call as columns: timestamps, and all messages in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEventBatch {
    timestamps: Vec<i64>,
    /// `ends[i]` is where message `i` ends in `text`; it starts where the one before ends.
    ends: Vec<u32>,
    text: String,
}

impl LogEventBatch {
    pub fn with_capacity(events: usize, text_bytes: usize) -> Self {
        Self {
            timestamps: Vec::with_capacity(events),
            ends: Vec::with_capacity(events),
            text: String::with_capacity(text_bytes),
        }
    }

    /// # Errors
    /// `Invalid` when the messages together exceed 4 GiB.
    pub fn push(&mut self, timestamp: TimestampMs, message: &str) -> Result<()> {
        self.text.push_str(message);
        self.finish(timestamp)
    }

    /// For decoders that unescape straight into the buffer: append one message's text to what
    /// this returns, then call [`LogEventBatch::finish`].
    pub fn text_mut(&mut self) -> &mut String {
        &mut self.text
    }

    /// Ends the message whose text was appended to [`LogEventBatch::text_mut`].
    ///
    /// # Errors
    /// `Invalid` when the messages together exceed 4 GiB.
    pub fn finish(&mut self, timestamp: TimestampMs) -> Result<()> {
        let end = u32::try_from(self.text.len())
            .map_err(|_| Error::Invalid("a batch of log events exceeds 4 GiB".to_owned()))?;
        self.timestamps.push(timestamp.0);
        self.ends.push(end);
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Milliseconds since the epoch, in order of arrival.
    pub fn timestamps(&self) -> &[i64] {
        &self.timestamps
    }

    /// Bytes of all messages.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Message `index`; empty beyond the end.
    pub fn message(&self, index: usize) -> &str {
        let Some(&end) = self.ends.get(index) else {
            return "";
        };
        let start = match index {
            0 => 0,
            _ => self.ends.get(index - 1).copied().unwrap_or_default(),
        };
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    pub fn messages(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|i| self.message(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(timestamp: i64, seq: u64, index: u32) -> EventKey {
        EventKey {
            timestamp: TimestampMs(timestamp),
            seq,
            index,
        }
    }

    #[test]
    fn an_event_id_is_the_timestamp_times_two_to_the_144_plus_the_rest() {
        // 2^144 = 22300745198530623141535718272648361505980416 (44 digits).
        let stream = LogStreamId(7);
        let id = key(1, 0, 0).event_id(stream);
        assert_eq!(id.len(), EVENT_ID_DIGITS);
        assert!(id.starts_with("0000000000002230074519853062314"), "{id}");
        // Ids that AWS publishes for events of April 2014 begin the same way.
        let id = key(1_396_035_394_997, 0, 0).event_id(stream);
        assert!(id.starts_with("3113262963"), "{id}");
    }

    #[test]
    fn event_ids_sort_like_keys() {
        let stream = LogStreamId(3);
        let keys = [
            key(0, 0, 0),
            key(5, 1, 0),
            key(5, 1, 1),
            key(5, 1, u32::MAX),
            key(5, 2, 0),
            key(5, u64::MAX, 0),
            key(6, 0, 0),
            key(1_800_000_000_000, 1, 0),
        ];
        let ids: Vec<String> = keys.iter().map(|k| k.event_id(stream)).collect();
        assert!(ids.windows(2).all(|w| w[0] < w[1]), "{ids:?}");
    }

    #[test]
    fn cursors_and_pointers_read_back() {
        for k in [EventKey::MIN, EventKey::MAX, key(1_700_000_000_123, 42, 9)] {
            assert_eq!(EventKey::parse(&k.to_text()), Some(k));
            let ptr = EventPtr {
                group: LogGroupId(77),
                key: k,
            };
            assert_eq!(EventPtr::parse(&ptr.to_string()), Some(ptr));
        }
        for bad in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "x.1.2",
            "1.2.fffffffff",
            "+1.2.3",
        ] {
            assert_eq!(EventKey::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_batch_gives_back_its_messages() {
        let mut batch = LogEventBatch::default();
        batch.push(TimestampMs(1), "héllo").unwrap();
        batch.push(TimestampMs(2), "").unwrap();
        batch.text_mut().push_str("built ");
        batch.text_mut().push_str("in place");
        batch.finish(TimestampMs(3)).unwrap();
        let messages: Vec<&str> = batch.messages().collect();
        assert_eq!(messages, ["héllo", "", "built in place"]);
        assert_eq!(batch.timestamps(), [1, 2, 3]);
        assert_eq!(batch.message(3), "");
    }
}
