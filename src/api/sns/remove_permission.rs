//! RemovePermission: removes a statement from the policy of a topic.

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct RemovePermission;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub topic_arn: Option<String>,
    pub label: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("TopicArn", &self.topic_arn).required();
        c.member("Label", &self.label).required();
    }
}

impl Operation for RemovePermission {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "RemovePermission";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        services
            .topics
            .remove_permission(
                &call.tenant,
                &input.topic_arn.unwrap_or_default(),
                &input.label.unwrap_or_default(),
            )
            .await
            .map_err(fail)?;
        Ok(Empty {})
    }
}
