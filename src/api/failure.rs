//! Errors of the layers below, as the caller of a service sees them.
//!
//! An operation handles the errors it expects (something is missing, something exists) itself;
//! what is left arrives here. The cause of an internal failure goes to the log, not to the
//! caller.

use belfry_model::{Classified, StatusClass};
use belfry_wire::Service;
use belfry_wire::errors::{self, ApiError};

/// A failure of any lower layer, for `service`.
pub fn failure<E: Classified>(service: Service, error: E) -> ApiError {
    match error.class() {
        StatusClass::Throttled => {
            // The request log tells of each; under load a second line would only add to it.
            tracing::debug!(%error, "throttled");
            errors::throttled(service, "Rate exceeded")
        }
        StatusClass::Invalid
        | StatusClass::NotFound
        | StatusClass::Conflict
        | StatusClass::LimitExceeded
        | StatusClass::Unsupported => errors::constraint(service, error.to_string()),
        StatusClass::Corrupt | StatusClass::Internal => {
            tracing::error!(%error, "request failed");
            errors::internal(service, "The request failed because of an internal error.")
        }
    }
}
