//! PutMetricAlarm.

use belfry_model::alarm::{ComparisonOperator, LowSamplePercentile, MetricAlarm, TreatMissingData};
use belfry_model::{Statistic, Unit};
use belfry_wire::errors::monitoring;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::{Deserialize, Serialize};

use super::alarm_kind::{self, must_not_be_null};
use super::dimension::{self, Dimension};
use super::metric_data_query::MetricDataQuery;
use super::tag::{self, Tag};
use super::{fail, limits};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct PutMetricAlarm;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub alarm_name: Option<String>,
    pub alarm_description: Option<String>,
    pub actions_enabled: Option<bool>,
    #[serde(rename = "OKActions")]
    pub ok_actions: Option<Vec<String>>,
    pub alarm_actions: Option<Vec<String>>,
    pub insufficient_data_actions: Option<Vec<String>>,
    pub metric_name: Option<String>,
    pub namespace: Option<String>,
    pub statistic: Option<String>,
    pub extended_statistic: Option<String>,
    pub dimensions: Option<Vec<Dimension>>,
    pub period: Option<i32>,
    pub unit: Option<String>,
    pub evaluation_periods: Option<i32>,
    pub datapoints_to_alarm: Option<i32>,
    pub threshold: Option<f64>,
    pub comparison_operator: Option<String>,
    pub treat_missing_data: Option<String>,
    pub evaluate_low_sample_count_percentile: Option<String>,
    pub metrics: Option<Vec<MetricDataQuery>>,
    pub tags: Option<Vec<Tag>>,
    pub threshold_metric_id: Option<String>,
    pub evaluation_window: Option<EvaluationWindow>,
    pub warm_up_configuration: Option<WarmUpConfiguration>,
    pub evaluation_criteria: Option<EvaluationCriteria>,
    pub evaluation_interval: Option<i32>,
    pub action_configuration: Option<ActionConfiguration>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EvaluationWindow {
    pub wall_clock_window: Option<WallClockWindow>,
    pub sliding_window: Option<SlidingWindow>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WallClockWindow {
    pub timezone: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlidingWindow {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WarmUpConfiguration {
    pub warm_up_period_duration_in_minutes: Option<i32>,
    pub only_start_evaluating_after_warm_up_period_ends: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EvaluationCriteria {
    #[serde(rename = "PromQLCriteria")]
    pub prom_ql_criteria: Option<PromQlCriteria>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PromQlCriteria {
    pub query: Option<String>,
    pub pending_period: Option<i32>,
    pub recovery_period: Option<i32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ActionConfiguration {
    pub alarm_tags_propagation: Option<AlarmTagsPropagation>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AlarmTagsPropagation {
    pub enabled: Option<bool>,
    pub included_tag_keys: Option<Vec<String>>,
    pub excluded_tag_keys: Option<Vec<String>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("AlarmName", &self.alarm_name)
            .required()
            .length(1..=255);
        c.member("AlarmDescription", &self.alarm_description)
            .length(..=1_024);
        for (member, actions) in [
            ("OKActions", &self.ok_actions),
            ("AlarmActions", &self.alarm_actions),
            ("InsufficientDataActions", &self.insufficient_data_actions),
        ] {
            c.member(member, actions)
                .length(..=5)
                .each(|action| action.length(1..=1_024));
        }
        limits::metric_name(c, &self.metric_name);
        limits::namespace(c, &self.namespace);
        c.member("Statistic", &self.statistic)
            .one_of(limits::STATISTICS);
        limits::dimensions(c, &self.dimensions);
        limits::period(c, &self.period);
        limits::unit(c, &self.unit);
        c.member("EvaluationPeriods", &self.evaluation_periods)
            .range(1..);
        c.member("DatapointsToAlarm", &self.datapoints_to_alarm)
            .range(1..);
        limits::comparison_operator(c, &self.comparison_operator);
        c.member("TreatMissingData", &self.treat_missing_data)
            .one_of(&["breaching", "notBreaching", "ignore", "missing"]);
        c.member(
            "EvaluateLowSampleCountPercentile",
            &self.evaluate_low_sample_count_percentile,
        )
        .one_of(&["evaluate", "ignore"]);
        c.member("Metrics", &self.metrics).elements();
        c.member("Tags", &self.tags).elements();
        c.member("ThresholdMetricId", &self.threshold_metric_id)
            .length(1..=255);
        c.member("EvaluationWindow", &self.evaluation_window)
            .structure();
        c.member("WarmUpConfiguration", &self.warm_up_configuration)
            .structure();
        c.member("EvaluationCriteria", &self.evaluation_criteria)
            .structure();
        c.member("EvaluationInterval", &self.evaluation_interval)
            .range(10..=3_600);
        c.member("ActionConfiguration", &self.action_configuration)
            .structure();
    }
}

impl Constrained for EvaluationWindow {
    fn check(&self, c: &mut Constraints) {
        c.member("WallClockWindow", &self.wall_clock_window)
            .structure();
    }
}

impl Constrained for WallClockWindow {
    fn check(&self, c: &mut Constraints) {
        c.member("Timezone", &self.timezone).length(1..=50);
    }
}

impl Constrained for WarmUpConfiguration {
    fn check(&self, c: &mut Constraints) {
        c.member(
            "WarmUpPeriodDurationInMinutes",
            &self.warm_up_period_duration_in_minutes,
        )
        .required()
        .range(1..=2_880);
    }
}

impl Constrained for EvaluationCriteria {
    fn check(&self, c: &mut Constraints) {
        c.member("PromQLCriteria", &self.prom_ql_criteria)
            .structure();
    }
}

impl Constrained for PromQlCriteria {
    fn check(&self, c: &mut Constraints) {
        c.member("Query", &self.query).required().length(1..=10_000);
        c.member("PendingPeriod", &self.pending_period)
            .range(0..=86_400);
        c.member("RecoveryPeriod", &self.recovery_period)
            .range(0..=86_400);
    }
}

impl Constrained for ActionConfiguration {
    fn check(&self, c: &mut Constraints) {
        c.member("AlarmTagsPropagation", &self.alarm_tags_propagation)
            .structure();
    }
}

impl Constrained for AlarmTagsPropagation {
    fn check(&self, c: &mut Constraints) {
        c.member("Enabled", &self.enabled).required();
        for (member, keys) in [
            ("IncludedTagKeys", &self.included_tag_keys),
            ("ExcludedTagKeys", &self.excluded_tag_keys),
        ] {
            c.member(member, keys)
                .length(1..=50)
                .each(|key| key.length(1..=128));
        }
    }
}

/// A count that the constraints have found to be positive.
fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

impl Input {
    /// The alarm on one metric that this asks for.
    ///
    /// # Errors
    /// ValidationError for what such an alarm lacks.
    fn into_alarm(self) -> Result<MetricAlarm, ApiError> {
        let namespace = self
            .namespace
            .ok_or_else(|| must_not_be_null("Namespace"))?;
        let period = self.period.ok_or_else(|| must_not_be_null("Period"))?;
        let evaluation_periods = self
            .evaluation_periods
            .ok_or_else(|| must_not_be_null("EvaluationPeriods"))?;
        let threshold = self
            .threshold
            .ok_or_else(|| must_not_be_null("Threshold"))?;
        let comparison = self
            .comparison_operator
            .as_deref()
            .and_then(ComparisonOperator::parse)
            .ok_or_else(|| must_not_be_null("ComparisonOperator"))?;
        let statistic = match (self.statistic, self.extended_statistic) {
            (Some(_), Some(_)) => {
                return Err(monitoring::validation_error(
                    "Statistic and ExtendedStatistic are mutually exclusive.",
                ));
            }
            (Some(text), None) => Statistic::parse(&text).ok(),
            (None, Some(text)) => Statistic::parse(&text).ok().filter(|s| !s.is_simple()),
            (None, None) => return Err(must_not_be_null("Statistic")),
        }
        .ok_or_else(|| {
            monitoring::validation_error("The value for ExtendedStatistic is not supported.")
        })?;
        let metric = dimension::metric_id(
            &namespace,
            self.metric_name.as_deref().unwrap_or_default(),
            self.dimensions.as_deref().unwrap_or_default(),
            monitoring::validation_error,
        )?;
        Ok(MetricAlarm {
            name: self.alarm_name.unwrap_or_default(),
            description: self.alarm_description,
            actions_enabled: self.actions_enabled.unwrap_or(true),
            ok_actions: self.ok_actions.unwrap_or_default(),
            alarm_actions: self.alarm_actions.unwrap_or_default(),
            insufficient_data_actions: self.insufficient_data_actions.unwrap_or_default(),
            metric,
            statistic,
            period_s: count(period),
            unit: self.unit.as_deref().and_then(Unit::parse),
            evaluation_periods: count(evaluation_periods),
            datapoints_to_alarm: self.datapoints_to_alarm.map(count),
            threshold,
            comparison,
            treat_missing_data: self
                .treat_missing_data
                .as_deref()
                .and_then(TreatMissingData::parse),
            low_sample_percentile: match self.evaluate_low_sample_count_percentile.as_deref() {
                Some("ignore") => Some(LowSamplePercentile::Ignore),
                Some(_) => Some(LowSamplePercentile::Evaluate),
                None => None,
            },
        })
    }
}

impl Operation for PutMetricAlarm {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "PutMetricAlarm";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, mut input: Input) -> Result<Empty, ApiError> {
        alarm_kind::check(&input)?;
        let tags = tag::initial(input.tags.take())?;
        let alarm = input.into_alarm()?;
        services
            .alarms
            .put_alarm(&call.tenant, alarm, tags)
            .await
            .map_err(fail)?;
        Ok(Empty {})
    }
}
