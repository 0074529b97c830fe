//! ListTagsForResource.

use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::limits;
use super::tag::{Resource, Tag};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct ListTagsForResource;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::resource_arn(c, &self.resource_arn);
    }
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    /// In order of key.
    pub tags: Vec<Tag>,
}

impl Operation for ListTagsForResource {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "ListTagsForResource";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let arn = input.resource_arn.unwrap_or_default();
        let resource = Resource::find(services, call, &arn).await?;
        let tags = services.catalog.tags(&resource.arn).await;
        let tags = tags.map_err(|error| resource.failed(error))?;
        Ok(Output {
            tags: tags
                .into_iter()
                .map(|(key, value)| Tag {
                    key: Some(key),
                    value: Some(value),
                })
                .collect(),
        })
    }
}
