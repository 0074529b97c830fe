//! ConfirmSubscription: redeems the token of a confirmation message.

use belfry_notify::topic::ConfirmRequest;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct ConfirmSubscription;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub topic_arn: Option<String>,
    pub token: Option<String>,
    pub authenticate_on_unsubscribe: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub subscription_arn: String,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("TopicArn", &self.topic_arn).required();
        c.member("Token", &self.token).required();
    }
}

impl Operation for ConfirmSubscription {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "ConfirmSubscription";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let request = ConfirmRequest {
            topic_arn: input.topic_arn.unwrap_or_default(),
            token: input.token.unwrap_or_default(),
            authenticate_on_unsubscribe: input
                .authenticate_on_unsubscribe
                .is_some_and(|text| text.eq_ignore_ascii_case("true")),
        };
        let caller = call.is_signed().then(|| super::caller(call));
        let subscription_arn = services
            .topics
            .confirm_subscription(caller.as_ref(), request)
            .await
            .map_err(fail)?;
        Ok(Output { subscription_arn })
    }
}
