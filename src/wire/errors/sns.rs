//! SNS's errors under the codes of its Query protocol (spec wire-protocols.md 5).

use http::StatusCode;

use super::ApiError;

fn client(name: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(name, StatusCode::BAD_REQUEST, message)
}

fn forbidden(name: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(name, StatusCode::FORBIDDEN, message)
}

/// The message as given; see [`invalid_parameter_reason`] for the usual pattern.
pub fn invalid_parameter(message: impl Into<String>) -> ApiError {
    client("InvalidParameter", message)
}

/// `Invalid parameter: <name> Reason: <why>`, the text pattern of the service.
pub fn invalid_parameter_reason(name: &str, why: &str) -> ApiError {
    invalid_parameter(format!("Invalid parameter: {name} Reason: {why}"))
}

pub fn parameter_value_invalid(message: impl Into<String>) -> ApiError {
    client("ParameterValueInvalid", message)
}

pub fn not_found(message: impl Into<String>) -> ApiError {
    ApiError::new("NotFound", StatusCode::NOT_FOUND, message)
}

/// Observed text.
pub fn topic_not_found() -> ApiError {
    not_found("Topic does not exist")
}

/// Observed text.
pub fn subscription_not_found() -> ApiError {
    not_found("Subscription does not exist")
}

/// Tag operations on an unknown ARN.
pub fn resource_not_found(message: impl Into<String>) -> ApiError {
    ApiError::new("ResourceNotFound", StatusCode::NOT_FOUND, message)
}

pub fn authorization_error(message: impl Into<String>) -> ApiError {
    forbidden("AuthorizationError", message)
}

pub fn subscription_limit_exceeded(message: impl Into<String>) -> ApiError {
    forbidden("SubscriptionLimitExceeded", message)
}

pub fn topic_limit_exceeded(message: impl Into<String>) -> ApiError {
    forbidden("TopicLimitExceeded", message)
}

pub fn filter_policy_limit_exceeded(message: impl Into<String>) -> ApiError {
    forbidden("FilterPolicyLimitExceeded", message)
}

pub fn replay_limit_exceeded(message: impl Into<String>) -> ApiError {
    forbidden("ReplayLimitExceeded", message)
}

pub fn invalid_security(message: impl Into<String>) -> ApiError {
    forbidden("InvalidSecurity", message)
}

pub fn endpoint_disabled(message: impl Into<String>) -> ApiError {
    client("EndpointDisabled", message)
}

pub fn tag_limit_exceeded(message: impl Into<String>) -> ApiError {
    client("TagLimitExceeded", message)
}

pub fn tag_policy(message: impl Into<String>) -> ApiError {
    client("TagPolicy", message)
}

pub fn stale_tag(message: impl Into<String>) -> ApiError {
    client("StaleTag", message)
}

pub fn concurrent_access(message: impl Into<String>) -> ApiError {
    client("ConcurrentAccess", message)
}

pub fn empty_batch_request(message: impl Into<String>) -> ApiError {
    client("EmptyBatchRequest", message)
}

pub fn too_many_entries_in_batch(message: impl Into<String>) -> ApiError {
    client("TooManyEntriesInBatchRequest", message)
}

pub fn batch_entry_ids_not_distinct(message: impl Into<String>) -> ApiError {
    client("BatchEntryIdsNotDistinct", message)
}

pub fn invalid_batch_entry_id(message: impl Into<String>) -> ApiError {
    client("InvalidBatchEntryId", message)
}

pub fn batch_request_too_long(message: impl Into<String>) -> ApiError {
    client("BatchRequestTooLong", message)
}

pub fn throttled(message: impl Into<String>) -> ApiError {
    ApiError::new("Throttled", StatusCode::TOO_MANY_REQUESTS, message)
}

pub fn internal_error(message: impl Into<String>) -> ApiError {
    ApiError::new("InternalError", StatusCode::INTERNAL_SERVER_ERROR, message)
}
