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

use std::collections::BTreeMap;

use crate::values::Value;
use crate::values::json::members;

/// The value of the field `name` in a message that is not one JSON object.
pub fn text_field(message: &str, name: &str) -> Value<'static> {
    let value = function_log::field(message, name);
    if value.is_missing() {
        flow_log::field(message, name)
    } else {
        value
    }
}

/// All fields that are found in a message, as texts. Keys of JSON that begin with `@` get one
/// more, as queries name them.
pub fn event_fields(message: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let object = if members(message).is_some() {
        Some(message)
    } else {
        let names = function_log::FIELDS.iter().chain(&flow_log::FLOW);
        for name in names.chain(&flow_log::RESOLVER) {
            if let Some(text) = text_field(message, name).show() {
                fields.insert((*name).to_owned(), text.into_owned());
            }
        }
        function_log::object(message)
    };
    if let Some(object) = object {
        json_object::visit(object, &mut |path, value| {
            // Objects and arrays are there by their leaves.
            if let Some(text) = value.show().filter(|_| !matches!(value, Value::Json(_))) {
                let name = match path.strip_prefix('@') {
                    Some(_) => format!("@{path}"),
                    None => path.to_owned(),
                };
                fields.insert(name, text.into_owned());
            }
            true
        });
    }
    fields
}
