//! UntagResource.

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::{Deserialize, Serialize};

use super::limits;
use super::tag::Resource;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct UntagResource;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: Option<String>,
    pub tag_keys: Option<Vec<String>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::resource_arn(c, &self.resource_arn);
        c.member("TagKeys", &self.tag_keys)
            .required()
            .each(|key| key.length(1..=128));
    }
}

impl Operation for UntagResource {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "UntagResource";
    type Input = Input;
    type Output = Empty;

    /// Keys that the resource does not carry are passed over.
    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let arn = input.resource_arn.unwrap_or_default();
        let resource = Resource::find(services, call, &arn).await?;
        let keys = input.tag_keys.unwrap_or_default();
        services
            .catalog
            .remove_tags(&resource.arn, &keys)
            .await
            .map_err(|error| resource.failed(error))?;
        Ok(Empty {})
    }
}
