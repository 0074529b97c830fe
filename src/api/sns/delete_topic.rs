//! DeleteTopic: deletes a topic and its subscriptions; unknown topics are no error.

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct DeleteTopic;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub topic_arn: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("TopicArn", &self.topic_arn).required();
    }
}

impl Operation for DeleteTopic {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "DeleteTopic";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        services
            .topics
            .delete_topic(&call.tenant, &input.topic_arn.unwrap_or_default())
            .await
            .map_err(fail)?;
        Ok(Empty {})
    }
}
