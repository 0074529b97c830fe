//! Subscribe: subscribes an endpoint; most have to confirm.

use std::collections::BTreeMap;

use belfry_notify::topic::SubscribeRequest;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct Subscribe;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub topic_arn: Option<String>,
    pub protocol: Option<String>,
    pub endpoint: Option<String>,
    pub attributes: Option<BTreeMap<String, String>>,
    pub return_subscription_arn: Option<bool>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    /// `pending confirmation` until confirmed, unless the caller asked for the ARN.
    pub subscription_arn: String,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("TopicArn", &self.topic_arn).required();
        c.member("Protocol", &self.protocol).required();
    }
}

impl Operation for Subscribe {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "Subscribe";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let request = SubscribeRequest {
            topic_arn: input.topic_arn.unwrap_or_default(),
            protocol: input.protocol.unwrap_or_default(),
            endpoint: input.endpoint,
            attributes: input.attributes.unwrap_or_default(),
            return_subscription_arn: input.return_subscription_arn.unwrap_or(false),
        };
        let outcome = services
            .topics
            .subscribe(&super::caller(call), request)
            .await
            .map_err(fail)?;
        Ok(Output {
            subscription_arn: outcome.shown().to_owned(),
        })
    }
}
