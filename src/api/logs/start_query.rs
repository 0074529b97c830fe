//! StartQuery: starts a Logs Insights query (spec logs-insights.md 10.1).

use belfry_catalog::log_groups::LogGroup;
use belfry_model::Classified;
use belfry_query::insights::{CompileError, QueryTimes, StartError, StartRequest};
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::{class, fail, limits, resolve};
use crate::operation::{Call, Operation};
use crate::services::Services;

/// Spec wire-protocols.md 9.
const GROUPS_MAX: usize = 50;

pub struct StartQuery;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub query_language: Option<String>,
    pub log_group_name: Option<String>,
    pub log_group_names: Option<Vec<String>>,
    pub log_group_identifiers: Option<Vec<String>>,
    pub start_time: Option<i64>,
    pub end_time: Option<i64>,
    pub query_string: Option<String>,
    pub limit: Option<i32>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub query_id: String,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("queryLanguage", &self.query_language)
            .one_of(&["CWLI", "SQL", "PPL"]);
        limits::optional_log_group(c, &self.log_group_name, &None);
        limits::log_group_names(c, "logGroupNames", &self.log_group_names);
        limits::log_group_identifiers(
            c,
            "logGroupIdentifiers",
            &self.log_group_identifiers,
            GROUPS_MAX,
        );
        c.member("startTime", &self.start_time)
            .required()
            .range(0..);
        c.member("endTime", &self.end_time).required().range(0..);
        c.member("queryString", &self.query_string)
            .required()
            .length(..=10_000);
        c.member("limit", &self.limit).range(1..=100_000);
    }
}

impl Operation for StartQuery {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "StartQuery";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        if let Some(language @ ("SQL" | "PPL")) = input.query_language.as_deref() {
            return Err(logs::invalid_parameter(format!(
                "Queries in {language} are not supported by this server; use CWLI."
            )));
        }
        let start = input.start_time.unwrap_or_default();
        let end = input.end_time.unwrap_or_default();
        let times = QueryTimes::of_request(start, end, call.now);
        if times.start > times.end {
            return Err(logs::invalid_parameter(
                "End time should not be less than start time.",
            ));
        }
        let named_groups = named_groups(call, &input)?;
        let mut groups: Vec<LogGroup> = Vec::with_capacity(named_groups.len());
        for name in &named_groups {
            let group = services.catalog.log_group(&call.tenant, name).await;
            let group = group.map_err(fail)?.ok_or_else(|| {
                logs::resource_not_found(format!(
                    "Log group '{name}' does not exist for account ID '{}'",
                    call.tenant.account
                ))
            })?;
            class::must_have_queries(&group)?;
            groups.push(group);
        }
        let request = StartRequest {
            tenant: call.tenant.clone(),
            text: input.query_string.unwrap_or_default(),
            named_groups,
            groups,
            start,
            end,
            limit: input.limit.and_then(|limit| u32::try_from(limit).ok()),
        };
        match services.insights.start(request).await {
            Ok(query_id) => Ok(Output { query_id }),
            Err(StartError::Compile(error)) => Err(malformed(&error)),
            Err(StartError::Failed(error)) => match error.class() {
                belfry_model::StatusClass::LimitExceeded => {
                    Err(logs::limit_exceeded(error.to_string()))
                }
                _ => Err(fail(error)),
            },
        }
    }
}

/// The names of the groups, given in exactly one of the three ways.
fn named_groups(call: &Call, input: &Input) -> Result<Vec<String>, ApiError> {
    let names = match (
        &input.log_group_name,
        &input.log_group_names,
        &input.log_group_identifiers,
    ) {
        (Some(name), None, None) => vec![name.clone()],
        (None, Some(names), None) => names.clone(),
        (None, None, Some(identifiers)) => identifiers
            .iter()
            .map(|identifier| resolve::group_name(&call.tenant, identifier).map(str::to_owned))
            .collect::<Result<_, _>>()?,
        _ => {
            return Err(logs::invalid_parameter(
                "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.",
            ));
        }
    };
    if names.is_empty() || names.len() > GROUPS_MAX {
        return Err(logs::invalid_parameter(format!(
            "A query needs 1 to {GROUPS_MAX} log groups."
        )));
    }
    Ok(names)
}

fn malformed(error: &CompileError) -> ApiError {
    logs::malformed_query(error.message.clone(), Some((error.start, error.end)))
}
