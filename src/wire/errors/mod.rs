//! Errors as callers see them, and one constructor per error that a service can give.
//!
//! An error has two names (spec wire-protocols.md 4.4): the *code*, which the Query protocol and
//! boto3's `Error.Code` show, and the *shape*, which the JSON and CBOR protocols carry as
//! `__type`. For most services they are the same string.

pub mod framework;
pub mod logs;
pub mod monitoring;
pub mod sns;
pub mod sts;
pub mod xray;

use std::borrow::Cow;
use std::fmt;

use belfry_model::{Classified, StatusClass};
use http::StatusCode;
use serde_json::{Map, Value};

use crate::Service;

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Sender,
    Receiver,
}

impl Fault {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sender => "Sender",
            Self::Receiver => "Receiver",
        }
    }
}

/// Which layer of the real service gives the error. It decides the namespace in front of a
/// CloudWatch `__type`, and whether there is a legacy code at all (spec wire-protocols.md 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The operation itself; the error is in the service's model.
    Service,
    /// The declared constraints.
    Validation,
    /// Framing, routing, authentication, throttling: no legacy code.
    Framework,
}

/// An error ready to be rendered in any protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    pub code: Cow<'static, str>,
    pub shape: Cow<'static, str>,
    /// `None`: the answer has no message at all, as for alarms that are not found.
    pub message: Option<String>,
    pub status: StatusCode,
    pub origin: Origin,
    /// Boxed: few errors have any, and every call's `Result` carries the size.
    members: Option<Box<Map<String, Value>>>,
}

impl ApiError {
    /// An error whose code and shape are the same string.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        status: StatusCode,
        message: impl Into<String>,
    ) -> Self {
        let name = name.into();
        Self {
            code: name.clone(),
            shape: name,
            message: Some(message.into()),
            status,
            origin: Origin::Service,
            members: None,
        }
    }

    /// Gives the shape another name than the code.
    #[must_use]
    pub fn with_shape(mut self, shape: impl Into<Cow<'static, str>>) -> Self {
        self.shape = shape.into();
        self
    }

    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members
            .get_or_insert_default()
            .insert(name.to_owned(), value.into());
        self
    }

    /// Further members of the error's structure, named as in the model.
    pub fn members(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.members.iter().flat_map(|members| members.iter())
    }

    #[must_use]
    pub fn without_message(mut self) -> Self {
        self.message = None;
        self
    }

    pub fn fault(&self) -> Fault {
        if self.status.is_server_error() {
            Fault::Receiver
        } else {
            Fault::Sender
        }
    }

    /// How the model spells the message member (spec wire-protocols.md 4.2).
    pub(crate) fn message_member(&self, service: Service) -> &'static str {
        let capital = match service {
            Service::Monitoring => {
                matches!(&*self.shape, "InternalServiceFault" | "ConflictException")
            }
            Service::Xray | Service::Tagging => true,
            _ => false,
        };
        if capital { "Message" } else { "message" }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.code),
            None => f.write_str(&self.code),
        }
    }
}

impl std::error::Error for ApiError {}

impl Classified for ApiError {
    fn class(&self) -> StatusClass {
        match self.status {
            StatusCode::NOT_FOUND => StatusClass::NotFound,
            StatusCode::CONFLICT => StatusClass::Conflict,
            StatusCode::TOO_MANY_REQUESTS => StatusClass::Throttled,
            // The Query services answer 400 and leave it to the code.
            _ if self.shape.starts_with("Throttl") => StatusClass::Throttled,
            status if status.is_server_error() => StatusClass::Internal,
            _ => StatusClass::Invalid,
        }
    }
}

/// A violated constraint, under the code the service uses for it (spec wire-protocols.md 5.1).
pub fn constraint(service: Service, message: impl Into<String>) -> ApiError {
    match service {
        Service::Monitoring => monitoring::validation_error(message),
        Service::Logs => logs::invalid_parameter(message),
        Service::Xray => xray::invalid_request(message),
        Service::Sns | Service::Sts | Service::CloudFormation | Service::Sqs => {
            ApiError::new("ValidationError", StatusCode::BAD_REQUEST, message)
                .with_origin(Origin::Validation)
        }
        Service::Tagging => ApiError::new(
            "InvalidParameterException",
            StatusCode::BAD_REQUEST,
            message,
        ),
    }
}

/// A paging token that is not ours, expired, or of another call.
pub fn invalid_next_token(service: Service, token: &str) -> ApiError {
    match service {
        Service::Monitoring => monitoring::invalid_next_token(token),
        Service::Logs => logs::invalid_next_token(),
        Service::Sns => sns::invalid_parameter("Invalid parameter: NextToken"),
        _ => constraint(service, "The specified NextToken is invalid."),
    }
}

/// An operation that AWS has and this server does not offer: the service's own validation error
/// with a text that says so. Never a 5xx, which every SDK would retry (spec wire-protocols.md 2).
pub fn not_offered(service: Service, operation: &str) -> ApiError {
    let text = format!("The operation {operation} is not offered by this server.");
    match service {
        Service::Monitoring => monitoring::invalid_parameter_value(text),
        Service::Logs => logs::invalid_operation(text),
        Service::Sns => sns::invalid_parameter(text),
        Service::Xray => xray::invalid_request(text),
        Service::Tagging => constraint(service, text),
        Service::Sts | Service::CloudFormation | Service::Sqs => constraint(service, text),
    }
}

/// A failure of ours: 500, retried by clients. The message must not tell internals.
pub fn internal(service: Service, message: impl Into<String>) -> ApiError {
    match service {
        Service::Monitoring => monitoring::internal_service_error(message),
        Service::Logs => logs::internal_server_error(message),
        Service::Sns => sns::internal_error(message),
        Service::Xray | Service::Sts | Service::CloudFormation | Service::Sqs => ApiError::new(
            "InternalFailure",
            StatusCode::INTERNAL_SERVER_ERROR,
            message,
        )
        .with_origin(Origin::Framework),
        Service::Tagging => ApiError::new(
            "InternalServiceException",
            StatusCode::INTERNAL_SERVER_ERROR,
            message,
        ),
    }
}

/// Too much at this moment: clients back off and retry.
pub fn throttled(service: Service, message: impl Into<String>) -> ApiError {
    match service {
        Service::Monitoring => monitoring::throttling(message),
        Service::Logs => logs::throttling(message),
        Service::Sns => sns::throttled(message),
        Service::Xray => xray::throttled(message),
        Service::Sts | Service::CloudFormation | Service::Sqs | Service::Tagging => {
            framework::throttling(message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the SDKs take for a reason to slow down, besides the status 429.
    const THROTTLING_CODES: [&str; 4] = [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "Throttled",
    ];

    #[test]
    fn every_service_refuses_fails_and_throttles_as_sdks_expect() {
        for service in Service::ALL {
            assert_eq!(not_offered(service, "X").status, StatusCode::BAD_REQUEST);
            assert_eq!(constraint(service, "m").status, StatusCode::BAD_REQUEST);

            let failed = internal(service, "m");
            assert_eq!(failed.fault(), Fault::Receiver);
            assert!(failed.class().is_retryable(), "{service:?}");

            let throttled = throttled(service, "m");
            assert!(throttled.status.is_client_error());
            assert!(THROTTLING_CODES.contains(&&*throttled.code), "{service:?}");
            assert!(THROTTLING_CODES.contains(&&*throttled.shape), "{service:?}");
            assert_eq!(throttled.class(), StatusClass::Throttled, "{service:?}");
        }
    }

    #[test]
    fn an_error_stays_small_enough_for_every_result() {
        assert!(size_of::<ApiError>() <= 96, "{}", size_of::<ApiError>());
    }
}
