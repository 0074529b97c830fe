//! UntagResource: by ARN.

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::{limits, tag_set};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct UntagResource;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub resource_arn: Option<String>,
    pub tag_keys: Option<Vec<String>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::resource_arn(c, &self.resource_arn);
        limits::tag_keys(c, "tagKeys", &self.tag_keys, 0, 50);
    }
}

impl Operation for UntagResource {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "UntagResource";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let arn = input.resource_arn.unwrap_or_default();
        let arn = tag_set::of_resource(services, call, &arn).await?;
        tag_set::remove(services, &arn, &input.tag_keys.unwrap_or_default()).await?;
        Ok(Empty {})
    }
}
