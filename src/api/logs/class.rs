//! What log classes allow.

use belfry_catalog::log_groups::LogGroup;
use belfry_wire::ApiError;
use belfry_wire::errors::logs;

/// Delivered logs are kept this long, whatever anybody says (spec logs-semantics.md 1.1).
const DELIVERY_RETENTION_DAYS: u32 = 2;

/// The retention that comes with a class and cannot be changed.
pub fn fixed_retention_days(class: &str) -> Option<u32> {
    (class == "DELIVERY").then_some(DELIVERY_RETENTION_DAYS)
}

/// # Errors
/// InvalidParameterException for a group whose class decides its retention. The text is assumed.
pub fn must_have_free_retention(group: &LogGroup) -> Result<(), ApiError> {
    if fixed_retention_days(&group.class).is_none() {
        return Ok(());
    }
    Err(logs::invalid_parameter(format!(
        "The retention of log groups of class {} cannot be changed.",
        group.class
    )))
}

/// Delivered logs have no queries (spec logs-insights.md 13). The text is assumed.
///
/// # Errors
/// InvalidParameterException for a group that cannot be queried.
pub fn must_have_queries(group: &LogGroup) -> Result<(), ApiError> {
    if group.class != "DELIVERY" {
        return Ok(());
    }
    Err(logs::invalid_parameter(format!(
        "StartQuery is not supported for log groups of class {}.",
        group.class
    )))
}

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
