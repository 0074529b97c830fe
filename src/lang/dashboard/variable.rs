//! Variables (spec dashboards.md 8).

use super::member::Member;
use super::report::Report;

pub(super) fn check(member: &Member<'_>, report: &mut Report) {
    let Some(variable) = member.object(report) else {
        return;
    };
    if let Some(id) = variable.required("id", report) {
        id.string(report);
    }
    let kind = match variable.required("type", report) {
        Some(kind) => kind.one_of(&["property", "pattern"], report),
        None => None,
    };
    // The member that says what is replaced is named like the type.
    if let Some(kind) = kind
        && let Some(replaced) = variable.required(kind, report)
    {
        replaced.string(report);
    }
    let input = match variable.required("inputType", report) {
        Some(input) => input.one_of(&["input", "select", "radio"], report),
        None => None,
    };
    variable.strings(&["label", "defaultValue", "search", "populateFrom"], report);
    variable.booleans(&["visible"], report);
    for value in variable.array("values", report).unwrap_or_default() {
        let Some(value) = value.object(report) else {
            continue;
        };
        if let Some(text) = value.required("value", report) {
            text.string(report);
        }
        value.strings(&["label"], report);
    }
    let has_search = variable.members.contains_key("search");
    let has_values = variable.members.contains_key("values");
    if matches!(input, Some("select" | "radio")) {
        if !has_values && !has_search {
            variable.required("values", report);
        } else if has_search {
            variable.required("populateFrom", report);
        }
    }
}
