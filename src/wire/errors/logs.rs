//! CloudWatch Logs' errors (spec wire-protocols.md 5): code and shape are one string, and every
//! client error is a 400.

use http::StatusCode;
use serde_json::json;

use super::ApiError;

fn client(name: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(name, StatusCode::BAD_REQUEST, message)
}

pub fn resource_not_found(message: impl Into<String>) -> ApiError {
    client("ResourceNotFoundException", message)
}

/// Observed text. Log shippers look at it to learn what to create.
pub fn log_group_not_found() -> ApiError {
    resource_not_found("The specified log group does not exist.")
}

/// Observed text. Log shippers look at it to learn what to create.
pub fn log_stream_not_found() -> ApiError {
    resource_not_found("The specified log stream does not exist.")
}

pub fn resource_already_exists(message: impl Into<String>) -> ApiError {
    client("ResourceAlreadyExistsException", message)
}

/// Observed text, without a full stop.
pub fn log_group_already_exists() -> ApiError {
    resource_already_exists("The specified log group already exists")
}

pub fn log_stream_already_exists() -> ApiError {
    resource_already_exists("The specified log stream already exists")
}

/// Most validation, declared constraints included.
pub fn invalid_parameter(message: impl Into<String>) -> ApiError {
    client("InvalidParameterException", message)
}

/// Observed text for a paging token that is not ours, expired, or of another call.
pub fn invalid_next_token() -> ApiError {
    invalid_parameter("The specified nextToken is invalid.")
}

/// Newer checks, such as a name together with an identifier in DescribeLogStreams.
pub fn validation(message: impl Into<String>) -> ApiError {
    client("ValidationException", message)
}

pub fn limit_exceeded(message: impl Into<String>) -> ApiError {
    client("LimitExceededException", message)
}

pub fn too_many_tags(message: impl Into<String>) -> ApiError {
    client("TooManyTagsException", message)
}

pub fn invalid_operation(message: impl Into<String>) -> ApiError {
    client("InvalidOperationException", message)
}

pub fn throttling(message: impl Into<String>) -> ApiError {
    client("ThrottlingException", message)
}

/// `start` and `end` are offsets in characters of the query, when the fault has a place.
pub fn malformed_query(message: impl Into<String>, location: Option<(usize, usize)>) -> ApiError {
    let message = message.into();
    let mut compile_error = json!({ "message": message });
    if let (Some((start, end)), Some(members)) = (location, compile_error.as_object_mut()) {
        members.insert(
            "location".to_owned(),
            json!({ "startCharOffset": start, "endCharOffset": end }),
        );
    }
    client("MalformedQueryException", message).with_member("queryCompileError", compile_error)
}

pub fn service_unavailable(message: impl Into<String>) -> ApiError {
    ApiError::new(
        "ServiceUnavailableException",
        StatusCode::SERVICE_UNAVAILABLE,
        message,
    )
}

pub fn internal_server_error(message: impl Into<String>) -> ApiError {
    ApiError::new(
        "InternalServerException",
        StatusCode::INTERNAL_SERVER_ERROR,
        message,
    )
}
