//! TagResource: tags a topic.

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::tag::Tag;
use super::{fail, tag};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct TagResource;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub resource_arn: Option<String>,
    pub tags: Option<Vec<Tag>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        tag::resource_arn(c, &self.resource_arn);
        c.member("Tags", &self.tags).required().elements();
    }
}

impl Operation for TagResource {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "TagResource";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        services
            .topics
            .tag_topic(
                &call.tenant,
                &input.resource_arn.unwrap_or_default(),
                &tag::pairs(input.tags),
            )
            .await
            .map_err(fail)?;
        Ok(Empty {})
    }
}
