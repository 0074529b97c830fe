//! UntagResource: removes tags of a topic.

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::{fail, tag};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct UntagResource;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub resource_arn: Option<String>,
    pub tag_keys: Option<Vec<String>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        tag::resource_arn(c, &self.resource_arn);
        c.member("TagKeys", &self.tag_keys)
            .required()
            .each(|key| key.length(1..=128));
    }
}

impl Operation for UntagResource {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "UntagResource";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        services
            .topics
            .untag_topic(
                &call.tenant,
                &input.resource_arn.unwrap_or_default(),
                &input.tag_keys.unwrap_or_default(),
            )
            .await
            .map_err(fail)?;
        Ok(Empty {})
    }
}
