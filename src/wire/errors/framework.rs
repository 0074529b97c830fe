//! Errors that arise before an operation is reached: framing, routing, authentication. They have
//! one name in the Query protocol and another in the JSON ones, and no legacy code (spec
//! wire-protocols.md 2, 3 and 5).

use http::StatusCode;

use super::{ApiError, Origin};
use crate::{Dialect, Protocol, Service};

fn framework(
    code: &'static str,
    shape: &'static str,
    status: StatusCode,
    message: impl Into<String>,
) -> ApiError {
    ApiError::new(code, status, message)
        .with_shape(shape)
        .with_origin(Origin::Framework)
}

/// A body that cannot be read: broken syntax, a member of the wrong type, bad compression.
pub fn serialization(message: impl Into<String>) -> ApiError {
    framework(
        "MalformedInput",
        "SerializationException",
        StatusCode::BAD_REQUEST,
        message,
    )
}

/// A body above the limit.
pub fn request_too_large(limit: usize) -> ApiError {
    framework(
        "RequestEntityTooLarge",
        "RequestEntityTooLargeException",
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("Request size exceeded {limit} bytes"),
    )
}

pub fn throttling(message: impl Into<String>) -> ApiError {
    framework(
        "Throttling",
        "ThrottlingException",
        StatusCode::BAD_REQUEST,
        message,
    )
}

/// A name that is no operation of the service.
pub fn unknown_operation(dialect: Dialect, operation: &str) -> ApiError {
    let status = if dialect.protocol == Protocol::RestJson {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::BAD_REQUEST
    };
    let message = match dialect.service.query_version() {
        Some(version) if dialect.protocol == Protocol::Query => {
            format!("Could not find operation {operation} for version {version}")
        }
        _ => format!("The operation {operation} is not known."),
    };
    framework(
        "InvalidAction",
        "UnknownOperationException",
        status,
        message,
    )
}

/// A Query request without `Action`.
pub fn missing_action() -> ApiError {
    framework(
        "MissingAction",
        "UnknownOperationException",
        StatusCode::BAD_REQUEST,
        "Could not find the parameter Action",
    )
}

/// A Query request whose `Version` belongs to none of the services.
pub fn unknown_version(action: &str, version: &str) -> ApiError {
    framework(
        "InvalidAction",
        "UnknownOperationException",
        StatusCode::BAD_REQUEST,
        format!("Could not find operation {action} for version {version}"),
    )
}

/// A caller who may not do what it asks, whoever it is.
pub fn access_denied(service: Service, dialect: Dialect, message: impl Into<String>) -> ApiError {
    let code = if service == Service::Sns {
        "AuthorizationError"
    } else {
        "AccessDenied"
    };
    framework(code, "AccessDeniedException", refused(dialect), message)
}

/// Authentication failures are 403 in the Query protocol and 400 in the others.
pub(crate) fn refused(dialect: Dialect) -> StatusCode {
    if dialect.protocol == Protocol::Query {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::BAD_REQUEST
    }
}

/// An authentication failure under its two names.
pub(crate) fn authentication(
    code: &'static str,
    shape: &'static str,
    status: StatusCode,
    message: impl Into<String>,
) -> ApiError {
    framework(code, shape, status, message)
}
