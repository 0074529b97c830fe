//! SNS's errors under the codes of its Query protocol (spec wire-protocols.md 5).

use std::borrow::Cow;

use http::StatusCode;

use super::ApiError;

/// The status that goes with a code.
pub fn status(code: &str) -> StatusCode {
    match code {
        "AuthorizationError" | "FilterPolicyLimitExceeded" | "SubscriptionLimitExceeded" => {
            StatusCode::FORBIDDEN
        }
        "NotFound" | "ResourceNotFound" => StatusCode::NOT_FOUND,
        "Throttled" => StatusCode::TOO_MANY_REQUESTS,
        "InternalError" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// An error with the status of its code.
pub fn error(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> ApiError {
    let code = code.into();
    let status = status(&code);
    ApiError::new(code, status, message)
}

/// The message as given; see [`invalid_parameter_reason`] for the usual pattern.
pub fn invalid_parameter(message: impl Into<String>) -> ApiError {
    error("InvalidParameter", message)
}

/// `Invalid parameter: <name> Reason: <why>`, the text pattern of the service.
pub fn invalid_parameter_reason(name: &str, why: &str) -> ApiError {
    invalid_parameter(format!("Invalid parameter: {name} Reason: {why}"))
}

pub fn throttled(message: impl Into<String>) -> ApiError {
    error("Throttled", message)
}

pub fn internal_error(message: impl Into<String>) -> ApiError {
    error("InternalError", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_from_the_code() {
        for (code, status) in [
            ("InvalidParameter", 400),
            ("TagLimitExceeded", 400),
            ("AuthorizationError", 403),
            ("FilterPolicyLimitExceeded", 403),
            ("NotFound", 404),
            ("ResourceNotFound", 404),
            ("Throttled", 429),
            ("InternalError", 500),
        ] {
            assert_eq!(error(code, "m").status.as_u16(), status, "{code}");
        }
    }
}
