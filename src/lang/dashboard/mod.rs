//! Dashboard bodies (spec dashboards.md 2-10): what makes one valid, what is doubtful in it.
//!
//! [`validate`] reads a body and reports errors, for which it is refused, and warnings, with
//! which it is stored all the same. Bodies are kept as they were sent; unknown members are
//! accepted, so that newer consoles can store what they add.
//!
//! | file | what |
//! |---|---|
//! | `report` | findings with their places, the text of a refusal |
//! | `member` | a JSON value and its place, checked by type |
//! | `body` | the top level |
//! | `widget` | the frame of a widget, overlaps |
//! | `metric_widget` | properties and annotations of metric widgets |
//! | `metric_array` | one metric of a widget, its shorthand, its rendering object |
//! | `other_widgets` | text, log, alarm, explorer, custom, chart |
//! | `expression` | Ids, expressions and statistics of a widget: warnings |
//! | `variable` | variables |

mod body;
mod expression;
mod member;
mod metric_array;
mod metric_widget;
mod other_widgets;
mod report;
mod variable;
mod widget;

pub use body::{NotAnObject, validate};
pub use report::{AlarmReference, Finding, Report};

/// Spec dashboards.md 1.
pub const WIDGETS_MAX: usize = 500;
pub const WIDGET_METRICS_MAX: usize = 500;
pub const METRICS_MAX: usize = 2_500;
/// Spec dashboards.md 2 and 7.2.
pub const VARIABLES_MAX: usize = 25;
pub const WIDGET_ALARMS_MAX: usize = 100;

#[cfg(test)]
mod golden_tests;
