//! The payloads of the logs' write-ahead records (`docs/formats/log-wal-record.md`).

use belfry_catalog::log_groups::{LogGroupId, LogStreamId};
use belfry_model::{Tenant, TimestampMs};
use bytes::Bytes;

use super::event::LogEventBatch;
use super::put::{PutOutcome, RejectedRanges};
use crate::retried_calls::{CallKey, RememberedCalls, call_key};

pub(super) const KIND_EVENTS: u8 = 1;
pub(super) const KIND_CALLS: u8 = 2;
const VERSION: u8 = 1;
/// Calls by their keys, all of one tenant. Version 1 has ids as text, each with its tenant.
const VERSION_KEYS: u8 = 2;
const ABSENT: u32 = u32::MAX;

/// Accepted events of one call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct EventsRecord {
    pub tenant: Tenant,
    pub group: LogGroupId,
    pub stream: LogStreamId,
    pub invocation: Option<String>,
    pub outcome: PutOutcome,
    /// Index in the call of the first event.
    pub first_index: u32,
    pub timestamps: Vec<i64>,
    /// Where each message ends in `text`.
    pub ends: Vec<u32>,
    pub text: Bytes,
}

/// What of a call goes into its record, borrowed.
pub(super) struct EventsToWrite<'a> {
    pub tenant: &'a Tenant,
    pub group: LogGroupId,
    pub stream: LogStreamId,
    pub invocation: Option<&'a str>,
    pub outcome: &'a PutOutcome,
    pub batch: &'a LogEventBatch,
}

pub(super) fn encode_events(events: &EventsToWrite<'_>) -> Bytes {
    let kept = events.outcome.rejected.accepted(events.batch.len());
    let timestamps = events
        .batch
        .timestamps()
        .get(kept.clone())
        .unwrap_or_default();
    let mut out = Vec::with_capacity(160 + timestamps.len() * 12 + events.batch.text_bytes());
    out.push(VERSION);
    out.extend_from_slice(&events.group.0.to_le_bytes());
    out.extend_from_slice(&events.stream.0.to_le_bytes());
    out.extend_from_slice(&events.outcome.seq.to_le_bytes());
    out.extend_from_slice(&events.outcome.ingestion_time.0.to_le_bytes());
    out.extend_from_slice(&(kept.start as u32).to_le_bytes());
    put_rejected(&events.outcome.rejected, &mut out);
    out.extend_from_slice(&(timestamps.len() as u32).to_le_bytes());
    put_text(&events.tenant.account, &mut out);
    put_text(&events.tenant.region, &mut out);
    put_text(events.invocation.unwrap_or(""), &mut out);
    for t in timestamps {
        out.extend_from_slice(&t.to_le_bytes());
    }
    let mut end = 0u32;
    for i in kept.clone() {
        end = end.saturating_add(events.batch.message(i).len() as u32);
        out.extend_from_slice(&end.to_le_bytes());
    }
    for i in kept {
        out.extend_from_slice(events.batch.message(i).as_bytes());
    }
    Bytes::from(out)
}

/// Reads [`encode_events`]; the text is a slice of `payload`.
pub(super) fn decode_events(payload: &Bytes) -> Result<EventsRecord, String> {
    let mut input = Input::new(payload)?;
    let group = LogGroupId(input.u64()?);
    let stream = LogStreamId(input.u64()?);
    let seq = input.u64()?;
    let ingestion_time = TimestampMs(input.i64()?);
    let first_index = input.u32()?;
    let rejected = input.rejected()?;
    let events = input.u32()? as usize;
    let tenant = input.tenant()?;
    let invocation = input.invocation()?;
    let stamps = input.take(events.checked_mul(8).ok_or("event count overflows")?)?;
    let timestamps = stamps
        .chunks_exact(8)
        .map(|b| i64::from_le_bytes(b.try_into().unwrap_or_default()))
        .collect();
    let stops = input.take(events.checked_mul(4).ok_or("event count overflows")?)?;
    let ends: Vec<u32> = stops
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes(b.try_into().unwrap_or_default()))
        .collect();
    let text = payload.slice(input.at..);
    let checked = std::str::from_utf8(&text).map_err(|e| format!("messages are not UTF-8: {e}"))?;
    let mut start = 0usize;
    for &end in &ends {
        // `get` fails for descending ends as well as inside of a character.
        if checked.get(start..end as usize).is_none() {
            return Err(format!("a message ends at {end}, outside of the text"));
        }
        start = end as usize;
    }
    if start != checked.len() {
        return Err(format!("{} bytes of text for {start}", checked.len()));
    }
    Ok(EventsRecord {
        tenant,
        group,
        stream,
        invocation,
        outcome: PutOutcome {
            rejected,
            accepted: events,
            ingestion_time,
            seq,
            repeated: false,
        },
        first_index,
        timestamps,
        ends,
        text,
    })
}

pub(super) fn encode_calls(remembered: &RememberedCalls<PutOutcome>) -> Bytes {
    let mut out = vec![VERSION_KEYS];
    put_text(&remembered.tenant.account, &mut out);
    put_text(&remembered.tenant.region, &mut out);
    out.extend_from_slice(&(remembered.calls.len() as u32).to_le_bytes());
    for (_, key, outcome) in &remembered.calls {
        out.extend_from_slice(key);
        out.extend_from_slice(&outcome.seq.to_le_bytes());
        out.extend_from_slice(&outcome.ingestion_time.0.to_le_bytes());
        out.extend_from_slice(&(outcome.accepted as u32).to_le_bytes());
        put_rejected(&outcome.rejected, &mut out);
    }
    Bytes::from(out)
}

/// Oldest first.
pub(super) fn decode_calls(payload: &Bytes) -> Result<Vec<RememberedCalls<PutOutcome>>, String> {
    let mut input = Input {
        bytes: payload,
        at: 0,
    };
    let version = input.take(1)?.first().copied();
    let mut found: Vec<RememberedCalls<PutOutcome>> = Vec::new();
    match version {
        Some(VERSION) => {
            for _ in 0..input.u32()? {
                let tenant = input.tenant()?;
                let id = input.invocation()?.unwrap_or_default();
                let calls = vec![input.call(call_key(&id))?];
                found.push(RememberedCalls { tenant, calls });
            }
        }
        Some(VERSION_KEYS) => {
            let tenant = input.tenant()?;
            let mut calls = Vec::new();
            for _ in 0..input.u32()? {
                let key = input.take(size_of::<CallKey>())?;
                let key = key.try_into().unwrap_or_default();
                calls.push(input.call(key)?);
            }
            found.push(RememberedCalls { tenant, calls });
        }
        other => return Err(format!("record version {other:?} is not supported")),
    }
    Ok(found)
}

/// Texts here are bounded by validation far below 255 bytes; longer ones would be cut at a
/// character so that the record stays readable.
fn put_text(text: &str, out: &mut Vec<u8>) {
    let cut = text.floor_char_boundary(255);
    let text = text.get(..cut).unwrap_or_default();
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}

fn put_rejected(rejected: &RejectedRanges, out: &mut Vec<u8>) {
    for index in [
        rejected.too_new_start,
        rejected.too_old_end,
        rejected.expired_end,
    ] {
        let stored = index.map_or(ABSENT, |i| u32::try_from(i).unwrap_or(ABSENT - 1));
        out.extend_from_slice(&stored.to_le_bytes());
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, String> {
        let mut input = Self { bytes, at: 0 };
        match input.take(1)? {
            [VERSION] => Ok(input),
            other => Err(format!("record version {other:?} is not supported")),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length).ok_or("length overflows")?;
        let taken = self
            .bytes
            .get(self.at..end)
            .ok_or_else(|| format!("record is cut off at {}", self.bytes.len()))?;
        self.at = end;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(
            self.take(4)?.try_into().unwrap_or_default(),
        ))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(
            self.take(8)?.try_into().unwrap_or_default(),
        ))
    }

    fn i64(&mut self) -> Result<i64, String> {
        Ok(self.u64()?.cast_signed())
    }

    fn text(&mut self) -> Result<&'a str, String> {
        let length = self.take(1)?.first().copied().unwrap_or_default();
        std::str::from_utf8(self.take(usize::from(length))?).map_err(|e| e.to_string())
    }

    fn tenant(&mut self) -> Result<Tenant, String> {
        let account = self.text()?;
        let region = self.text()?;
        Ok(Tenant::new(account, region))
    }

    fn invocation(&mut self) -> Result<Option<String>, String> {
        let text = self.text()?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn call(&mut self, key: CallKey) -> Result<(TimestampMs, CallKey, PutOutcome), String> {
        let seq = self.u64()?;
        let ingestion_time = TimestampMs(self.i64()?);
        let accepted = self.u32()? as usize;
        let outcome = PutOutcome {
            rejected: self.rejected()?,
            accepted,
            ingestion_time,
            seq,
            repeated: false,
        };
        Ok((ingestion_time, key, outcome))
    }

    fn rejected(&mut self) -> Result<RejectedRanges, String> {
        let mut index = || {
            self.u32()
                .map(|stored| (stored != ABSENT).then_some(stored as usize))
        };
        Ok(RejectedRanges {
            too_new_start: index()?,
            too_old_end: index()?,
            expired_end: index()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_read_back(
            messages in proptest::collection::vec((0i64..5, any::<String>()), 0..6),
            invocation in proptest::option::of("[a-z0-9-]{1,40}"),
            too_old in proptest::option::of(1usize..3),
        ) {
            let mut batch = LogEventBatch::default();
            for (t, m) in &messages {
                batch.push(TimestampMs(*t), m).unwrap();
            }
            let rejected = RejectedRanges { too_old_end: too_old.filter(|&n| n <= messages.len()), ..Default::default() };
            let outcome = PutOutcome {
                rejected,
                accepted: rejected.accepted(messages.len()).len(),
                ingestion_time: TimestampMs(99),
                seq: 12,
                repeated: false,
            };
            let tenant = Tenant::new("000000000000", "eu-west-1");
            let payload = encode_events(&EventsToWrite {
                tenant: &tenant,
                group: LogGroupId(1),
                stream: LogStreamId(2),
                invocation: invocation.as_deref(),
                outcome: &outcome,
                batch: &batch,
            });
            let read = decode_events(&payload).unwrap();
            prop_assert_eq!(&read.outcome, &outcome);
            prop_assert_eq!(&read.invocation, &invocation);
            let kept = &messages[rejected.accepted(messages.len())];
            prop_assert_eq!(read.timestamps.len(), kept.len());
            let text: String = kept.iter().map(|(_, m)| m.as_str()).collect();
            prop_assert_eq!(&read.text[..], text.as_bytes());
            // Cut off anywhere, it is an error or (at the very end) the same.
            for cut in 0..payload.len() {
                prop_assert!(decode_events(&payload.slice(..cut)).is_err());
            }
        }

        #[test]
        fn calls_of_both_versions_read_back(
            calls in proptest::collection::vec(("[a-z0-9-]{1,40}", any::<i64>(), 0usize..9), 0..5),
        ) {
            let tenant = Tenant::new("000000000000", "eu-west-1");
            let outcome = |at, accepted| PutOutcome {
                rejected: RejectedRanges { too_old_end: Some(accepted), ..Default::default() },
                accepted,
                ingestion_time: TimestampMs(at),
                seq: 12,
                repeated: false,
            };
            let expected: Vec<(TimestampMs, CallKey, PutOutcome)> = calls
                .iter()
                .map(|(id, at, n)| (TimestampMs(*at), call_key(id), outcome(*at, *n)))
                .collect();
            let remembered = RememberedCalls { tenant: tenant.clone(), calls: expected.clone() };
            let mut old = vec![VERSION];
            old.extend_from_slice(&(calls.len() as u32).to_le_bytes());
            for (id, at, n) in &calls {
                for text in [&*tenant.account, &*tenant.region, id] {
                    put_text(text, &mut old);
                }
                old.extend_from_slice(&12u64.to_le_bytes());
                old.extend_from_slice(&at.to_le_bytes());
                old.extend_from_slice(&(*n as u32).to_le_bytes());
                put_rejected(&outcome(*at, *n).rejected, &mut old);
            }
            for record in [encode_calls(&remembered), Bytes::from(old)] {
                let read = decode_calls(&record).unwrap();
                prop_assert!(read.iter().all(|r| r.tenant == tenant));
                let read: Vec<_> = read.into_iter().flat_map(|r| r.calls).collect();
                prop_assert_eq!(&read, &expected);
                for cut in 0..record.len() {
                    prop_assert!(decode_calls(&record.slice(..cut)).is_err());
                }
            }
        }

        #[test]
        fn garbage_is_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() { *first = VERSION; }
            let bytes = Bytes::from(bytes);
            let _ = decode_events(&bytes);
            let _ = decode_calls(&bytes);
        }
    }
}
