//! AddPermission: adds a statement to the policy of a topic.

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct AddPermission;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub topic_arn: Option<String>,
    pub label: Option<String>,
    #[serde(rename = "AWSAccountId")]
    pub aws_account_id: Option<Vec<String>>,
    pub action_name: Option<Vec<String>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("TopicArn", &self.topic_arn).required();
        c.member("Label", &self.label).required();
        c.member("AWSAccountId", &self.aws_account_id).required();
        c.member("ActionName", &self.action_name).required();
    }
}

impl Operation for AddPermission {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "AddPermission";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        services
            .topics
            .add_permission(
                &call.tenant,
                &input.topic_arn.unwrap_or_default(),
                &input.label.unwrap_or_default(),
                &input.aws_account_id.unwrap_or_default(),
                &input.action_name.unwrap_or_default(),
            )
            .await
            .map_err(fail)?;
        Ok(Empty {})
    }
}
