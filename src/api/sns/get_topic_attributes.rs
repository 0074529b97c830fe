//! GetTopicAttributes: attributes that are set, and those that every topic has.

use std::collections::BTreeMap;

use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct GetTopicAttributes;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub topic_arn: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub attributes: BTreeMap<String, String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("TopicArn", &self.topic_arn).required();
    }
}

impl Operation for GetTopicAttributes {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "GetTopicAttributes";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let attributes = services
            .topics
            .topic_attributes(&call.tenant, &input.topic_arn.unwrap_or_default())
            .await
            .map_err(fail)?;
        Ok(Output { attributes })
    }
}
