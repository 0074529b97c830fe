//! Publish: publishes one message; its deliveries are durable before the answer.

use belfry_notify::topic::PublishRequest;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::message_attribute::MessageAttribute;
use super::{fail, message_attribute};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct Publish;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub topic_arn: Option<String>,
    pub target_arn: Option<String>,
    pub phone_number: Option<String>,
    pub message: Option<String>,
    pub subject: Option<String>,
    pub message_structure: Option<String>,
    pub message_attributes: Option<IndexMap<String, MessageAttribute>>,
    pub message_deduplication_id: Option<String>,
    pub message_group_id: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub message_id: String,
    /// FIFO topics only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("Message", &self.message).required();
    }
}

impl Operation for Publish {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "Publish";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let request = PublishRequest {
            topic_arn: input.topic_arn,
            target_arn: input.target_arn,
            phone_number: input.phone_number,
            message: input.message.unwrap_or_default(),
            subject: input.subject,
            message_structure: input.message_structure,
            attributes: message_attribute::inputs(input.message_attributes),
            deduplication_id: input.message_deduplication_id,
            group_id: input.message_group_id,
        };
        let published = services
            .topics
            .publish(&call.tenant, request)
            .await
            .map_err(fail)?;
        Ok(Output {
            message_id: published.message_id,
            sequence_number: published.sequence_number,
        })
    }
}
