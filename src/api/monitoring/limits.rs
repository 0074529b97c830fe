//! Limits that many operations of CloudWatch share, as the service model declares them.

use std::sync::LazyLock;

use belfry_model::Unit;
use belfry_model::alarm::ComparisonOperator;
use belfry_model::quota::{METRIC_DIMENSIONS_MAX, METRIC_NAME_CHARS_MAX};
use belfry_wire::Constraints;
use belfry_wire::constraints::Pattern;

use super::dimension::Dimension;

static NAMESPACE: Pattern = Pattern::new("[^:].*");

/// The plain statistics, in the order of the service model's enumeration.
pub const STATISTICS: &[&str] = &["SampleCount", "Average", "Sum", "Minimum", "Maximum"];
pub const ALARM_TYPES: &[&str] = &["CompositeAlarm", "MetricAlarm", "LogAlarm"];
pub const STATES: &[&str] = &["OK", "ALARM", "INSUFFICIENT_DATA"];
pub const SCAN_BY: &[&str] = &["TimestampDescending", "TimestampAscending"];

static UNITS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| Unit::ALL.iter().map(|unit| unit.as_str()).collect());
static COMPARISON_OPERATORS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    ComparisonOperator::ALL
        .iter()
        .map(|op| op.as_str())
        .collect()
});

/// Present or not; where it must be there, the operation says so as well.
pub fn namespace(c: &mut Constraints, namespace: &Option<String>) {
    c.member("Namespace", namespace)
        .length(1..=belfry_model::quota::METRIC_NAMESPACE_CHARS_MAX)
        .pattern(&NAMESPACE);
}

pub fn metric_name(c: &mut Constraints, name: &Option<String>) {
    c.member("MetricName", name)
        .length(1..=METRIC_NAME_CHARS_MAX);
}

pub fn dimensions(c: &mut Constraints, dimensions: &Option<Vec<Dimension>>) {
    c.member("Dimensions", dimensions)
        .length(..=METRIC_DIMENSIONS_MAX)
        .elements();
}

pub fn unit(c: &mut Constraints, unit: &Option<String>) {
    c.member("Unit", unit).one_of(&UNITS);
}

pub fn comparison_operator(c: &mut Constraints, operator: &Option<String>) {
    c.member("ComparisonOperator", operator)
        .one_of(&COMPARISON_OPERATORS);
}

pub fn period(c: &mut Constraints, period: &Option<i32>) {
    c.member("Period", period).range(1..);
}

pub fn alarm_name(c: &mut Constraints, member: &str, name: &Option<String>) {
    c.member(member, name).length(1..=255);
}

pub fn alarm_names(c: &mut Constraints, names: &Option<Vec<String>>) {
    c.member("AlarmNames", names)
        .length(..=100)
        .each(|name| name.length(1..=255));
}

pub fn alarm_types(c: &mut Constraints, types: &Option<Vec<String>>) {
    c.member("AlarmTypes", types)
        .each(|kind| kind.one_of(ALARM_TYPES));
}

pub fn max_records(c: &mut Constraints, records: &Option<i32>) {
    c.member("MaxRecords", records).range(1..=100);
}

pub fn resource_arn(c: &mut Constraints, arn: &Option<String>) {
    c.member("ResourceARN", arn).required().length(1..=1_024);
}
