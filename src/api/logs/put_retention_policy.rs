//! PutRetentionPolicy.

use belfry_catalog::Error;
use belfry_model::quota::RETENTION_DAYS;
use belfry_store::logs::retention_start;
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::{class, fail, limits, resolve};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct PutRetentionPolicy;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_group_name: Option<String>,
    pub retention_in_days: Option<i64>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::log_group_name(c, &self.log_group_name);
        c.member("retentionInDays", &self.retention_in_days)
            .required();
    }
}

impl Operation for PutRetentionPolicy {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "PutRetentionPolicy";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let name = input.log_group_name.unwrap_or_default();
        let asked = input.retention_in_days.unwrap_or_default();
        let days = RETENTION_DAYS
            .iter()
            .copied()
            .find(|days| i64::from(*days) == asked)
            .ok_or_else(|| {
                let allowed: Vec<String> = RETENTION_DAYS.iter().map(u32::to_string).collect();
                logs::invalid_parameter(format!(
                    "1 validation error detected: Value '{asked}' at 'retentionInDays' failed to \
                     satisfy constraint: Member must satisfy enum value set: [{}]",
                    allowed.join(", ")
                ))
            })?;
        let group = resolve::log_group(services, call, &name).await?;
        class::must_have_free_retention(&group)?;
        let hidden_before = retention_start(&group, call.now);
        match services
            .catalog
            .set_retention(&call.tenant, &name, Some(days), hidden_before)
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
