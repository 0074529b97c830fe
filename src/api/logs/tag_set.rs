//! The one tag set of a log group, which the old and the new tag operations share.

use std::collections::BTreeMap;

use belfry_catalog::Error;
use belfry_model::arn::Arn;
use belfry_model::{arn, quota};
use belfry_wire::ApiError;
use belfry_wire::errors::logs;

use super::{fail, resolve};
use crate::operation::Call;
use crate::services::Services;

/// The ARN under which the tags of the log group `name` are kept.
///
/// # Errors
/// ResourceNotFoundException.
pub async fn of_group(services: &Services, call: &Call, name: &str) -> Result<String, ApiError> {
    resolve::log_group(services, call, name).await?;
    Ok(arn::log_group(&call.tenant, name))
}

/// The ARN under which the tags of the resource `resource_arn` are kept.
///
/// # Errors
/// InvalidParameterException for what is no ARN; ResourceNotFoundException for what is no log
/// group of the caller's account and region.
pub async fn of_resource(
    services: &Services,
    call: &Call,
    resource_arn: &str,
) -> Result<String, ApiError> {
    let arn = Arn::parse(resource_arn)
        .map_err(|_| logs::invalid_parameter(format!("Invalid resource ARN: {resource_arn}")))?;
    let not_found = || logs::resource_not_found("The specified resource does not exist.");
    let name = arn
        .resource
        .strip_prefix("log-group:")
        .filter(|_| arn.service == "logs" && arn.belongs_to(&call.tenant))
        .ok_or_else(not_found)?;
    let name = name.strip_suffix(":*").unwrap_or(name);
    of_group(services, call, name)
        .await
        .map_err(|_| not_found())
}

/// # Errors
/// TooManyTagsException beyond 50 tags: then none is set.
pub async fn put(
    services: &Services,
    arn: &str,
    tags: BTreeMap<String, String>,
) -> Result<(), ApiError> {
    let tags: Vec<(String, String)> = tags.into_iter().collect();
    match services.catalog.put_tags(arn, &tags, quota::TAGS_MAX).await {
        Ok(()) => Ok(()),
        Err(Error::Conflict { .. }) => Err(logs::too_many_tags(format!(
            "A resource can have at most {} tags.",
            quota::TAGS_MAX
        ))),
        Err(error) => Err(fail(error)),
    }
}

pub async fn remove(services: &Services, arn: &str, keys: &[String]) -> Result<(), ApiError> {
    services.catalog.remove_tags(arn, keys).await.map_err(fail)
}

pub async fn list(services: &Services, arn: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let tags = services.catalog.tags(arn).await.map_err(fail)?;
    Ok(tags.into_iter().collect())
}
