//! DescribeAlarmsForMetric.

use belfry_catalog::alarms::{AlarmDefinition, AlarmFilter, AlarmRow};
use belfry_model::alarm as model;
use belfry_wire::errors::monitoring;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::dimension::{self, Dimension};
use super::metric_alarm::MetricAlarm;
use super::{fail, limits};
use crate::operation::{Call, Operation};
use crate::services::Services;

/// Alarms that are read from the catalog at a time.
const READ_AT_ONCE: usize = 500;

pub struct DescribeAlarmsForMetric;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub metric_name: Option<String>,
    pub namespace: Option<String>,
    pub statistic: Option<String>,
    pub extended_statistic: Option<String>,
    pub dimensions: Option<Vec<Dimension>>,
    pub period: Option<i32>,
    pub unit: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("MetricName", &self.metric_name).required();
        limits::metric_name(c, &self.metric_name);
        c.member("Namespace", &self.namespace).required();
        limits::namespace(c, &self.namespace);
        c.member("Statistic", &self.statistic)
            .one_of(limits::STATISTICS);
        limits::dimensions(c, &self.dimensions);
        limits::period(c, &self.period);
        limits::unit(c, &self.unit);
    }
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub metric_alarms: Vec<MetricAlarm>,
}

impl Input {
    /// Whether the alarm has the statistic, period and unit asked for, where there are any.
    fn fits(&self, alarm: &model::MetricAlarm) -> bool {
        let statistics = [&self.statistic, &self.extended_statistic];
        statistics
            .into_iter()
            .flatten()
            .all(|wanted| wanted == alarm.statistic.as_str())
            && self
                .period
                .is_none_or(|wanted| u32::try_from(wanted) == Ok(alarm.period_s))
            && self
                .unit
                .as_deref()
                .is_none_or(|wanted| alarm.unit.is_some_and(|unit| unit.as_str() == wanted))
    }
}

impl Operation for DescribeAlarmsForMetric {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "DescribeAlarmsForMetric";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let metric = dimension::metric_id(
            input.namespace.as_deref().unwrap_or_default(),
            input.metric_name.as_deref().unwrap_or_default(),
            input.dimensions.as_deref().unwrap_or_default(),
            monitoring::validation_error,
        )?;
        let wanted = |row: &AlarmRow| {
            let AlarmDefinition::Metric(alarm) = &row.definition;
            alarm.metric == metric && input.fits(alarm)
        };
        let (filter, mut after) = (AlarmFilter::default(), None);
        let mut metric_alarms = Vec::new();
        loop {
            let page = services
                .catalog
                .alarms(&call.tenant, &filter, after.as_deref(), READ_AT_ONCE)
                .await
                .map_err(fail)?;
            let found = page.items.into_iter().filter(wanted);
            metric_alarms.extend(found.map(MetricAlarm::of));
            after = page.next_after;
            if after.is_none() {
                return Ok(Output { metric_alarms });
            }
        }
    }
}
