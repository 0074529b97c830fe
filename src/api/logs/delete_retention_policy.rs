//! DeleteRetentionPolicy: events are kept for ever.

use belfry_catalog::Error;
use belfry_store::logs::retention_start;
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::{class, fail, limits, resolve};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct DeleteRetentionPolicy;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_group_name: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::log_group_name(c, &self.log_group_name);
    }
}

impl Operation for DeleteRetentionPolicy {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "DeleteRetentionPolicy";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let name = input.log_group_name.unwrap_or_default();
        let group = resolve::log_group(services, call, &name).await?;
        class::must_have_free_retention(&group)?;
        let hidden_before = retention_start(&group, call.now);
        match services
            .catalog
            .set_retention(&call.tenant, &name, None, hidden_before)
            .await
        {
            Ok(_) => {
                services.logs.log_group_changed(&call.tenant, &name);
                Ok(Empty {})
            }
            Err(Error::NotFound { .. }) => Err(logs::log_group_not_found()),
            Err(error) => Err(fail(error)),
        }
    }
}
