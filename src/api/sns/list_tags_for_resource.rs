//! ListTagsForResource: the tags of a topic.

use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::fail;
use super::tag::{self, Tag};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct ListTagsForResource;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub resource_arn: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub tags: Vec<Tag>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        tag::resource_arn(c, &self.resource_arn);
    }
}

impl Operation for ListTagsForResource {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "ListTagsForResource";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let tags = services
            .topics
            .topic_tags(&call.tenant, &input.resource_arn.unwrap_or_default())
            .await
            .map_err(fail)?;
        Ok(Output {
            tags: tags.into_iter().map(Tag::from).collect(),
        })
    }
}
