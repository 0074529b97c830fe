//! TagResource.

use belfry_model::quota::TAGS_MAX;
use belfry_wire::errors::monitoring;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::{Deserialize, Serialize};

use super::limits;
use super::tag::{self, Resource, Tag};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct TagResource;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: Option<String>,
    pub tags: Option<Vec<Tag>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::resource_arn(c, &self.resource_arn);
        c.member("Tags", &self.tags).required().elements();
    }
}

impl Operation for TagResource {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "TagResource";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let tags = input.tags.unwrap_or_default();
        // The observed text for more than a resource can ever have (spec alarms.md 2).
        if tags.len() > TAGS_MAX {
            return Err(monitoring::invalid_parameter_value("tags are invalid."));
        }
        let tags = tag::pairs(tags)?;
        let arn = input.resource_arn.unwrap_or_default();
        let resource = Resource::find(services, call, &arn).await?;
        services
            .catalog
            .put_tags(&resource.arn, &tags, TAGS_MAX)
            .await
            .map_err(|error| resource.failed(error))?;
        Ok(Empty {})
    }
}
