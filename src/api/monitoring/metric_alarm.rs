//! A metric alarm as answers write it.

use belfry_catalog::alarms::{AlarmDefinition, AlarmRow};
use belfry_model::{Statistic, arn};
use belfry_wire::Timestamp;
use serde::Serialize;

use super::dimension::{self, Dimension};

/// What was not given is absent; the lists of actions are always there (spec alarms.md 2).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricAlarm {
    pub alarm_name: String,
    pub alarm_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_description: Option<String>,
    pub alarm_configuration_updated_timestamp: Timestamp,
    pub actions_enabled: bool,
    #[serde(rename = "OKActions")]
    pub ok_actions: Vec<String>,
    pub alarm_actions: Vec<String>,
    pub insufficient_data_actions: Vec<String>,
    pub state_value: &'static str,
    pub state_reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_reason_data: Option<String>,
    pub state_updated_timestamp: Timestamp,
    pub metric_name: String,
    pub namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_statistic: Option<String>,
    pub dimensions: Vec<Dimension>,
    pub period: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    pub evaluation_periods: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<u32>,
    pub threshold: f64,
    pub comparison_operator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub treat_missing_data: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_low_sample_count_percentile: Option<&'static str>,
    pub state_transitioned_timestamp: Timestamp,
}

impl MetricAlarm {
    pub fn of(row: AlarmRow) -> Self {
        let AlarmDefinition::Metric(alarm) = row.definition;
        let (statistic, extended_statistic) = match &alarm.statistic {
            Statistic::Extended(extended) => (None, Some(extended.text().to_owned())),
            plain => (Some(plain.as_str().to_owned()), None),
        };
        Self {
            alarm_arn: arn::alarm(&row.tenant, &alarm.name),
            alarm_name: alarm.name,
            alarm_description: alarm.description,
            alarm_configuration_updated_timestamp: row.configured_at.into(),
            actions_enabled: alarm.actions_enabled,
            ok_actions: alarm.ok_actions,
            alarm_actions: alarm.alarm_actions,
            insufficient_data_actions: alarm.insufficient_data_actions,
            state_value: row.status.state.as_str(),
            state_reason: row.status.reason,
            state_reason_data: row.status.reason_data,
            state_updated_timestamp: row.status.updated_at.into(),
            metric_name: alarm.metric.name.to_string(),
            namespace: alarm.metric.namespace.to_string(),
            statistic,
            extended_statistic,
            dimensions: dimension::listed(&alarm.metric),
            period: alarm.period_s,
            unit: alarm.unit.map(|unit| unit.as_str()),
            evaluation_periods: alarm.evaluation_periods,
            datapoints_to_alarm: alarm.datapoints_to_alarm,
            threshold: alarm.threshold,
            comparison_operator: alarm.comparison.as_str(),
            treat_missing_data: alarm.treat_missing_data.map(|treat| treat.as_str()),
            evaluate_low_sample_count_percentile: alarm
                .low_sample_percentile
                .map(|percentile| percentile.as_str()),
            state_transitioned_timestamp: row.status.transitioned_at.into(),
        }
    }
}
