//! ListTagsForResource: by ARN.

use std::collections::BTreeMap;

use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::{limits, tag_set};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct ListTagsForResource;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub resource_arn: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Output {
    pub tags: BTreeMap<String, String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::resource_arn(c, &self.resource_arn);
    }
}

impl Operation for ListTagsForResource {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "ListTagsForResource";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let arn = input.resource_arn.unwrap_or_default();
        let arn = tag_set::of_resource(services, call, &arn).await?;
        let tags = tag_set::list(services, &arn).await?;
        Ok(Output { tags })
    }
}
