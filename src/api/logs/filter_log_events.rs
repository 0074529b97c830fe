//! FilterLogEvents: all streams of a group, through a filter pattern (spec logs-semantics.md 4).

use std::collections::BTreeSet;
use std::sync::Arc;

use belfry_catalog::log_groups::{LogGroup, LogStreamId, LogStreamListing, LogStreamOrder};
use belfry_lang::filter_pattern::FilterPattern;
use belfry_model::TimestampMs;
use belfry_model::quota::{LOG_PAGE_BYTES_MAX, LOG_PAGE_EVENTS_MAX};
use belfry_store::logs::{
    Direction, EventKey, EventMatcher, EventScan, GroupScope, LogEvent, Prefilter,
};
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::{class, fail, limits, resolve};
use crate::operation::{Call, Operation};
use crate::pages::{Pages, page_size};
use crate::services::Services;

/// Ours: what one call looks at before it answers with a partial page and a token.
const SCAN_BYTES_MAX: u64 = 256 * 1_048_576;
/// 2024-01-01T00:00:00Z: newest first needs a start time on or after this.
const NEWEST_FIRST_SINCE: i64 = 1_704_067_200_000;
const STREAMS_PER_READ: usize = 1_000;

pub struct FilterLogEvents;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_names: Option<Vec<String>>,
    pub log_stream_name_prefix: Option<String>,
    /// Both inclusive.
    pub start_time: Option<i64>,
    pub end_time: Option<i64>,
    pub filter_pattern: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<i32>,
    pub start_from_head: Option<bool>,
    /// Ignored: events are always interleaved.
    pub interleaved: Option<bool>,
    pub unmask: Option<bool>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub events: Vec<FilteredEvent>,
    /// Deprecated by AWS: always empty.
    pub searched_log_streams: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FilteredEvent {
    pub log_stream_name: Arc<str>,
    pub timestamp: i64,
    pub message: String,
    pub ingestion_time: i64,
    pub event_id: String,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::optional_log_group(c, &self.log_group_name, &self.log_group_identifier);
        limits::log_stream_names(c, &self.log_stream_names);
        limits::log_stream_prefix(c, &self.log_stream_name_prefix);
        c.member("startTime", &self.start_time).range(0..);
        c.member("endTime", &self.end_time).range(0..);
        c.member("filterPattern", &self.filter_pattern)
            .length(..=1_024);
        limits::next_token(c, &self.next_token);
        c.member("limit", &self.limit).range(1..=10_000);
    }
}

impl Operation for FilterLogEvents {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "FilterLogEvents";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        if input.log_stream_names.is_some() && input.log_stream_name_prefix.is_some() {
            return Err(logs::invalid_parameter(
                "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.",
            ));
        }
        let group = resolve::log_group_of(
            services,
            call,
            input.log_group_name.as_deref(),
            input.log_group_identifier.as_deref(),
            resolve::name_and_identifier,
        )
        .await?;
        class::must_be_standard(&group, Self::NAME)?;
        let pattern_text = input.filter_pattern.as_deref().unwrap_or_default();
        let pattern = FilterPattern::parse(pattern_text)
            .map_err(|error| logs::invalid_parameter(format!("Invalid filter pattern: {error}")))?;
        let streams = streams(services, &group, &input).await?;

        let (start, end) = (input.start_time.unwrap_or(0), input.end_time);
        let pages = Pages::new(
            services,
            call,
            Self::NAME,
            &(
                group.id,
                &input.log_stream_names,
                &input.log_stream_name_prefix,
                pattern_text,
                (start, end),
            ),
        );
        let (direction, after) = match pages.open(input.next_token.as_deref())? {
            // The first request fixed the direction.
            Some(cursor) => parse_cursor(&cursor).ok_or_else(logs::invalid_next_token)?,
            None => (direction(&input)?, None),
        };
        let page = services
            .logs
            .snapshot()
            .events(EventScan {
                group: GroupScope::new(&group, call.now),
                streams,
                start: TimestampMs(start),
                end: TimestampMs(end.unwrap_or(i64::MAX)),
                direction,
                after,
                prefilter: prefilter(&pattern),
                matcher: matcher(pattern),
                limit: page_size(input.limit, LOG_PAGE_EVENTS_MAX),
                bytes_max: LOG_PAGE_BYTES_MAX,
                scan_bytes_max: SCAN_BYTES_MAX,
            })
            .await
            .map_err(fail)?;
        let next = page.next.filter(|_| !page.reached_end);
        Ok(Output {
            events: page.events.into_iter().map(FilteredEvent::from).collect(),
            searched_log_streams: [],
            next_token: pages.next(next.map(|key| cursor(direction, key))),
        })
    }
}

fn direction(input: &Input) -> Result<Direction, ApiError> {
    if input.start_from_head.unwrap_or(true) {
        return Ok(Direction::Ascending);
    }
    if input.start_time.is_some_and(|t| t >= NEWEST_FIRST_SINCE) {
        return Ok(Direction::Descending);
    }
    Err(logs::invalid_parameter(
        "startFromHead can only be false with a startTime on or after 2024-01-01T00:00:00Z.",
    ))
}

/// The streams to search; `None` for all.
async fn streams(
    services: &Services,
    group: &LogGroup,
    input: &Input,
) -> Result<Option<BTreeSet<LogStreamId>>, ApiError> {
    if let Some(names) = &input.log_stream_names {
        let mut ids = BTreeSet::new();
        for name in names {
            ids.insert(resolve::log_stream(services, group, name).await?.id);
        }
        return Ok(Some(ids));
    }
    let Some(prefix) = &input.log_stream_name_prefix else {
        return Ok(None);
    };
    let listing = LogStreamListing {
        prefix: Some(prefix),
        order: LogStreamOrder::Name,
        descending: false,
    };
    let mut ids = BTreeSet::new();
    let mut after: Option<String> = None;
    loop {
        let page = services
            .catalog
            .log_streams(group.id, listing, after.as_deref(), STREAMS_PER_READ)
            .await
            .map_err(fail)?;
        ids.extend(page.items.iter().map(|stream| stream.id));
        after = page.next_after;
        if after.is_none() {
            return Ok(Some(ids));
        }
    }
}

/// What the store may skip by.
fn prefilter(pattern: &FilterPattern) -> Prefilter {
    pattern
        .required_literals()
        .into_iter()
        .map(|any_of| {
            let mut any_of: Vec<Prefilter> = any_of.into_iter().map(Prefilter::contains).collect();
            match any_of.len() {
                1 => any_of.remove(0),
                _ => Prefilter::Or(any_of),
            }
        })
        .fold(Prefilter::All, Prefilter::and)
}

fn matcher(pattern: FilterPattern) -> Option<EventMatcher> {
    match pattern {
        FilterPattern::Everything => None,
        pattern => Some(Arc::new(move |message: &str| pattern.matches(message))),
    }
}

fn cursor(direction: Direction, key: EventKey) -> String {
    let letter = match direction {
        Direction::Ascending => 'a',
        Direction::Descending => 'd',
    };
    format!("{letter}:{}", key.to_text())
}

fn parse_cursor(cursor: &str) -> Option<(Direction, Option<EventKey>)> {
    let (letter, key) = cursor.split_once(':')?;
    let direction = match letter {
        "a" => Direction::Ascending,
        "d" => Direction::Descending,
        _ => return None,
    };
    Some((direction, Some(EventKey::parse(key)?)))
}

impl From<LogEvent> for FilteredEvent {
    fn from(event: LogEvent) -> Self {
        Self {
            event_id: event.event_id(),
            log_stream_name: event.stream_name,
            timestamp: event.key.timestamp.0,
            message: event.message,
            ingestion_time: event.ingestion_time.0,
        }
    }
}
