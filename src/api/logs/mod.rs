//! CloudWatch Logs: one file for each operation.
//!
//! Beside the operations: `limits` (constraints that many share), `resolve` (finding the groups
//! and streams that requests name), `retention` (what is hidden).

mod create_log_group;
mod create_log_stream;
mod delete_log_group;
mod delete_log_stream;
mod delete_retention_policy;
mod limits;
mod put_retention_policy;
mod resolve;
mod retention;

use belfry_model::Classified;
use belfry_wire::{ApiError, Service};

use crate::failure::failure;
use crate::operation::{Handler, Typed};

pub use create_log_group::CreateLogGroup;
pub use create_log_stream::CreateLogStream;
pub use delete_log_group::DeleteLogGroup;
pub use delete_log_stream::DeleteLogStream;
pub use delete_retention_policy::DeleteRetentionPolicy;
pub use put_retention_policy::PutRetentionPolicy;

pub const OPERATIONS: &[&dyn Handler] = &[
    &Typed::<CreateLogGroup>::NEW,
    &Typed::<CreateLogStream>::NEW,
    &Typed::<DeleteLogGroup>::NEW,
    &Typed::<DeleteLogStream>::NEW,
    &Typed::<DeleteRetentionPolicy>::NEW,
    &Typed::<PutRetentionPolicy>::NEW,
];

/// What is left of an error that the operation did not expect.
fn fail<E: Classified>(error: E) -> ApiError {
    failure(Service::Logs, error)
}
