//! StopQuery.

use belfry_query::insights::Stopped;
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct StopQuery;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub query_id: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Output {
    pub success: bool,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("queryId", &self.query_id)
            .required()
            .length(1..=256);
    }
}

impl Operation for StopQuery {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "StopQuery";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let id = input.query_id.unwrap_or_default();
        match services.insights.stop(&call.tenant, &id).await {
            Ok(Stopped::Stopped) => Ok(Output { success: true }),
            Ok(Stopped::HadEnded) => Err(logs::invalid_parameter(format!(
                "The specified query with ID {id} has already ended."
            ))),
            Ok(Stopped::Unknown) => Err(super::query_not_found(&id)),
            Err(error) => Err(fail(error)),
        }
    }
}
