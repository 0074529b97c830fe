//! Names of dashboards (spec dashboards.md 1).

use belfry_wire::errors::{ApiError, monitoring};

/// # Errors
/// InvalidParameterValue with the observed text, its line end included.
pub fn check(name: &str) -> Result<(), ApiError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (1..=255).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(monitoring::invalid_parameter_value(
        "The value for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).\n",
    ))
}

/// The observed text; several names are separated by commas.
pub fn not_found(name: &str) -> ApiError {
    monitoring::dashboard_not_found(format!("Dashboard {name} does not exist"))
}
