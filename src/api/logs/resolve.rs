//! Finding what a request names: groups by name or identifier, streams by name.

use belfry_catalog::log_groups::{LogGroup, LogStream};
use belfry_model::Tenant;
use belfry_model::arn::Arn;
use belfry_wire::errors::{ApiError, logs};

use super::fail;
use crate::operation::Call;
use crate::services::Services;

/// # Errors
/// ResourceNotFoundException.
pub async fn log_group(services: &Services, call: &Call, name: &str) -> Result<LogGroup, ApiError> {
    services
        .catalog
        .log_group(&call.tenant, name)
        .await
        .map_err(fail)?
        .ok_or_else(logs::log_group_not_found)
}

/// # Errors
/// ResourceNotFoundException.
pub async fn log_stream(
    services: &Services,
    group: &LogGroup,
    name: &str,
) -> Result<LogStream, ApiError> {
    services
        .catalog
        .log_stream(group.id, name)
        .await
        .map_err(fail)?
        .ok_or_else(logs::log_stream_not_found)
}

/// The group of a request that takes a name or an identifier, exactly one of them.
///
/// # Errors
/// `both` when both are given; InvalidParameterException when neither is, or the identifier
/// names another account or region; ResourceNotFoundException.
pub async fn log_group_of(
    services: &Services,
    call: &Call,
    name: Option<&str>,
    identifier: Option<&str>,
    both: fn() -> ApiError,
) -> Result<LogGroup, ApiError> {
    let name = match (name, identifier) {
        (Some(_), Some(_)) => return Err(both()),
        (Some(name), None) => name,
        (None, Some(identifier)) => group_name(&call.tenant, identifier)?,
        (None, None) => {
            return Err(logs::invalid_parameter(
                "Either logGroupName or logGroupIdentifier must be specified",
            ));
        }
    };
    log_group(services, call, name).await
}

/// The text for a name together with an identifier (spec logs-semantics.md 1).
pub fn name_and_identifier() -> ApiError {
    logs::invalid_parameter("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
}

/// The group name in an identifier: a name, or an ARN with or without a trailing `:*`.
///
/// # Errors
/// InvalidParameterException for the ARN of something else, or of another account or region.
pub fn group_name<'a>(tenant: &Tenant, identifier: &'a str) -> Result<&'a str, ApiError> {
    if !identifier.starts_with("arn:") {
        return Ok(identifier);
    }
    let invalid = || logs::invalid_parameter(format!("Invalid log group identifier: {identifier}"));
    let arn = Arn::parse(identifier).map_err(|_| invalid())?;
    if arn.service != "logs" || !arn.belongs_to(tenant) {
        return Err(invalid());
    }
    let name = arn
        .resource
        .strip_prefix("log-group:")
        .ok_or_else(invalid)?;
    Ok(name.strip_suffix(":*").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_names_or_arns() {
        let tenant = Tenant::new("111122223333", "eu-west-1");
        let name = |identifier| group_name(&tenant, identifier).ok();
        assert_eq!(name("/app"), Some("/app"));
        let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/app";
        assert_eq!(name(arn), Some("/app"));
        let with_streams = format!("{arn}:*");
        assert_eq!(name(&with_streams), Some("/app"));
        assert_eq!(
            name("arn:aws:logs:us-east-1:111122223333:log-group:/app"),
            None
        );
        assert_eq!(name("arn:aws:sns:eu-west-1:111122223333:topic"), None);
    }
}
