//! CloudWatch Logs: one file for each operation.
//!
//! Beside the operations: `limits` (constraints that many share), `resolve` (finding the groups
//! and streams that requests name), `class` (what log classes allow), `tag_set`, `entity`, and
//! `log_event_decode` (PutLogEvents' events straight into columns).

mod class;
mod create_log_group;
mod create_log_stream;
mod delete_log_group;
mod delete_log_stream;
mod delete_retention_policy;
mod describe_log_groups;
mod describe_log_streams;
mod describe_queries;
mod entity;
mod filter_log_events;
mod get_log_events;
mod get_log_record;
mod get_query_results;
mod limits;
mod list_tags_for_resource;
mod list_tags_log_group;
mod log_event_decode;
mod put_log_events;
mod put_retention_policy;
mod resolve;
mod start_query;
mod stop_query;
mod tag_log_group;
mod tag_resource;
mod tag_set;
mod untag_log_group;
mod untag_resource;

#[cfg(test)]
mod tests;

use belfry_model::Classified;
use belfry_wire::{ApiError, Service};

use crate::failure::failure;
use crate::operation::{Handler, Typed};

pub use create_log_group::CreateLogGroup;
pub use create_log_stream::CreateLogStream;
pub use delete_log_group::DeleteLogGroup;
pub use delete_log_stream::DeleteLogStream;
pub use delete_retention_policy::DeleteRetentionPolicy;
pub use describe_log_groups::DescribeLogGroups;
pub use describe_log_streams::DescribeLogStreams;
pub use describe_queries::DescribeQueries;
pub use filter_log_events::FilterLogEvents;
pub use get_log_events::GetLogEvents;
pub use get_log_record::GetLogRecord;
pub use get_query_results::GetQueryResults;
pub use list_tags_for_resource::ListTagsForResource;
pub use list_tags_log_group::ListTagsLogGroup;
pub use log_event_decode::{Decoded as DecodedLogEvents, RequestSeed as LogEventsSeed};
pub use put_log_events::PutLogEvents;
pub use put_retention_policy::PutRetentionPolicy;
pub use start_query::StartQuery;
pub use stop_query::StopQuery;
pub use tag_log_group::TagLogGroup;
pub use tag_resource::TagResource;
pub use untag_log_group::UntagLogGroup;
pub use untag_resource::UntagResource;

pub const OPERATIONS: &[&dyn Handler] = &[
    &Typed::<CreateLogGroup>::NEW,
    &Typed::<CreateLogStream>::NEW,
    &Typed::<DeleteLogGroup>::NEW,
    &Typed::<DeleteLogStream>::NEW,
    &Typed::<DeleteRetentionPolicy>::NEW,
    &Typed::<DescribeLogGroups>::NEW,
    &Typed::<DescribeLogStreams>::NEW,
    &Typed::<FilterLogEvents>::NEW,
    &Typed::<GetLogEvents>::NEW,
    &Typed::<ListTagsForResource>::NEW,
    &Typed::<ListTagsLogGroup>::NEW,
    &Typed::<DescribeQueries>::NEW,
    &Typed::<GetLogRecord>::NEW,
    &Typed::<GetQueryResults>::NEW,
    &Typed::<StartQuery>::NEW,
    &Typed::<StopQuery>::NEW,
    &PutLogEvents,
    &Typed::<PutRetentionPolicy>::NEW,
    &Typed::<TagLogGroup>::NEW,
    &Typed::<TagResource>::NEW,
    &Typed::<UntagLogGroup>::NEW,
    &Typed::<UntagResource>::NEW,
];

/// What is left of an error that the operation did not expect.
fn fail<E: Classified>(error: E) -> ApiError {
    failure(Service::Logs, error)
}

fn query_not_found(id: &str) -> ApiError {
    belfry_wire::errors::logs::resource_not_found(format!(
        "The specified query with ID {id} does not exist."
    ))
}
