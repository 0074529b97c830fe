//! Which kind of alarm a PutMetricAlarm asks for, and the rules of the kinds that are not
//! watched yet (spec alarms.md 1, 2 and 6).
//!
//! A request of such a kind is checked as AWS would check it, so that its author learns of
//! mistakes, and is then refused: nothing is accepted that will not be watched.

use std::collections::HashSet;

use belfry_lang::metric_math::{self, Function};
use belfry_model::Statistic;
use belfry_model::alarm::ComparisonOperator;
use belfry_wire::errors::{ApiError, monitoring};

use super::metric_data_query::MetricDataQuery;
use super::put_metric_alarm::Input;

const ELEMENTS_MAX: usize = 20;
const METRICS_MAX: usize = 10;
const EXPRESSIONS_MAX: usize = 10;
/// Of alarms on Metrics Insights, in seconds.
const INSIGHTS_SPAN_S_MAX: i64 = 3 * 3_600;
const WALL_CLOCK_PERIODS: &[i32] = &[60, 300, 3_600, 86_400, 604_800];

fn refuse<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(monitoring::validation_error(message))
}

/// The observed form (spec alarms.md 2).
pub fn must_not_be_null(member: &str) -> ApiError {
    monitoring::validation_error(format!("{member} must not be null"))
}

fn not_supported<T>(what: &str) -> Result<T, ApiError> {
    refuse(format!("{what} not supported by this server yet."))
}

/// Passes requests for alarms on one metric with a sliding window.
///
/// # Errors
/// ValidationError for a combination that AWS refuses too, or for a kind of alarm that is not
/// watched yet.
pub fn check(input: &Input) -> Result<(), ApiError> {
    check_window(input)?;
    if input.evaluation_criteria.is_some() {
        check_promql(input)?;
        return not_supported("Alarms on PromQL queries are");
    }
    if input.evaluation_interval.is_some() {
        return refuse("EvaluationInterval should only be set with EvaluationCriteria.");
    }
    // An empty list is none: some SDKs send it for one that was not given.
    let metrics = input.metrics.as_deref().filter(|list| !list.is_empty());
    match (&input.metric_name, metrics) {
        (None, None) => return Err(must_not_be_null("MetricName")),
        (_, Some(metrics)) => {
            let kind = check_metrics(input, metrics)?;
            return not_supported(kind);
        }
        (Some(_), None) => {}
    }
    if input.threshold_metric_id.is_some() {
        return refuse("ThresholdMetricId should only be set if list of Metrics is set.");
    }
    if let Some(window) = &input.evaluation_window
        && window.wall_clock_window.is_some()
    {
        return not_supported("Alarms with a WallClockWindow are");
    }
    if input.warm_up_configuration.is_some() {
        return not_supported("WarmUpConfiguration is");
    }
    let propagation = input.action_configuration.as_ref();
    let propagation = propagation.and_then(|action| action.alarm_tags_propagation.as_ref());
    if let Some(propagation) = propagation {
        if propagation.included_tag_keys.is_some() && propagation.excluded_tag_keys.is_some() {
            return refuse("IncludedTagKeys and ExcludedTagKeys are mutually exclusive.");
        }
        if propagation.enabled == Some(true) {
            return not_supported("AlarmTagsPropagation is");
        }
    }
    Ok(())
}

fn check_window(input: &Input) -> Result<(), ApiError> {
    let Some(window) = &input.evaluation_window else {
        return Ok(());
    };
    match (&window.wall_clock_window, &window.sliding_window) {
        (Some(_), Some(_)) | (None, None) => {
            refuse("EvaluationWindow must have exactly one of WallClockWindow and SlidingWindow.")
        }
        (None, Some(_)) => Ok(()),
        (Some(_), None) => {
            if input.evaluation_criteria.is_some() {
                return refuse("WallClockWindow cannot be used with EvaluationCriteria.");
            }
            let metrics = input.metrics.iter().flatten();
            let mut periods = input
                .period
                .into_iter()
                .chain(metrics.filter_map(MetricDataQuery::period));
            if periods.any(|period| !WALL_CLOCK_PERIODS.contains(&period)) {
                return refuse(
                    "Period must be one of 60, 300, 3600, 86400, 604800 with a WallClockWindow.",
                );
            }
            Ok(())
        }
    }
}

fn check_promql(input: &Input) -> Result<(), ApiError> {
    let others = single_metric_members(input).into_iter().chain([
        ("Metrics", input.metrics.is_some()),
        ("MetricName", input.metric_name.is_some()),
        ("Threshold", input.threshold.is_some()),
        ("ComparisonOperator", input.comparison_operator.is_some()),
        ("ThresholdMetricId", input.threshold_metric_id.is_some()),
        ("EvaluationPeriods", input.evaluation_periods.is_some()),
        ("DatapointsToAlarm", input.datapoints_to_alarm.is_some()),
    ]);
    for (member, is_set) in others {
        if is_set {
            return refuse(format!(
                "{member} should not be set if EvaluationCriteria is set."
            ));
        }
    }
    if input.evaluation_interval.is_none() {
        return Err(must_not_be_null("EvaluationInterval"));
    }
    match &input.evaluation_criteria {
        Some(criteria) if criteria.prom_ql_criteria.is_some() => Ok(()),
        _ => Err(must_not_be_null("PromQLCriteria")),
    }
}

/// The members that only an alarm on one metric has, beside its name.
fn single_metric_members(input: &Input) -> [(&'static str, bool); 6] {
    [
        ("Namespace", input.namespace.is_some()),
        ("Dimensions", has_any(&input.dimensions)),
        ("Period", input.period.is_some()),
        ("Unit", input.unit.is_some()),
        ("Statistic", input.statistic.is_some()),
        ("ExtendedStatistic", input.extended_statistic.is_some()),
    ]
}

/// Some SDKs send empty lists for those that were not given.
fn has_any<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}

/// The kind of alarm that `metrics` make, as the beginning of a sentence.
fn check_metrics(input: &Input, metrics: &[MetricDataQuery]) -> Result<&'static str, ApiError> {
    let name = ("MetricName", input.metric_name.is_some());
    for (member, is_set) in [name].into_iter().chain(single_metric_members(input)) {
        if is_set {
            return refuse(format!(
                "{member} should not be set if list of Metrics is set."
            ));
        }
    }
    let operator = input
        .comparison_operator
        .as_deref()
        .and_then(ComparisonOperator::parse)
        .ok_or_else(|| must_not_be_null("ComparisonOperator"))?;
    let periods = input
        .evaluation_periods
        .ok_or_else(|| must_not_be_null("EvaluationPeriods"))?;
    if input.datapoints_to_alarm.is_some_and(|m| m > periods) {
        return refuse("DatapointsToAlarm must be less than or equal to EvaluationPeriods");
    }
    check_elements(metrics)?;
    let returning = metrics.iter().filter(|query| query.returns_data()).count();
    if let Some(band) = &input.threshold_metric_id {
        check_band(input, operator, metrics, band)?;
        if returning != 2 {
            return refuse("Exactly two elements of the metrics list should return data.");
        }
        return Ok("Alarms on anomaly detection bands are");
    }
    if returning != 1 {
        return refuse("Exactly one element of the metrics list should return data.");
    }
    if operator.is_band() {
        return refuse(format!("{} needs a ThresholdMetricId", operator.as_str()));
    }
    if input.threshold.is_none() {
        return Err(must_not_be_null("Threshold"));
    }
    let insights = metrics.iter().find(|query| {
        let expression = query.expression.as_deref();
        expression.is_some_and(metric_math::is_metrics_insights)
    });
    if let Some(query) = insights {
        let period = query.period.ok_or_else(|| must_not_be_null("Period"))?;
        if i64::from(period) * i64::from(periods) > INSIGHTS_SPAN_S_MAX {
            return refuse(
                "Metrics Insights queries cannot be checked across more than three hours",
            );
        }
        return Ok("Alarms on Metrics Insights queries are");
    }
    Ok("Alarms on metric math are")
}

fn check_elements(metrics: &[MetricDataQuery]) -> Result<(), ApiError> {
    if metrics.len() > ELEMENTS_MAX {
        return refuse(format!(
            "The list of Metrics must not have more than {ELEMENTS_MAX} elements."
        ));
    }
    let mut ids = HashSet::new();
    for query in metrics {
        let id = query.id.as_deref().unwrap_or_default();
        if !query.has_valid_id() {
            return refuse(format!(
                "The id {id} must begin with a lower case letter and consist of letters, digits and underscores."
            ));
        }
        if !ids.insert(id) {
            return refuse(format!("The id {id} is used more than once."));
        }
        check_element(id, query)?;
    }
    let stats = metrics
        .iter()
        .filter_map(|query| query.metric_stat.as_ref());
    if stats.clone().count() > METRICS_MAX {
        return refuse(format!(
            "The list of Metrics must not have more than {METRICS_MAX} metrics."
        ));
    }
    if metrics.len() - stats.clone().count() > EXPRESSIONS_MAX {
        return refuse(format!(
            "The list of Metrics must not have more than {EXPRESSIONS_MAX} expressions."
        ));
    }
    let periods: HashSet<_> = stats.map(|stat| stat.period).collect();
    if periods.len() > 1 {
        return refuse("All metrics of the list of Metrics must have the same Period.");
    }
    check_expressions(metrics, &ids)
}

fn check_element(id: &str, query: &MetricDataQuery) -> Result<(), ApiError> {
    match (&query.metric_stat, &query.expression) {
        (Some(stat), None) => {
            let period = stat.period.and_then(|period| u32::try_from(period).ok());
            if !period.is_some_and(belfry_alarm::definition::is_period) {
                return refuse("Period must be 10, 20, 30 or a multiple of 60");
            }
            if Statistic::parse(stat.stat.as_deref().unwrap_or_default()).is_err() {
                return refuse(format!("The statistic of {id} is not valid."));
            }
            let metric = stat.metric.as_ref();
            if metric.is_none_or(|m| m.namespace.is_none() || m.metric_name.is_none()) {
                return refuse(format!("{id} needs a Namespace and a MetricName."));
            }
            Ok(())
        }
        (None, Some(_)) => Ok(()),
        _ => refuse(format!(
            "{id} must have exactly one of MetricStat and Expression."
        )),
    }
}

fn check_expressions(metrics: &[MetricDataQuery], ids: &HashSet<&str>) -> Result<(), ApiError> {
    for query in metrics {
        let Some(text) = query.expression.as_deref() else {
            continue;
        };
        if metric_math::is_metrics_insights(text) {
            continue;
        }
        let expression = match metric_math::parse(text) {
            Ok(expression) => expression,
            Err(error) => return refuse(format!("Error in expression '{text}': {error}")),
        };
        if let Some(unknown) = expression.ids().iter().find(|id| !ids.contains(*id)) {
            return refuse(format!(
                "Expression '{text}' refers to the unknown id {unknown}."
            ));
        }
        if expression.calls(Function::Search) {
            return refuse("Alarms cannot be made on SEARCH expressions.");
        }
    }
    Ok(())
}

fn check_band(
    input: &Input,
    operator: ComparisonOperator,
    metrics: &[MetricDataQuery],
    band: &str,
) -> Result<(), ApiError> {
    if input.threshold.is_some() {
        return refuse("Threshold should not be set if ThresholdMetricId is set.");
    }
    if !operator.is_band() {
        return refuse(format!(
            "{} cannot be used with a ThresholdMetricId",
            operator.as_str()
        ));
    }
    let element = metrics
        .iter()
        .find(|query| query.id.as_deref() == Some(band));
    let text = element.and_then(|query| query.expression.as_deref());
    let is_band = text
        .and_then(|text| metric_math::parse(text).ok())
        .is_some_and(|expression| expression.calls(Function::AnomalyDetectionBand));
    if !is_band {
        return refuse("ThresholdMetricId must be the id of an ANOMALY_DETECTION_BAND expression.");
    }
    Ok(())
}
