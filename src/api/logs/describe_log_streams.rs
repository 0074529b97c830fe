//! DescribeLogStreams: by name or by the time of the last event.

use belfry_catalog::log_groups::{
    LogGroup, LogStream, LogStreamListing, LogStreamOrder, merge_activity,
};
use belfry_model::arn;
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::{fail, limits, resolve};
use crate::operation::{Call, Operation};
use crate::pages::{Pages, page_size};
use crate::services::Services;

const PAGE_MAX: usize = 50;

pub struct DescribeLogStreams;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_name_prefix: Option<String>,
    pub order_by: Option<String>,
    pub descending: Option<bool>,
    pub next_token: Option<String>,
    pub limit: Option<i32>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub log_streams: Vec<Described>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A stream that never had an event has neither event times nor an upload token.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    pub log_stream_name: String,
    pub creation_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_event_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ingestion_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_sequence_token: Option<String>,
    pub arn: String,
    /// Always 0 for streams (spec logs-semantics.md 2.3).
    pub stored_bytes: u64,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::optional_log_group(c, &self.log_group_name, &self.log_group_identifier);
        limits::log_stream_prefix(c, &self.log_stream_name_prefix);
        c.member("orderBy", &self.order_by)
            .one_of(&["LogStreamName", "LastEventTime"]);
        limits::next_token(c, &self.next_token);
        c.member("limit", &self.limit).range(1..=50);
    }
}

impl Operation for DescribeLogStreams {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "DescribeLogStreams";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let group = resolve::log_group_of(
            services,
            call,
            input.log_group_name.as_deref(),
            input.log_group_identifier.as_deref(),
            // Unlike elsewhere (spec logs-semantics.md 1).
            || {
                logs::validation(
                    "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
                )
            },
        )
        .await?;
        let by_last_event = input.order_by.as_deref() == Some("LastEventTime");
        let prefix = input.log_stream_name_prefix.as_deref();
        if by_last_event && prefix.is_some() {
            return Err(logs::invalid_parameter(
                "Cannot order by LastEventTime with a logStreamNamePrefix.",
            ));
        }
        let descending = input.descending.unwrap_or(false);
        let pages = Pages::new(
            services,
            call,
            Self::NAME,
            &(group.id, prefix, by_last_event, descending),
        );
        let after = pages.open(input.next_token.as_deref())?;
        let limit = page_size(input.limit, PAGE_MAX);
        // Read before the rows: a flush in between then counts twice, which changes nothing.
        let unflushed = services.logs.unflushed_activity(group.id);
        let order = if by_last_event {
            LogStreamOrder::LastEvent {
                unflushed: &unflushed,
            }
        } else {
            LogStreamOrder::Name
        };
        let listing = LogStreamListing {
            prefix,
            order,
            descending,
        };
        let mut page = services
            .catalog
            .log_streams(group.id, listing, after.as_deref(), limit)
            .await
            .map_err(fail)?;
        if !by_last_event {
            merge_activity(&mut page.items, &unflushed);
        }
        let described = page.items.into_iter();
        Ok(Output {
            log_streams: described
                .map(|stream| Described::new(&group, stream))
                .collect(),
            next_token: pages.next(page.next_after),
        })
    }
}

impl Described {
    fn new(group: &LogGroup, stream: LogStream) -> Self {
        Self {
            arn: arn::log_stream(&group.tenant, &group.name, &stream.name),
            log_stream_name: stream.name,
            creation_time: stream.created_at.0,
            first_event_timestamp: stream.first_event.map(|t| t.0),
            last_event_timestamp: stream.last_event.map(|t| t.0),
            last_ingestion_time: stream.last_ingestion.map(|t| t.0),
            upload_sequence_token: stream
                .last_ingestion
                .map(|_| super::put_log_events::SEQUENCE_TOKEN.to_owned()),
            stored_bytes: 0,
        }
    }
}
