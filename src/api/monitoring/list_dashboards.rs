//! ListDashboards.

use belfry_model::arn;
use belfry_wire::{ApiError, Constrained, Constraints, Service, Timestamp};
use serde::{Deserialize, Serialize};

use super::fail;
use crate::operation::{Call, Operation};
use crate::pages::Pages;
use crate::services::Services;

/// Spec dashboards.md 1.
const PAGE: usize = 1_000;

pub struct ListDashboards;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub dashboard_name_prefix: Option<String>,
    pub next_token: Option<String>,
}

impl Constrained for Input {
    fn check(&self, _: &mut Constraints) {}
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub dashboard_entries: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    pub dashboard_name: String,
    pub dashboard_arn: String,
    pub last_modified: Timestamp,
    /// Bytes of the stored body.
    pub size: u64,
}

impl Operation for ListDashboards {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "ListDashboards";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let prefix = input.dashboard_name_prefix.as_deref();
        let pages = Pages::new(services, call, Self::NAME, &prefix);
        let after = pages.open(input.next_token.as_deref())?;
        let page = services
            .catalog
            .dashboards(&call.tenant, prefix, after.as_deref(), PAGE)
            .await
            .map_err(fail)?;
        let entry = |entry: belfry_catalog::dashboards::DashboardEntry| Entry {
            dashboard_arn: arn::dashboard(&call.tenant, &entry.name),
            dashboard_name: entry.name,
            last_modified: entry.modified_at.into(),
            size: entry.bytes,
        };
        Ok(Output {
            dashboard_entries: page.items.into_iter().map(entry).collect(),
            next_token: pages.next(page.next_after),
        })
    }
}
