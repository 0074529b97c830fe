//! GetMetricStatistics.

use std::collections::BTreeMap;

use belfry_model::{Statistic, Unit};
use belfry_query::Error;
use belfry_query::metrics::{self as planning, MetricStatisticsRequest, period};
use belfry_wire::errors::monitoring::{
    invalid_parameter_combination, invalid_parameter_value, missing_parameter,
};
use belfry_wire::{ApiError, Constrained, Constraints, Service, Timestamp};
use serde::{Deserialize, Serialize};

use super::dimension::{self, Dimension};
use super::{fail, limits};
use crate::operation::{Call, Operation};
use crate::services::Services;

/// A day (spec metrics.md 5).
const PERIOD_S_MAX: u32 = 86_400;

pub struct GetMetricStatistics;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub namespace: Option<String>,
    pub metric_name: Option<String>,
    pub dimensions: Option<Vec<Dimension>>,
    pub start_time: Option<Timestamp>,
    pub end_time: Option<Timestamp>,
    pub period: Option<i32>,
    pub statistics: Option<Vec<String>>,
    pub extended_statistics: Option<Vec<String>>,
    pub unit: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("Namespace", &self.namespace).required();
        limits::namespace(c, &self.namespace);
        c.member("MetricName", &self.metric_name).required();
        limits::metric_name(c, &self.metric_name);
        limits::dimensions(c, &self.dimensions);
        c.member("StartTime", &self.start_time).required();
        c.member("EndTime", &self.end_time).required();
        c.member("Period", &self.period).required().range(1..);
        c.member("Statistics", &self.statistics)
            .length(..=5)
            .each(|statistic| statistic.one_of(limits::STATISTICS));
        c.member("ExtendedStatistics", &self.extended_statistics)
            .length(..=10);
        limits::unit(c, &self.unit);
    }
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub label: String,
    pub datapoints: Vec<Datapoint>,
}

/// Only the statistics that were asked for are there.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Datapoint {
    pub timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_count: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    pub unit: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extended_statistics: BTreeMap<String, f64>,
}

impl From<planning::StatisticsDatapoint> for Datapoint {
    fn from(point: planning::StatisticsDatapoint) -> Self {
        let mut datapoint = Self {
            timestamp: point.timestamp.into(),
            sample_count: None,
            average: None,
            sum: None,
            minimum: None,
            maximum: None,
            unit: point.unit.as_str(),
            extended_statistics: BTreeMap::new(),
        };
        for (statistic, value) in point.statistics {
            let slot = match statistic {
                Statistic::SampleCount => &mut datapoint.sample_count,
                Statistic::Average => &mut datapoint.average,
                Statistic::Sum => &mut datapoint.sum,
                Statistic::Minimum => &mut datapoint.minimum,
                Statistic::Maximum => &mut datapoint.maximum,
                Statistic::Extended(extended) => {
                    let text = extended.text().to_owned();
                    datapoint.extended_statistics.insert(text, value);
                    continue;
                }
            };
            *slot = Some(value);
        }
        datapoint
    }
}

impl Input {
    /// From one of the two lists.
    fn statistics(&self) -> Result<Vec<Statistic>, ApiError> {
        let simple = self.statistics.as_deref().unwrap_or_default();
        let extended = self.extended_statistics.as_deref().unwrap_or_default();
        match (simple, extended) {
            ([], []) => Err(missing_parameter(
                "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
            )),
            (simple, []) => Ok(simple.iter().filter_map(|s| Statistic::parse(s).ok()).collect()),
            ([], extended) => extended
                .iter()
                .enumerate()
                .map(|(index, text)| {
                    let parsed = Statistic::parse(text).ok().filter(|s| !s.is_simple());
                    // The observed text (spec metrics.md 4).
                    parsed.ok_or_else(|| {
                        invalid_parameter_value(format!(
                            "The value {text} for parameter ExtendedStatistics.member.{}.<list element> is not supported.",
                            index + 1
                        ))
                    })
                })
                .collect(),
            _ => Err(invalid_parameter_combination(
                "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.",
            )),
        }
    }

    fn request(&self) -> Result<MetricStatisticsRequest, ApiError> {
        let start = self.start_time.unwrap_or_default().ms();
        let end = self.end_time.unwrap_or_default().ms();
        if start >= end {
            return Err(invalid_parameter_value(
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        let period_s = self.period.and_then(|period| u32::try_from(period).ok());
        let period_s = period_s
            .filter(|period| *period <= PERIOD_S_MAX && period::is_valid(*period))
            .ok_or_else(|| {
                invalid_parameter_value(
                    "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60, at most 86400.",
                )
            })?;
        Ok(MetricStatisticsRequest {
            metric: dimension::metric_id(
                self.namespace.as_deref().unwrap_or_default(),
                self.metric_name.as_deref().unwrap_or_default(),
                self.dimensions.as_deref().unwrap_or_default(),
                invalid_parameter_value,
            )?,
            unit: self.unit.as_deref().and_then(Unit::parse),
            start,
            end,
            period_s,
            statistics: self.statistics()?,
        })
    }
}

impl Operation for GetMetricStatistics {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "GetMetricStatistics";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let request = input.request()?;
        let read =
            planning::get_metric_statistics(&services.metrics, &call.tenant, &request, call.now);
        let datapoints = match read.await {
            Ok(datapoints) => datapoints,
            Err(error @ Error::TooManyDatapoints { .. }) => {
                return Err(invalid_parameter_combination(error.to_string()));
            }
            Err(error) => return Err(fail(error)),
        };
        Ok(Output {
            label: input.metric_name.unwrap_or_default(),
            datapoints: datapoints.into_iter().map(Datapoint::from).collect(),
        })
    }
}
