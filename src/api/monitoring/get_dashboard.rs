//! GetDashboard.

use belfry_model::arn;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::{dashboard_name, fail};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct GetDashboard;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub dashboard_name: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("DashboardName", &self.dashboard_name).required();
    }
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub dashboard_arn: String,
    /// Byte for byte as it was put.
    pub dashboard_body: String,
    pub dashboard_name: String,
}

impl Operation for GetDashboard {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "GetDashboard";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let name = input.dashboard_name.unwrap_or_default();
        dashboard_name::check(&name)?;
        let found = services.catalog.dashboard(&call.tenant, &name).await;
        let dashboard = found
            .map_err(fail)?
            .ok_or_else(|| dashboard_name::not_found(&name))?;
        Ok(Output {
            dashboard_arn: arn::dashboard(&call.tenant, &name),
            dashboard_body: dashboard.body,
            dashboard_name: name,
        })
    }
}
