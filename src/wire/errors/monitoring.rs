//! CloudWatch's errors: the table of spec wire-protocols.md 4.3. Shape and legacy code differ
//! for many of them.

use http::StatusCode;
use serde_json::Value;

use super::{ApiError, Origin};

const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;

/// A semantic fault in one parameter (PutMetricData, GetMetricStatistics, anomaly detectors).
pub fn invalid_parameter_value(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterValue", BAD_REQUEST, message)
        .with_shape("InvalidParameterValueException")
}

pub fn invalid_parameter_combination(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterCombination", BAD_REQUEST, message)
        .with_shape("InvalidParameterCombinationException")
}

pub fn missing_parameter(message: impl Into<String>) -> ApiError {
    ApiError::new("MissingParameter", BAD_REQUEST, message)
        .with_shape("MissingRequiredParameterException")
}

/// Constraints of the model, and nearly all that the alarm operations and GetMetricData refuse.
pub fn validation_error(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", BAD_REQUEST, message)
        .with_shape("ValidationException")
        .with_origin(Origin::Validation)
}

pub fn invalid_format(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidFormat", BAD_REQUEST, message).with_shape("InvalidFormatFault")
}

/// The observed text for a token that is not ours (spec wire-protocols.md 8).
pub fn invalid_next_token(token: &str) -> ApiError {
    ApiError::new(
        "InvalidNextToken",
        BAD_REQUEST,
        format!("Invalid NextToken : {token}"),
    )
}

pub fn limit_exceeded(message: impl Into<String>) -> ApiError {
    ApiError::new("LimitExceeded", BAD_REQUEST, message).with_shape("LimitExceededFault")
}

pub fn limit_exceeded_exception(message: impl Into<String>) -> ApiError {
    ApiError::new("LimitExceededException", BAD_REQUEST, message)
}

/// An unknown alarm. The real service sends no message (spec wire-protocols.md 4.3).
pub fn alarm_not_found() -> ApiError {
    ApiError::new("ResourceNotFound", StatusCode::NOT_FOUND, "").without_message()
}

/// An unknown ARN in a tag operation, an unknown mute rule or contributor. No message either.
pub fn resource_not_found(resource_type: &str, resource_id: &str) -> ApiError {
    ApiError::new("ResourceNotFoundException", StatusCode::NOT_FOUND, "")
        .without_message()
        .with_member("ResourceType", resource_type)
        .with_member("ResourceId", resource_id)
}

pub fn access_denied(message: impl Into<String>) -> ApiError {
    ApiError::new("AccessDenied", StatusCode::FORBIDDEN, message)
        .with_shape("AccessDeniedException")
}

/// Unlike alarms, dashboards have a text: spec dashboards.md 1.
pub fn dashboard_not_found(message: impl Into<String>) -> ApiError {
    ApiError::new("ResourceNotFound", StatusCode::NOT_FOUND, message)
        .with_shape("DashboardNotFoundError")
}

/// `messages`: a list of `{DataPath, Message}`.
pub fn dashboard_invalid(message: impl Into<String>, messages: Vec<Value>) -> ApiError {
    ApiError::new("InvalidParameterInput", BAD_REQUEST, message)
        .with_shape("DashboardInvalidInputError")
        .with_member("dashboardValidationMessages", messages)
}

pub fn concurrent_modification(message: impl Into<String>) -> ApiError {
    ApiError::new(
        "ConcurrentModificationException",
        StatusCode::TOO_MANY_REQUESTS,
        message,
    )
}

pub fn resource_conflict(message: impl Into<String>) -> ApiError {
    ApiError::new("ResourceConflict", StatusCode::CONFLICT, message)
}

pub fn conflict(message: impl Into<String>) -> ApiError {
    ApiError::new("ConflictException", StatusCode::CONFLICT, message)
}

pub fn internal_service_error(message: impl Into<String>) -> ApiError {
    ApiError::new(
        "InternalServiceError",
        StatusCode::INTERNAL_SERVER_ERROR,
        message,
    )
    .with_shape("InternalServiceFault")
}

pub fn throttling(message: impl Into<String>) -> ApiError {
    super::framework::throttling(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of spec wire-protocols.md 4.3, row by row.
    #[test]
    fn shapes_codes_and_statuses() {
        for (error, shape, code, status) in [
            (
                invalid_parameter_value(""),
                "InvalidParameterValueException",
                "InvalidParameterValue",
                400,
            ),
            (
                invalid_parameter_combination(""),
                "InvalidParameterCombinationException",
                "InvalidParameterCombination",
                400,
            ),
            (
                missing_parameter(""),
                "MissingRequiredParameterException",
                "MissingParameter",
                400,
            ),
            (
                validation_error(""),
                "ValidationException",
                "ValidationError",
                400,
            ),
            (
                invalid_format(""),
                "InvalidFormatFault",
                "InvalidFormat",
                400,
            ),
            (
                invalid_next_token(""),
                "InvalidNextToken",
                "InvalidNextToken",
                400,
            ),
            (
                limit_exceeded(""),
                "LimitExceededFault",
                "LimitExceeded",
                400,
            ),
            (
                limit_exceeded_exception(""),
                "LimitExceededException",
                "LimitExceededException",
                400,
            ),
            (
                alarm_not_found(),
                "ResourceNotFound",
                "ResourceNotFound",
                404,
            ),
            (
                resource_not_found("", ""),
                "ResourceNotFoundException",
                "ResourceNotFoundException",
                404,
            ),
            (
                dashboard_not_found(""),
                "DashboardNotFoundError",
                "ResourceNotFound",
                404,
            ),
            (
                dashboard_invalid("", Vec::new()),
                "DashboardInvalidInputError",
                "InvalidParameterInput",
                400,
            ),
            (
                concurrent_modification(""),
                "ConcurrentModificationException",
                "ConcurrentModificationException",
                429,
            ),
            (
                resource_conflict(""),
                "ResourceConflict",
                "ResourceConflict",
                409,
            ),
            (conflict(""), "ConflictException", "ConflictException", 409),
            (
                internal_service_error(""),
                "InternalServiceFault",
                "InternalServiceError",
                500,
            ),
        ] {
            assert_eq!(error.shape, shape);
            assert_eq!(error.code, code);
            assert_eq!(error.status.as_u16(), status, "{shape}");
        }
    }
}
