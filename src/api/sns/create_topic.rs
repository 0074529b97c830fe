//! CreateTopic: creates a topic, or returns the one that is there and agrees.

use std::collections::BTreeMap;

use belfry_wire::errors::sns;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::tag::Tag;
use super::{fail, tag};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct CreateTopic;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub name: Option<String>,
    pub attributes: Option<BTreeMap<String, String>>,
    pub tags: Option<Vec<Tag>>,
    pub data_protection_policy: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub topic_arn: String,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("Name", &self.name).required();
        c.member("Tags", &self.tags).elements();
    }
}

impl Operation for CreateTopic {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "CreateTopic";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        if input
            .data_protection_policy
            .is_some_and(|policy| !policy.is_empty())
        {
            return Err(sns::invalid_parameter_reason(
                "DataProtectionPolicy",
                "data protection of messages is not offered by this server",
            ));
        }
        let topic_arn = services
            .topics
            .create_topic(
                &call.tenant,
                &input.name.unwrap_or_default(),
                input.attributes.unwrap_or_default(),
                tag::pairs(input.tags),
            )
            .await
            .map_err(fail)?;
        Ok(Output { topic_arn })
    }
}
