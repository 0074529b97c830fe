//! Properties of a metric widget (spec dashboards.md 4).

use super::body::check_time_range;
use super::expression::WidgetMetrics;
use super::member::{Member, Object, missing, too_many};
use super::metric_array::{MetricArray, Resolved};
use super::report::Report;
use super::{WIDGET_METRICS_MAX, expression};

const VIEWS: &[&str] = &["timeSeries", "singleValue", "gauge", "bar", "pie", "table"];
const NO_SOURCE: &str =
    "The metric widget should have specified a region and a data source or an alarm annotation";

pub(super) fn check(properties: &Object<'_>, report: &mut Report) {
    let metrics = properties.get("metrics");
    let annotations = properties.get("annotations");
    if !check_source(properties, report) {
        return;
    }
    if let Some(metrics) = &metrics {
        check_metrics(properties, metrics, report);
    }
    if let Some(region) = properties.get("region") {
        region.string(report);
    }
    properties.strings(&["title", "stat", "timezone", "accountId"], report);
    let view = properties.one_of("view", VIEWS, report);
    properties.booleans(
        &[
            "stacked",
            "liveData",
            "setPeriodToTimeRange",
            "singleValueFullPrecision",
            "sparkline",
            "trend",
        ],
        report,
    );
    if let Some(period) = properties.get("period") {
        period.integer_within(1, None, report);
    }
    check_time_range(properties, report);
    check_axes(properties, view, report);
    if let Some(legend) = properties.object("legend", report) {
        legend.one_of("position", &["right", "bottom", "hidden"], report);
    }
    if let Some(labels) = properties.object("labels", report) {
        labels.booleans(&["visible"], report);
    }
    if let Some(table) = properties.object("table", report) {
        table.one_of("layout", &["horizontal", "vertical"], report);
        table.booleans(&["showTimeSeriesData", "stickySummary"], report);
        for column in table.array("summaryColumns", report).unwrap_or_default() {
            column.one_of(&["MIN", "MAX", "SUM", "AVG"], report);
        }
    }
    if let Some(annotations) = annotations.and_then(|member| member.object(report)) {
        check_annotations(&annotations, report);
    }
    let is_on = |name| properties.members.get(name).and_then(|v| v.as_bool()) == Some(true);
    if is_on("sparkline") && is_on("setPeriodToTimeRange") {
        let path = format!("{}/sparkline", properties.path);
        report.warn(&path, "The sparkline is ignored with setPeriodToTimeRange");
    }
}

/// Region, and metrics or an alarm. Nothing more is said about a widget that shows neither: so
/// it is in the recordings.
fn check_source(properties: &Object<'_>, report: &mut Report) -> bool {
    let has = |name| properties.members.contains_key(name);
    let has_alarm = properties
        .members
        .get("annotations")
        .is_some_and(|annotations| annotations.get("alarms").is_some());
    let has_source = has("metrics") || has_alarm;
    if !has("region") {
        report.error(&properties.path, missing("region"));
    }
    if !has_source {
        report.error(&properties.path, missing("metrics"));
    }
    if !has("region") || !has_source {
        report.error(&properties.path, NO_SOURCE);
    }
    if !has_source && !has("annotations") {
        report.error(&properties.path, missing("annotations"));
    }
    has_source
}

fn check_metrics(properties: &Object<'_>, member: &Member<'_>, report: &mut Report) {
    let Some(elements) = member.array(report) else {
        return;
    };
    if elements.len() > WIDGET_METRICS_MAX {
        report.error(&member.path, too_many(WIDGET_METRICS_MAX));
        return;
    }
    report.metric_count += elements.len();
    let mut previous: Option<Resolved> = None;
    let mut metrics = WidgetMetrics::default();
    for element in &elements {
        let Some(array) = MetricArray::check(element, previous.as_ref(), report) else {
            continue;
        };
        if let Some(rendering) = array.rendering {
            metrics.push(rendering);
        }
        if array.resolved.is_some() {
            previous = array.resolved;
        }
    }
    expression::warn(&metrics, report);
    expression::warn_of_statistic(properties, report);
}

fn check_axes(properties: &Object<'_>, view: Option<&str>, report: &mut Report) {
    let axes = properties.object("yAxis", report);
    let mut left_is_limited = false;
    if let Some(axes) = axes {
        for side in ["left", "right"] {
            let Some(axis) = axes.object(side, report) else {
                continue;
            };
            axis.strings(&["label"], report);
            axis.numbers(&["min", "max"], report);
            axis.booleans(&["showUnits"], report);
            let has = |name| axis.members.contains_key(name);
            left_is_limited |= side == "left" && has("min") && has("max");
        }
    }
    if view == Some("gauge") && !left_is_limited {
        let path = format!("{}/yAxis", properties.path);
        report.warn(&path, "A gauge needs yAxis.left.min and yAxis.left.max");
    }
}

fn check_annotations(annotations: &Object<'_>, report: &mut Report) {
    if let Some(alarms) = annotations.get("alarms")
        && let Some(arns) = alarms.array(report)
    {
        match arns.as_slice() {
            [] => report.error(&alarms.path, "Should NOT have fewer than 1 items"),
            [only] => {
                if let Some(arn) = only.string(report) {
                    report.alarm(&only.path, arn);
                }
            }
            _ => report.error(&alarms.path, too_many(1)),
        }
    }
    for (name, fills) in [
        ("horizontal", ["above", "below", "none"]),
        ("vertical", ["before", "after", "none"]),
    ] {
        for element in annotations.array(name, report).unwrap_or_default() {
            check_annotation(name, &fills, &element, report);
        }
    }
}

/// A line, or a band between two.
fn check_annotation(name: &str, fills: &[&str], element: &Member<'_>, report: &mut Report) {
    if !element.value.is_array() {
        check_line(name, fills, element, report);
        return;
    }
    let ends = element.array(report).unwrap_or_default();
    if ends.len() > 2 {
        report.error(&element.path, too_many(2));
        return;
    }
    if ends.len() < 2 {
        report.error(&element.path, "Should NOT have fewer than 2 items");
    }
    for end in &ends {
        // A band has no fill of its own.
        check_line(name, &[], end, report);
    }
}

fn check_line(name: &str, fills: &[&str], member: &Member<'_>, report: &mut Report) {
    let Some(line) = member.object(report) else {
        return;
    };
    if line.required("value", report).is_some() {
        if name == "vertical" {
            line.strings(&["value"], report);
        } else {
            line.numbers(&["value"], report);
        }
    }
    line.strings(&["label", "color"], report);
    line.one_of("fill", fills, report);
    line.booleans(&["visible"], report);
    if name == "horizontal" {
        line.one_of("yAxis", &["left", "right"], report);
    }
}
