//! PutLogEvents: appends a batch of events to a stream.
//!
//! Hot: events are decoded straight into a columnar batch, messages unescaped into one buffer.

use std::collections::BTreeMap;

use belfry_model::quota::{
    LOG_BATCH_BYTES_MAX, LOG_BATCH_SPAN_MS_MAX, LOG_EVENT_OVERHEAD_BYTES, LOG_EVENTS_MAX,
};
use belfry_model::{Classified, StatusClass, TimestampMs};
use belfry_query::off_async::off_async;
use belfry_store::logs::{LogEventBatch, RejectedRanges};
use belfry_wire::constraints::check;
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Input, Service};
use serde::{Deserialize, Serialize};

use super::log_event_decode::{Decoded, RequestSeed};
use super::{entity, fail, limits};
use crate::operation::{Call, Handled, Handler};
use crate::services::Services;

/// Tokens are not needed any more (spec logs-semantics.md 2.1); old clients pass them on.
pub const SEQUENCE_TOKEN: &str = "00000000000000000000000000000000000000000000000000000000";

pub struct PutLogEvents;

/// What the constraints are declared on; the events are beside it, as columns.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub struct Head {
    pub log_group_name: Option<String>,
    pub log_stream_name: Option<String>,
    pub sequence_token: Option<String>,
    pub entity: Option<Entity>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entity {
    pub key_attributes: Option<BTreeMap<String, String>>,
    pub attributes: Option<BTreeMap<String, String>>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub next_sequence_token: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_log_events_info: Option<RejectedLogEventsInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_entity_info: Option<RejectedEntityInfo>,
}

/// Only the members that apply are present.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedLogEventsInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_new_log_event_start_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_old_log_event_end_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_log_event_end_index: Option<usize>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedEntityInfo {
    pub error_type: &'static str,
}

impl Constrained for Decoded {
    fn check(&self, c: &mut Constraints) {
        limits::log_group_name(c, &self.head.log_group_name);
        limits::log_stream_name(c, &self.head.log_stream_name);
        c.member("sequenceToken", &self.head.sequence_token)
            .length(1..);
        let count = self.events.as_ref().map(|_| self.count as u64);
        let none: Option<Vec<String>> = None;
        if count.is_none() {
            c.member("logEvents", &none).required();
        }
        c.member("logEvents", &count).rule(
            |count| *count >= 1,
            "Member must have length greater than or equal to 1",
        );
        c.member("logEvents", &count).rule(
            |count| *count <= LOG_EVENTS_MAX as u64,
            "Member must have length less than or equal to 10000",
        );
        for fault in &self.faults {
            fault.check(c);
        }
    }
}

impl Handler for PutLogEvents {
    fn service(&self) -> Service {
        Service::Logs
    }

    fn name(&self) -> &'static str {
        "PutLogEvents"
    }

    fn examine(&self, input: &Input<'_>, now: TimestampMs) -> Result<(), ApiError> {
        decode_checked(input, now).map(drop)
    }

    fn handle<'a>(
        &'a self,
        services: &'a Services,
        call: &'a Call,
        input: Input<'a>,
    ) -> Handled<'a> {
        Box::pin(async move {
            let decoded = off_async(|| decode_checked(&input, call.now))?;
            let output = put(services, call, decoded).await?;
            Ok(call.answer(Service::Logs, "PutLogEvents", &output))
        })
    }
}

fn decode_checked(input: &Input<'_>, now: TimestampMs) -> Result<Decoded, ApiError> {
    let decoded = input.decode_seed(RequestSeed)?;
    check(Service::Logs, &decoded)?;
    check_batch(decoded.events.as_ref(), now)?;
    Ok(decoded)
}

/// What holds for the batch as a whole (spec logs-semantics.md 2.1).
fn check_batch(events: Option<&LogEventBatch>, now: TimestampMs) -> Result<(), ApiError> {
    let Some(events) = events else {
        return Ok(());
    };
    let bytes = events
        .text_bytes()
        .saturating_add(events.len().saturating_mul(LOG_EVENT_OVERHEAD_BYTES));
    if bytes > LOG_BATCH_BYTES_MAX {
        return Err(logs::invalid_parameter(format!(
            "Upload too large: {bytes} bytes exceeds limit of {LOG_BATCH_BYTES_MAX}"
        )));
    }
    let timestamps = events.timestamps();
    if !timestamps.is_sorted() {
        return Err(logs::invalid_parameter(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    // Too old and too new events are left out before the span is measured.
    let kept = RejectedRanges::compute(timestamps, None, now).accepted(timestamps.len());
    let kept = timestamps.get(kept).unwrap_or_default();
    if let (Some(first), Some(last)) = (kept.first(), kept.last())
        && last.saturating_sub(*first) > LOG_BATCH_SPAN_MS_MAX
    {
        return Err(logs::invalid_parameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(())
}

async fn put(services: &Services, call: &Call, decoded: Decoded) -> Result<Output, ApiError> {
    let Decoded { head, events, .. } = decoded;
    let group = head.log_group_name.unwrap_or_default();
    let stream = head.log_stream_name.unwrap_or_default();
    let outcome = services
        .logs
        .put_events(
            &call.tenant,
            &group,
            &stream,
            events.unwrap_or_default(),
            call.invocation.as_deref(),
        )
        .await
        .map_err(|error| match &error {
            belfry_store::Error::NotFound { what, .. } if *what == "log stream" => {
                logs::log_stream_not_found()
            }
            _ if error.class() == StatusClass::NotFound => logs::log_group_not_found(),
            _ => fail(error),
        })?;
    let RejectedRanges {
        too_new_start,
        too_old_end,
        expired_end,
    } = outcome.rejected;
    let rejected = (!outcome.rejected.is_empty()).then_some(RejectedLogEventsInfo {
        too_new_log_event_start_index: too_new_start,
        too_old_log_event_end_index: too_old_end,
        expired_log_event_end_index: expired_end,
    });
    Ok(Output {
        next_sequence_token: SEQUENCE_TOKEN,
        rejected_log_events_info: rejected,
        rejected_entity_info: head
            .entity
            .and_then(|entity| entity::fault(&entity))
            .map(|error_type| RejectedEntityInfo { error_type }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(timestamps: &[i64]) -> LogEventBatch {
        let mut batch = LogEventBatch::default();
        for &t in timestamps {
            batch.push(TimestampMs(t), "m").unwrap();
        }
        batch
    }

    fn refusal(timestamps: &[i64], now: i64) -> Option<String> {
        check_batch(Some(&batch(timestamps)), TimestampMs(now))
            .err()
            .and_then(|error| error.message)
    }

    #[test]
    fn order_and_span_of_the_batch() {
        let day = LOG_BATCH_SPAN_MS_MAX;
        let now = 100 * day;
        assert_eq!(refusal(&[now - day, now], now), None);
        let text = refusal(&[now - day - 1, now], now).unwrap();
        assert!(text.contains("24 hours"), "{text}");
        let text = refusal(&[now, now - 1], now).unwrap();
        assert!(text.contains("chronological order"), "{text}");
        // What is refused one by one does not stretch the span.
        assert_eq!(refusal(&[now - 15 * day, now, now + day], now), None);
    }

    #[test]
    fn size_of_the_batch() {
        let mut batch = LogEventBatch::default();
        let message = "x".repeat(LOG_BATCH_BYTES_MAX - LOG_EVENT_OVERHEAD_BYTES);
        batch.push(TimestampMs(0), &message).unwrap();
        assert!(check_batch(Some(&batch), TimestampMs(0)).is_ok());
        batch.push(TimestampMs(0), "").unwrap();
        assert!(check_batch(Some(&batch), TimestampMs(0)).is_err());
    }
}
