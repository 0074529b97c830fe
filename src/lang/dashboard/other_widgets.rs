//! Properties of all widgets but those of metrics (spec dashboards.md 5 and 7).

use super::WIDGET_ALARMS_MAX;
use super::member::{Object, too_many};
use super::report::Report;

const STATES: &[&str] = &["ALARM", "INSUFFICIENT_DATA", "OK"];

pub(super) fn check(kind: &str, properties: &Object<'_>, report: &mut Report) {
    match kind {
        "text" => text(properties, report),
        "log" => log(properties, report),
        "alarm" => alarm(properties, report),
        "explorer" => explorer(properties, report),
        "custom" => custom(properties, report),
        _ => chart(properties, report),
    }
}

/// A member that must be there and be a string.
fn required_string(properties: &Object<'_>, name: &str, report: &mut Report) {
    if let Some(member) = properties.required(name, report) {
        member.string(report);
    }
}

fn text(properties: &Object<'_>, report: &mut Report) {
    required_string(properties, "markdown", report);
    properties.one_of("background", &["transparent", "solid"], report);
}

fn log(properties: &Object<'_>, report: &mut Report) {
    required_string(properties, "query", report);
    required_string(properties, "region", report);
    properties.strings(&["title", "accountId"], report);
    properties.booleans(&["stacked"], report);
    properties.one_of("view", &["table", "timeSeries", "bar", "pie"], report);
    properties.one_of("queryLanguage", &["Logs", "CWLI", "SQL", "PPL"], report);
}

fn alarm(properties: &Object<'_>, report: &mut Report) {
    if let Some(alarms) = properties.required("alarms", report)
        && let Some(arns) = alarms.array(report)
    {
        if arns.len() > WIDGET_ALARMS_MAX {
            report.error(&alarms.path, too_many(WIDGET_ALARMS_MAX));
        }
        for member in arns.iter().take(WIDGET_ALARMS_MAX) {
            if let Some(arn) = member.string(report) {
                report.alarm(&member.path, arn);
            }
        }
    }
    properties.strings(&["title"], report);
    let orders = &["default", "stateUpdatedTimestamp", "timestamp"];
    properties.one_of("sortBy", orders, report);
    for state in properties.array("states", report).unwrap_or_default() {
        state.one_of(STATES, report);
    }
}

fn explorer(properties: &Object<'_>, report: &mut Report) {
    for name in ["metrics", "labels"] {
        if let Some(list) = properties.required(name, report) {
            for element in list.array(report).unwrap_or_default() {
                element.object(report);
            }
        }
    }
    properties.object("aggregateBy", report);
    properties.object("widgetOptions", report);
    properties.strings(&["title", "splitBy", "region"], report);
    if let Some(period) = properties.get("period") {
        period.integer_within(1, None, report);
    }
}

fn custom(properties: &Object<'_>, report: &mut Report) {
    required_string(properties, "endpoint", report);
    properties.strings(&["title"], report);
    if let Some(triggers) = properties.object("updateOn", report) {
        triggers.booleans(&["refresh", "resize", "timeRange"], report);
    }
}

fn chart(properties: &Object<'_>, report: &mut Report) {
    properties.strings(&["title", "region"], report);
    let views = &[
        "line", "area", "bar", "pie", "number", "gauge", "table", "heatmap",
    ];
    properties.one_of("view", views, report);
    let Some(data) = properties.required("data", report) else {
        return;
    };
    let Some(data) = data.object(report) else {
        return;
    };
    let Some(queries) = data.required("queries", report) else {
        return;
    };
    for query in queries.array(report).unwrap_or_default() {
        let Some(query) = query.object(report) else {
            continue;
        };
        query.strings(&["id", "language", "label"], report);
        required_string(&query, "query", report);
        let types = &["cloudwatch-metrics", "logs-insights", "traces"];
        query.one_of("type", types, report);
        if let Some(step) = query.get("step") {
            step.integer_within(1, None, report);
        }
    }
    properties.object("plotOptions", report);
}
