//! DeleteLogGroup: the group, its streams, its events, its tags.

use belfry_model::{Classified, StatusClass};
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::{fail, limits, resolve};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct DeleteLogGroup;

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

impl Operation for DeleteLogGroup {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "DeleteLogGroup";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let name = input.log_group_name.unwrap_or_default();
        let group = resolve::log_group(services, call, &name).await?;
        if group.deletion_protection {
            return Err(logs::validation(
                "Deletion protection is enabled for the log group. Disable it before deletion.",
            ));
        }
        match services.logs.delete_log_group(&call.tenant, &name).await {
            Ok(_) => Ok(Empty {}),
            Err(error) if error.class() == StatusClass::NotFound => {
                Err(logs::log_group_not_found())
            }
            Err(error) => Err(fail(error)),
        }
    }
}
