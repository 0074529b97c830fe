//! What is doubtful about the Ids, expressions and statistics of a widget. AWS stores such
//! bodies; the widget shows an error (spec dashboards.md 10).

use std::collections::HashSet;

use belfry_model::Statistic;

use super::member::Object;
use super::report::Report;
use crate::metric_math;

/// The rendering objects of one widget.
#[derive(Default)]
pub(super) struct WidgetMetrics<'v> {
    renderings: Vec<Object<'v>>,
}

impl<'v> WidgetMetrics<'v> {
    pub fn push(&mut self, rendering: Object<'v>) {
        self.renderings.push(rendering);
    }
}

fn text<'v>(object: &Object<'v>, name: &str) -> Option<&'v str> {
    object.members.get(name)?.as_str()
}

pub(super) fn warn(metrics: &WidgetMetrics<'_>, report: &mut Report) {
    let mut ids = HashSet::new();
    for rendering in &metrics.renderings {
        if let Some(id) = text(rendering, "id")
            && !ids.insert(id)
        {
            let message = format!("The id {id} is used more than once");
            report.warn(&format!("{}/id", rendering.path), message);
        }
    }
    for rendering in &metrics.renderings {
        warn_of_statistic(rendering, report);
        if let Some(expression) = text(rendering, "expression") {
            let path = format!("{}/expression", rendering.path);
            warn_of_expression(expression, &path, &ids, report);
        }
    }
}

fn warn_of_expression(text: &str, path: &str, ids: &HashSet<&str>, report: &mut Report) {
    if metric_math::is_metrics_insights(text) {
        return;
    }
    match metric_math::parse(text) {
        Ok(expression) => {
            let mut unknown = expression.ids();
            unknown.retain(|id| !ids.contains(id));
            unknown.dedup();
            for id in unknown {
                report.warn(path, format!("Expression refers to the unknown id {id}"));
            }
        }
        Err(error) => report.warn(path, format!("Expression is not valid: {error}")),
    }
}

/// Of a rendering object, or of a whole widget.
pub(super) fn warn_of_statistic(object: &Object<'_>, report: &mut Report) {
    if let Some(stat) = text(object, "stat")
        && Statistic::parse(stat).is_err()
    {
        let message = format!("The statistic {stat} is not known");
        report.warn(&format!("{}/stat", object.path), message);
    }
}
