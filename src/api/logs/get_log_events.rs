//! GetLogEvents: one stream, forwards or backwards (spec logs-semantics.md 3).

use std::collections::BTreeSet;

use belfry_model::TimestampMs;
use belfry_model::quota::{LOG_PAGE_BYTES_MAX, LOG_PAGE_EVENTS_MAX};
use belfry_store::logs::{Direction, EventKey, EventScan, GroupScope, LogEvent, Prefilter};
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::{class, fail, limits, resolve};
use crate::operation::{Call, Operation};
use crate::pages::{Pages, page_size};
use crate::services::Services;

pub struct GetLogEvents;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_name: Option<String>,
    /// Inclusive.
    pub start_time: Option<i64>,
    /// Exclusive.
    pub end_time: Option<i64>,
    pub next_token: Option<String>,
    pub limit: Option<i32>,
    pub start_from_head: Option<bool>,
    pub unmask: Option<bool>,
}

/// Both tokens are always there; equal to the one passed in at the end of the stream.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub events: Vec<OutputEvent>,
    pub next_forward_token: String,
    pub next_backward_token: String,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputEvent {
    pub timestamp: i64,
    pub message: String,
    pub ingestion_time: i64,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::optional_log_group(c, &self.log_group_name, &self.log_group_identifier);
        limits::log_stream_name(c, &self.log_stream_name);
        c.member("startTime", &self.start_time).range(0..);
        c.member("endTime", &self.end_time).range(0..);
        limits::next_token(c, &self.next_token);
        c.member("limit", &self.limit).range(1..=10_000);
    }
}

impl Operation for GetLogEvents {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "GetLogEvents";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let group = resolve::log_group_of(
            services,
            call,
            input.log_group_name.as_deref(),
            input.log_group_identifier.as_deref(),
            resolve::name_and_identifier,
        )
        .await?;
        class::must_be_standard(&group, Self::NAME)?;
        let stream_name = input.log_stream_name.unwrap_or_default();
        let stream = resolve::log_stream(services, &group, &stream_name).await?;
        let pages = Pages::new(services, call, Self::NAME, &stream.id);
        let position = match &input.next_token {
            Some(token) => open(&pages, token)?,
            None if input.start_from_head.unwrap_or(false) => Position::head(),
            None => Position::tail(),
        };
        let page = services
            .logs
            .snapshot()
            .events(EventScan {
                group: GroupScope::new(&group, call.now),
                streams: Some(BTreeSet::from([stream.id])),
                start: TimestampMs(input.start_time.unwrap_or(0)),
                end: TimestampMs(input.end_time.map_or(i64::MAX, |end| end.saturating_sub(1))),
                direction: position.direction,
                after: position.after,
                prefilter: Prefilter::All,
                matcher: None,
                limit: page_size(input.limit, LOG_PAGE_EVENTS_MAX),
                bytes_max: LOG_PAGE_BYTES_MAX,
                scan_bytes_max: u64::MAX,
            })
            .await
            .map_err(fail)?;
        let mut events = page.events;
        if position.direction == Direction::Descending {
            // A page reads forwards, whichever way it was found.
            events.reverse();
        }
        let (forward, backward) = tokens(&pages, &events, position);
        // A call that finds nothing returns the token it got, for that direction.
        let repeat = |direction| {
            input
                .next_token
                .clone()
                .filter(|_| events.is_empty() && position.direction == direction)
        };
        Ok(Output {
            next_forward_token: repeat(Direction::Ascending).unwrap_or(forward),
            next_backward_token: repeat(Direction::Descending).unwrap_or(backward),
            events: events.into_iter().map(OutputEvent::from).collect(),
        })
    }
}

/// Where a page starts and which way it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Position {
    direction: Direction,
    after: Option<EventKey>,
}

impl Position {
    const fn head() -> Self {
        Self {
            direction: Direction::Ascending,
            after: None,
        }
    }

    const fn tail() -> Self {
        Self {
            direction: Direction::Descending,
            after: None,
        }
    }
}

/// The tokens after a page: forward from its last event, backward from its first. After an
/// empty page both stay where the page stood.
fn tokens(pages: &Pages<'_>, events: &[LogEvent], position: Position) -> (String, String) {
    let (last, first) = match (events.last(), events.first()) {
        (Some(last), Some(first)) => (last.key, first.key),
        _ => match position {
            // Beyond the last event: backwards, that event is the first to come.
            Position {
                direction: Direction::Ascending,
                after: Some(key),
            } => (key, successor(key)),
            Position {
                direction: Direction::Descending,
                after: Some(key),
            } => (predecessor(key), key),
            // Nothing is there at all: whatever comes later lies ahead.
            _ => (EventKey::MIN, EventKey::MIN),
        },
    };
    let seal = |letter: char, key: EventKey| format!("{letter}/{}", pages.seal(&key.to_text()));
    (seal('f', last), seal('b', first))
}

fn successor(key: EventKey) -> EventKey {
    EventKey {
        index: key.index.saturating_add(1),
        ..key
    }
}

fn predecessor(key: EventKey) -> EventKey {
    match key.index.checked_sub(1) {
        Some(index) => EventKey { index, ..key },
        None => EventKey {
            seq: key.seq.saturating_sub(1),
            index: u32::MAX,
            ..key
        },
    }
}

fn open(pages: &Pages<'_>, token: &str) -> Result<Position, ApiError> {
    let opened = || {
        let (letter, sealed) = token.split_once('/')?;
        let direction = match letter {
            "f" => Direction::Ascending,
            "b" => Direction::Descending,
            _ => return None,
        };
        let cursor = pages.open(Some(sealed)).ok().flatten()?;
        Some(Position {
            direction,
            after: Some(EventKey::parse(&cursor)?),
        })
    };
    opened().ok_or_else(logs::invalid_next_token)
}

impl From<LogEvent> for OutputEvent {
    fn from(event: LogEvent) -> Self {
        Self {
            timestamp: event.key.timestamp.0,
            message: event.message,
            ingestion_time: event.ingestion_time.0,
        }
    }
}
