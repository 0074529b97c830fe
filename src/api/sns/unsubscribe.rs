//! Unsubscribe: removes a subscription; unknown ones are no error.

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct Unsubscribe;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub subscription_arn: Option<String>,
}

impl Constrained for Input {
    fn check(&self, _: &mut Constraints) {}
}

impl Operation for Unsubscribe {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "Unsubscribe";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let caller = call.is_signed().then(|| super::caller(call));
        services
            .topics
            .unsubscribe(caller.as_ref(), &input.subscription_arn.unwrap_or_default())
            .await
            .map_err(fail)?;
        Ok(Empty {})
    }
}
