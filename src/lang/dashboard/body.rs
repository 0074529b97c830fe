//! The top level of a body (spec dashboards.md 2).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::member::{Member, Object, missing, too_many};
use super::report::Report;
use super::{METRICS_MAX, VARIABLES_MAX, WIDGETS_MAX, variable, widget};

/// The body is no JSON object at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The field DashboardBody must be a valid JSON object")]
pub struct NotAnObject;

/// An absolute time; offset and fraction may be left out.
const ABSOLUTE: &str = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$";
/// An absolute time or a span that ends now.
const START: &str = r"^(-P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)$";

static ABSOLUTE_REGEX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ABSOLUTE).ok());
/// [`START`] without the lookahead, which the engine does not know; [`is_span`] makes up for it.
static START_REGEX: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&START.replace("(?=.)", "")).ok());

/// Checks a body.
///
/// # Errors
/// [`NotAnObject`] for what is not JSON, or JSON of another kind.
pub fn validate(body: &str) -> Result<Report, NotAnObject> {
    let value: Value = serde_json::from_str(body).map_err(|_| NotAnObject)?;
    let members = value.as_object().ok_or(NotAnObject)?;
    let body = Object {
        path: String::new(),
        members,
    };
    let mut report = Report::default();
    match body.get("widgets") {
        None => report.error("", missing("widgets")),
        Some(widgets) => check_widgets(&widgets, &mut report),
    }
    check_time_range(&body, &mut report);
    body.one_of("periodOverride", &["auto", "inherit"], &mut report);
    if let Some(variables) = body.array("variables", &mut report) {
        if variables.len() > VARIABLES_MAX {
            report.error("/variables", too_many(VARIABLES_MAX));
        }
        for member in variables.iter().take(VARIABLES_MAX) {
            variable::check(member, &mut report);
        }
    }
    if report.metric_count > METRICS_MAX {
        let message = format!("The dashboard has more than {METRICS_MAX} metrics");
        report.warn("/widgets", message);
    }
    Ok(report)
}

fn check_widgets(member: &Member<'_>, report: &mut Report) {
    let Some(widgets) = member.array(report) else {
        return;
    };
    if widgets.len() > WIDGETS_MAX {
        report.error(&member.path, too_many(WIDGETS_MAX));
        return;
    }
    let frames: Vec<_> = widgets
        .iter()
        .map(|member| widget::check(member, report))
        .collect();
    widget::warn_of_overlaps(&frames, report);
}

/// Of the body, and of a widget of its own.
pub(super) fn check_time_range(object: &Object<'_>, report: &mut Report) {
    let start = object.get("start");
    if let Some(start) = &start {
        match start.value.as_str() {
            Some("-P" | "-PT") => {
                let message = format!("Should match pattern \"{START}\"");
                report.error(&start.path, message);
            }
            _ => start.fits(START, START_REGEX.as_ref(), report),
        }
    }
    let Some(end) = object.get("end") else {
        return;
    };
    if start.is_some() {
        end.fits(ABSOLUTE, ABSOLUTE_REGEX.as_ref(), report);
    } else if end.string(report).is_some() {
        let message = "The end time is ignored because no start time is given";
        report.warn(&end.path, message);
    }
}
