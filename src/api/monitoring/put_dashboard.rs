//! PutDashboard.

use std::collections::BTreeSet;

use belfry_catalog::alarms::AlarmFilter;
use belfry_lang::dashboard::{self, Finding, Report};
use belfry_model::Tenant;
use belfry_model::arn::Arn;
use belfry_wire::errors::monitoring;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::tag::{self, Tag};
use super::{dashboard_name, fail};
use crate::operation::{Call, Operation};
use crate::services::Services;

/// Ours (spec dashboards.md 1).
const BODY_BYTES_MAX: usize = 1_048_576;
/// Alarms that are looked up at a time.
const NAMES_AT_ONCE: usize = 100;

pub struct PutDashboard;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub dashboard_name: Option<String>,
    pub dashboard_body: Option<String>,
    pub tags: Option<Vec<Tag>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("DashboardName", &self.dashboard_name).required();
        c.member("DashboardBody", &self.dashboard_body).required();
        c.member("Tags", &self.tags).elements();
    }
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    /// Warnings only: with an error the body is not stored and the call fails.
    pub dashboard_validation_messages: Vec<Message>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Message {
    pub data_path: String,
    pub message: String,
}

impl From<Finding> for Message {
    fn from(finding: Finding) -> Self {
        Self {
            data_path: finding.path,
            message: finding.message,
        }
    }
}

/// # Errors
/// InvalidParameterInput for a body that is not valid.
fn validated(body: &str) -> Result<Report, ApiError> {
    let refused = |message: String, errors: &[Finding]| {
        let listed = errors
            .iter()
            .map(|error| json!({"DataPath": error.path, "Message": error.message}));
        monitoring::dashboard_invalid(message, listed.collect())
    };
    if body.len() > BODY_BYTES_MAX {
        let message = format!("The field DashboardBody must not exceed {BODY_BYTES_MAX} bytes");
        return Err(refused(message, &[]));
    }
    let report = dashboard::validate(body).map_err(|error| refused(error.to_string(), &[]))?;
    if report.error_count > 0 {
        return Err(refused(report.refusal(), &report.errors));
    }
    Ok(report)
}

/// A warning for each alarm of the caller's own account and region that is not there.
async fn warn_of_unknown_alarms(
    services: &Services,
    call: &Call,
    report: &mut Report,
) -> Result<(), ApiError> {
    let alarms = std::mem::take(&mut report.alarms);
    let named: Vec<(&str, Option<&str>)> = alarms
        .iter()
        .map(|alarm| (alarm.path.as_str(), alarm_name(&call.tenant, &alarm.arn)))
        .collect();
    let names: BTreeSet<&str> = named.iter().filter_map(|(_, name)| *name).collect();
    let known = known_alarms(services, call, &names).await?;
    for ((path, name), alarm) in named.into_iter().zip(&alarms) {
        match name {
            Some(name) if !known.contains(name) => {
                report.warn(path, format!("The alarm {name} does not exist"));
            }
            None if !is_alarm(&alarm.arn) => {
                report.warn(path, "This is not the ARN of an alarm");
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_alarm(arn: &str) -> bool {
    Arn::parse(arn).is_ok_and(|arn| arn.resource.starts_with("alarm:"))
}

/// Of an alarm that could be found here.
fn alarm_name<'a>(tenant: &Tenant, arn: &'a str) -> Option<&'a str> {
    let arn = Arn::parse(arn).ok().filter(|arn| arn.belongs_to(tenant))?;
    arn.resource.strip_prefix("alarm:")
}

async fn known_alarms(
    services: &Services,
    call: &Call,
    names: &BTreeSet<&str>,
) -> Result<BTreeSet<String>, ApiError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut known = BTreeSet::new();
    for names in names.chunks(NAMES_AT_ONCE) {
        let filter = AlarmFilter {
            names: names.to_vec(),
            ..AlarmFilter::default()
        };
        let found = services
            .catalog
            .alarms(&call.tenant, &filter, None, NAMES_AT_ONCE)
            .await
            .map_err(fail)?;
        known.extend(
            found
                .items
                .iter()
                .map(|row| row.definition.name().to_owned()),
        );
    }
    Ok(known)
}

impl Operation for PutDashboard {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "PutDashboard";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let name = input.dashboard_name.unwrap_or_default();
        dashboard_name::check(&name)?;
        let tags = tag::initial(input.tags)?;
        let body = input.dashboard_body.unwrap_or_default();
        let mut report = validated(&body)?;
        warn_of_unknown_alarms(services, call, &mut report).await?;
        services
            .catalog
            .put_dashboard(&call.tenant, &name, &body, tags, call.now)
            .await
            .map_err(fail)?;
        Ok(Output {
            dashboard_validation_messages: report.warnings.into_iter().map(Message::from).collect(),
        })
    }
}
