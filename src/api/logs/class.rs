//! What log classes allow.

use belfry_catalog::log_groups::LogGroup;
use belfry_wire::ApiError;
use belfry_wire::errors::logs;

/// Reading events one by one is for the standard class only (spec logs-semantics.md 1.1).
///
/// # Errors
/// InvalidParameterException for a group of another class.
pub fn must_be_standard(group: &LogGroup, operation: &str) -> Result<(), ApiError> {
    if group.class == "STANDARD" {
        return Ok(());
    }
    Err(logs::invalid_parameter(format!(
        "{operation} is not supported for log groups of class {}.",
        group.class
    )))
}
