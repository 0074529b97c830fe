//! STS's errors, as far as GetCallerIdentity needs them.

use super::{ApiError, constraint};
use crate::Service;

pub fn validation_error(message: impl Into<String>) -> ApiError {
    constraint(Service::Sts, message)
}
