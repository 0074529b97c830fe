//! DeleteDashboards.

use belfry_catalog::Error;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::{Deserialize, Serialize};

use super::{dashboard_name, fail};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct DeleteDashboards;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub dashboard_names: Option<Vec<String>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("DashboardNames", &self.dashboard_names)
            .required()
            .length(..=100);
    }
}

impl Operation for DeleteDashboards {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "DeleteDashboards";
    type Input = Input;
    type Output = Empty;

    /// All, or none if one does not exist (spec dashboards.md 1).
    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let names = input.dashboard_names.unwrap_or_default();
        for name in &names {
            dashboard_name::check(name)?;
        }
        let deleted = services.catalog.delete_dashboards(&call.tenant, &names);
        match deleted.await {
            Ok(()) => Ok(Empty {}),
            Err(Error::NotFound { name, .. }) => Err(dashboard_name::not_found(&name)),
            Err(error) => Err(fail(error)),
        }
    }
}
