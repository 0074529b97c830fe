//! GetSubscriptionAttributes: attributes that are set, and those that every subscription has.

use std::collections::BTreeMap;

use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct GetSubscriptionAttributes;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub subscription_arn: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub attributes: BTreeMap<String, String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("SubscriptionArn", &self.subscription_arn)
            .required();
    }
}

impl Operation for GetSubscriptionAttributes {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "GetSubscriptionAttributes";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let attributes = services
            .topics
            .subscription_attributes(&call.tenant, &input.subscription_arn.unwrap_or_default())
            .await
            .map_err(fail)?;
        Ok(Output { attributes })
    }
}
