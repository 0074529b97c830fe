//! The frame of a widget: type and place on the grid (spec dashboards.md 3).

use super::member::{Member, Object};
use super::report::Report;
use super::{metric_widget, other_widgets};

const TYPES: &[&str] = &[
    "metric", "text", "log", "alarm", "explorer", "custom", "chart",
];
const COLUMNS: i64 = 24;
const HEIGHT_MAX: i64 = 1_000;
const SIZE_DEFAULT: i64 = 6;

/// Where a widget lies, if it says so.
pub(super) struct Frame {
    path: String,
    x: i64,
    y: i64,
    width: i64,
    height: i64,
}

impl Frame {
    fn overlaps(&self, other: &Self) -> bool {
        let meet = |a: i64, a_size: i64, b: i64, b_size: i64| {
            a < b.saturating_add(b_size) && b < a.saturating_add(a_size)
        };
        meet(self.x, self.width, other.x, other.width)
            && meet(self.y, self.height, other.y, other.height)
    }
}

/// Checks a widget. The frame is `None` for one that is placed automatically, that wraps, or
/// that is no valid one.
pub(super) fn check(member: &Member<'_>, report: &mut Report) -> Option<Frame> {
    let widget = member.object(report)?;
    let kind = match widget.required("type", report) {
        Some(kind) => kind.one_of(TYPES, report),
        None => None,
    };
    let frame = check_place(&widget, report);
    if let Some(properties) = widget.required("properties", report)
        && let Some(properties) = properties.object(report)
    {
        match kind {
            Some("metric") => metric_widget::check(&properties, report),
            Some(kind) => other_widgets::check(kind, &properties, report),
            None => {}
        }
    }
    frame
}

fn check_place(widget: &Object<'_>, report: &mut Report) -> Option<Frame> {
    let mut integer = |name: &str, least, most| {
        widget
            .get(name)
            .map(|member| member.integer_within(least, most, report))
    };
    let x = integer("x", 0, Some(COLUMNS - 1));
    let y = integer("y", 0, None);
    let width = integer("width", 1, Some(COLUMNS));
    let height = integer("height", 1, Some(HEIGHT_MAX));
    match (&x, &y) {
        (Some(_), None) => drop(widget.required("y", report)),
        (None, Some(_)) => drop(widget.required("x", report)),
        _ => {}
    }
    let frame = Frame {
        path: widget.path.clone(),
        x: x??,
        y: y??,
        width: width.unwrap_or(Some(SIZE_DEFAULT))?,
        height: height.unwrap_or(Some(SIZE_DEFAULT))?,
    };
    (frame.x + frame.width <= COLUMNS).then_some(frame)
}

/// One warning for each widget that lies on an earlier one.
pub(super) fn warn_of_overlaps(frames: &[Option<Frame>], report: &mut Report) {
    for (index, frame) in frames.iter().enumerate() {
        let Some(frame) = frame else { continue };
        let mut before = frames.iter().take(index).flatten();
        if let Some(other) = before.find(|other| frame.overlaps(other)) {
            let message = format!("The widget overlaps {}", other.path);
            report.warn(&frame.path, message);
        }
    }
}
