//! X-Ray's errors (spec wire-protocols.md 5): code and shape are one string.

use http::StatusCode;

use super::ApiError;

pub fn invalid_request(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidRequestException", StatusCode::BAD_REQUEST, message)
}

pub fn throttled(message: impl Into<String>) -> ApiError {
    ApiError::new("ThrottledException", StatusCode::TOO_MANY_REQUESTS, message)
}

pub fn resource_not_found(resource: &str, message: impl Into<String>) -> ApiError {
    ApiError::new("ResourceNotFoundException", StatusCode::NOT_FOUND, message)
        .with_member("ResourceName", resource)
}

pub fn too_many_tags(resource: &str, message: impl Into<String>) -> ApiError {
    ApiError::new("TooManyTagsException", StatusCode::BAD_REQUEST, message)
        .with_member("ResourceName", resource)
}

pub fn rule_limit_exceeded(message: impl Into<String>) -> ApiError {
    ApiError::new(
        "RuleLimitExceededException",
        StatusCode::BAD_REQUEST,
        message,
    )
}
