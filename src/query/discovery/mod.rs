//! Fields that are found in messages which are not JSON (spec logs-insights.md 5.2).
//!
//! The store discovers the fields of JSON messages when it takes them in. The families here are
//! recognised by the shape of the text, when a query asks for a field.
//!
//! | file | what |
//! |---|---|
//! | `function_log` | START, END, REPORT lines and their kin, with embedded JSON |
//! | `flow_log` | network flow logs, resolver query logs: columns between blanks |
//! | `json_object` | the leaves of one JSON object |

mod flow_log;
mod function_log;
pub mod json_object;

use crate::values::Value;

/// The value of the field `name` in a message that is not one JSON object.
pub fn text_field(message: &str, name: &str) -> Value<'static> {
    let value = function_log::field(message, name);
    if value.is_missing() {
        flow_log::field(message, name)
    } else {
        value
    }
}
