//! [`AuthError`]: why a request is not from whom it says.

use belfry_model::{Classified, StatusClass};
use http::StatusCode;

use crate::Dialect;
use crate::errors::{ApiError, framework};

/// The texts are those of the real service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    #[error("Missing Authentication Token")]
    Missing,
    /// The signature's parts are incomplete or malformed.
    #[error("{0}")]
    Incomplete(String),
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// What was signed is shown as it arrived here: a proxy that rewrites `Host` or the path is
    /// found by comparing it with what the client says it signed.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check \
         your AWS Secret Access Key and signing method. Consult the service documentation for \
         details.\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n\
         The String-to-Sign should have been\n'{to_sign}'\n"
    )]
    Mismatch { canonical: String, to_sign: String },
    /// The body is not the one whose hash was signed.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    OtherBody,
    /// Out of its time, or scoped to another service; the text says which.
    #[error("{0}")]
    OutOfScope(String),
}

impl AuthError {
    /// The error under the names of the caller's protocol (spec wire-protocols.md 5).
    pub fn to_api_error(&self, dialect: Dialect) -> ApiError {
        let refused = framework::refused(dialect);
        let (code, shape, status) = match self {
            Self::Missing => (
                "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
                refused,
            ),
            Self::Incomplete(_) => (
                "IncompleteSignature",
                "IncompleteSignatureException",
                StatusCode::BAD_REQUEST,
            ),
            Self::UnknownKey => (
                "InvalidClientTokenId",
                "UnrecognizedClientException",
                refused,
            ),
            Self::Mismatch { .. } | Self::OtherBody | Self::OutOfScope(_) => (
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                refused,
            ),
        };
        framework::authentication(code, shape, status, self.to_string())
    }
}

impl Classified for AuthError {
    fn class(&self) -> StatusClass {
        StatusClass::Invalid
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::{Protocol, Service};

    #[test]
    fn names_and_statuses_per_protocol() {
        let dialect = |protocol, service| Dialect::new(protocol, service, &HeaderMap::new());
        let query = AuthError::OtherBody.to_api_error(dialect(Protocol::Query, Service::Sns));
        assert_eq!(query.code, "SignatureDoesNotMatch");
        assert_eq!(query.status, StatusCode::FORBIDDEN);
        let json = AuthError::UnknownKey.to_api_error(dialect(Protocol::Json11, Service::Logs));
        assert_eq!(json.shape, "UnrecognizedClientException");
        assert_eq!(json.status, StatusCode::BAD_REQUEST);
        let query = AuthError::Incomplete(String::new())
            .to_api_error(dialect(Protocol::Query, Service::Sns));
        assert_eq!(query.status, StatusCode::BAD_REQUEST);
    }
}
