//! TagResource: by ARN.

use std::collections::BTreeMap;

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::{limits, tag_set};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct TagResource;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub resource_arn: Option<String>,
    pub tags: Option<BTreeMap<String, String>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::resource_arn(c, &self.resource_arn);
        c.member("tags", &self.tags).required();
        limits::tags(c, &self.tags);
    }
}

impl Operation for TagResource {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "TagResource";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let arn = input.resource_arn.unwrap_or_default();
        let arn = tag_set::of_resource(services, call, &arn).await?;
        tag_set::put(services, &arn, input.tags.unwrap_or_default()).await?;
        Ok(Empty {})
    }
}
