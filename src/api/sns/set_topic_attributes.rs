//! SetTopicAttributes: sets one attribute.

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct SetTopicAttributes;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub topic_arn: Option<String>,
    pub attribute_name: Option<String>,
    pub attribute_value: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("TopicArn", &self.topic_arn).required();
        c.member("AttributeName", &self.attribute_name).required();
    }
}

impl Operation for SetTopicAttributes {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "SetTopicAttributes";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        services
            .topics
            .set_topic_attribute(
                &call.tenant,
                &input.topic_arn.unwrap_or_default(),
                &input.attribute_name.unwrap_or_default(),
                input.attribute_value.as_deref(),
            )
            .await
            .map_err(fail)?;
        Ok(Empty {})
    }
}
