//! Tags: as requests and answers write them, the rules all tagging operations share, and the
//! resources that can carry them.

use belfry_catalog::Error;
use belfry_model::arn::{self, Arn};
use belfry_model::quota::TAGS_MAX;
use belfry_wire::errors::{ApiError, monitoring};
use belfry_wire::{Constrained, Constraints};
use serde::{Deserialize, Serialize};

use super::fail;
use crate::operation::Call;
use crate::services::Services;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tag {
    pub key: Option<String>,
    pub value: Option<String>,
}

impl Constrained for Tag {
    fn check(&self, c: &mut Constraints) {
        c.member("Key", &self.key).required().length(1..=128);
        c.member("Value", &self.value).required().length(..=256);
    }
}

/// Tags as the catalog keeps them, after the rules of spec alarms.md 2.
///
/// # Errors
/// AccessDenied for a key that begins with `aws:`.
pub fn pairs(tags: Vec<Tag>) -> Result<Vec<(String, String)>, ApiError> {
    let reserved = |key: &str| {
        key.get(..4)
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
    };
    let pairs: Vec<_> = tags
        .into_iter()
        .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
        .collect();
    if pairs.iter().any(|(key, _)| reserved(key)) {
        return Err(monitoring::access_denied(
            "The provided tag keys must not start with any case of \"aws:\"",
        ));
    }
    Ok(pairs)
}

/// The tags of something that is being created.
///
/// # Errors
/// As [`pairs`]; ValidationError for more than 50.
pub fn initial(tags: Option<Vec<Tag>>) -> Result<Vec<(String, String)>, ApiError> {
    let tags = tags.unwrap_or_default();
    if tags.len() > TAGS_MAX {
        return Err(too_many());
    }
    pairs(tags)
}

/// The observed text (spec alarms.md 2).
pub fn too_many() -> ApiError {
    monitoring::validation_error("The resultant tag set must not have more than 50 user tags.")
}

/// Something that exists and can carry tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// As the catalog keeps the tags of it.
    pub arn: String,
    kind: &'static str,
}

impl Resource {
    /// The resource that `text` names.
    ///
    /// # Errors
    /// InvalidParameterValue for a text that is no ARN of a resource with tags,
    /// ResourceNotFoundException if there is no such resource in the caller's account and
    /// region.
    pub async fn find(services: &Services, call: &Call, text: &str) -> Result<Self, ApiError> {
        let invalid = || {
            monitoring::invalid_parameter_value(format!(
                "The value {text} for parameter ResourceARN is invalid."
            ))
        };
        let parsed = Arn::parse(text).map_err(|_| invalid())?;
        if parsed.service != "cloudwatch" {
            return Err(invalid());
        }
        let (catalog, tenant) = (&services.catalog, &call.tenant);
        let (resource, exists) = if let Some(name) = parsed.resource.strip_prefix("alarm:") {
            let exists = catalog.alarm(tenant, name).await.map_err(fail)?.is_some();
            let arn = arn::alarm(tenant, name);
            (Self { arn, kind: "alarm" }, exists)
        } else if let Some(name) = parsed.resource.strip_prefix("dashboard/") {
            let found = catalog.dashboard(tenant, name).await.map_err(fail)?;
            let arn = arn::dashboard(tenant, name);
            let kind = "dashboard";
            (Self { arn, kind }, found.is_some())
        } else {
            return Err(invalid());
        };
        // The ARN of another account, region or partition names nothing here.
        if !exists || resource.arn != text {
            return Err(monitoring::resource_not_found(resource.kind, text));
        }
        Ok(resource)
    }

    /// An error of the catalog, as the caller of a tagging operation sees it.
    pub fn failed(&self, error: Error) -> ApiError {
        match error {
            Error::Conflict { .. } => too_many(),
            Error::NotFound { .. } => monitoring::resource_not_found(self.kind, &self.arn),
            error => fail(error),
        }
    }
}
