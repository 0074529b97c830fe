//! One metric of a widget: `[Namespace, MetricName, Dim1Name, Dim1Value, …, {rendering}]`, its
//! shorthand and its rendering object (spec dashboards.md 4.2 and 4.3).

use serde_json::Value;

use super::member::{Member, Object, integer, too_many};
use super::report::Report;

/// Namespace, name, and 30 dimensions.
const STRINGS_MAX: usize = 62;
const NOT_A_LIST: &str = "Field \"metrics\" has to be an array of array of strings, with an optional metricRenderer object as last element";
const NOT_A_STRING: &str = "Invalid metric field type, only \"String\" type is allowed";
const NOTHING_TO_REPEAT: &str = "Invalid metric field, there is no previous metric to repeat";

/// The strings of a metric, its shorthand written out.
pub(super) type Resolved = Vec<String>;

/// A valid element of `metrics`.
pub(super) struct MetricArray<'v> {
    /// `None` for an expression alone.
    pub resolved: Option<Resolved>,
    pub rendering: Option<Object<'v>>,
}

impl<'v> MetricArray<'v> {
    /// `previous` is the nearest earlier metric that has strings.
    pub fn check(
        element: &Member<'v>,
        previous: Option<&Resolved>,
        report: &mut Report,
    ) -> Option<Self> {
        if !element.value.is_array() {
            report.error(&element.path, "Should be array");
            report.error(&element.path, NOT_A_LIST);
            return None;
        }
        let items = element.array(report)?;
        let (rendering, strings) = match items.split_last() {
            Some((last, before)) if last.value.is_object() => (last.object(report), before),
            _ => (None, items.as_slice()),
        };
        let texts: Vec<&str> = strings.iter().filter_map(|m| m.value.as_str()).collect();
        if texts.len() < strings.len() {
            for item in strings.iter().filter(|item| !item.value.is_string()) {
                report.error(&item.path, NOT_A_STRING);
            }
            return None;
        }
        if let Some(most) = most_items(&texts, rendering.as_ref()) {
            report.error(&element.path, too_many(most));
            return None;
        }
        if rendering.is_none() && texts.len() < 2 && texts.first() != Some(&"...") {
            report.error(&element.path, "Should NOT have fewer than 2 items");
            return None;
        }
        let resolved = match resolve(&texts, previous) {
            Ok(resolved) => resolved,
            Err(index) => {
                let path = format!("{}/{index}", element.path);
                report.error(&path, NOTHING_TO_REPEAT);
                return None;
            }
        };
        Some(Self {
            resolved: (!resolved.is_empty()).then_some(resolved),
            rendering,
        })
    }
}

/// How many items there may be at most, if there are more: the last one is no rendering object
/// or no value of a dimension (spec dashboards.md 10).
fn most_items(texts: &[&str], rendering: Option<&Object<'_>>) -> Option<usize> {
    let count = texts.len();
    if count > STRINGS_MAX {
        return Some(STRINGS_MAX);
    }
    let is_repeating = texts.first() == Some(&"...");
    let is_odd = count % 2 == 1 && !is_repeating;
    match rendering {
        Some(rendering) if is_odd || !is_rendering(rendering, count > 0) => Some(count),
        None if is_odd && count >= 3 => Some(count - 1),
        _ => None,
    }
}

/// Whether the object says how a metric is drawn, and nothing else.
fn is_rendering(object: &Object<'_>, has_strings: bool) -> bool {
    if !has_strings && !object.members.contains_key("expression") {
        return false;
    }
    object.members.iter().all(|(name, value)| match &**name {
        "id" => value.as_str().is_some_and(is_id),
        "label" | "stat" | "region" | "accountId" => value.is_string(),
        "period" => integer(value).is_some_and(|period| period > 0),
        "color" => value.as_str().is_some_and(is_color),
        "yAxis" => matches!(value.as_str(), Some("left" | "right")),
        "visible" => value.is_boolean(),
        "expression" => value.is_string() && !has_strings,
        // Seen, but not known: kept.
        "renderAs" | "strokeWidth" => !matches!(value, Value::Null),
        _ => false,
    })
}

fn is_id(text: &str) -> bool {
    text.len() <= 255
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Writes out `.` and `...`.
///
/// # Errors
/// The index of the string for which there is nothing to copy.
fn resolve(texts: &[&str], previous: Option<&Resolved>) -> Result<Resolved, usize> {
    let mut resolved = Resolved::new();
    for (index, text) in texts.iter().enumerate() {
        match *text {
            "..." => {
                let previous = previous.ok_or(index)?;
                let rest = texts.len() - 1;
                let copied = previous.len().checked_sub(rest);
                let copied = copied.filter(|_| index == 0).ok_or(index)?;
                resolved.extend(previous.iter().take(copied).cloned());
            }
            "." => {
                // At its place in the metric written out, which `...` has moved.
                let item = previous.and_then(|previous| previous.get(resolved.len()));
                resolved.push(item.ok_or(index)?.clone());
            }
            text => resolved.push(text.to_owned()),
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Resolved {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn shorthand_is_written_out() {
        let previous = strings(&["A", "B", "c", "1", "d", "2"]);
        let resolve = |texts: &[&str]| resolve(texts, Some(&previous));
        assert_eq!(
            resolve(&["...", "3"]),
            Ok(strings(&["A", "B", "c", "1", "d", "3"]))
        );
        assert_eq!(resolve(&["..."]), Ok(previous.clone()));
        assert_eq!(
            resolve(&[".", "X", ".", "."]),
            Ok(strings(&["A", "X", "c", "1"]))
        );
        assert_eq!(
            resolve(&["...", "9", "d", "."]),
            Ok(strings(&["A", "B", "c", "9", "d", "2"]))
        );
        assert_eq!(resolve(&["A", "..."]), Err(1));
        assert_eq!(resolve(&["...", "1", "2", "3", "4", "5", "6", "7"]), Err(0));
        assert_eq!(super::resolve(&["...", "1"], None), Err(0));
        assert_eq!(super::resolve(&["A", "."], None), Err(1));
    }
}
