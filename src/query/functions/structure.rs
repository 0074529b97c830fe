//! JSON and structure functions (spec logs-insights.md 7.5).

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::values::Value;
use crate::values::json::{compact, elements, from_json_text};

/// A map or a list, else missing.
pub fn json_parse<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let text = match arguments.first() {
        Some(Value::Text(text) | Value::Written(text)) => text,
        Some(Value::Json(text)) => return Value::Json(text.clone()),
        _ => return Value::Missing,
    };
    let is_structure = matches!(text.trim_start().as_bytes().first(), Some(b'{' | b'['));
    if is_structure && serde_json::from_str::<&RawValue>(text).is_ok() {
        Value::Json(Cow::Owned(compact(text)))
    } else {
        Value::Missing
    }
}

pub fn json_stringify<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    match arguments.first() {
        Some(Value::Json(text)) => Value::Text(text.clone()),
        _ => Value::Missing,
    }
}

/// The elements of a list, given as a structure or as its text.
fn list_of(value: Option<&Value<'_>>) -> Option<Vec<Box<RawValue>>> {
    match value {
        Some(Value::Json(text) | Value::Text(text)) => elements(text),
        _ => None,
    }
}

pub fn json_array_size<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::from_number(list_of(arguments.first()).map(|list| list.len() as f64))
}

/// Elements are compared by their text; anything but a list contains nothing.
pub fn json_array_contains<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let wanted = arguments.get(1).and_then(Value::to_cow);
    let found = list_of(arguments.first())
        .zip(wanted)
        .is_some_and(|(list, wanted)| {
            list.iter()
                .any(|element| from_json_text(element.get()).to_text().as_ref() == Some(&wanted))
        });
    Value::Bool(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing() {
        let parse = |t: &'static str| json_parse(&[Value::text(t)]);
        assert_eq!(parse(" {\"a\": 1.0} "), Value::Json("{\"a\":1.0}".into()));
        for text in ["1", "\"x\"", "{", "[1,]", ""] {
            assert_eq!(parse(text), Value::Missing, "{text}");
        }
    }

    #[test]
    fn containing() {
        let contains = |list: &'static str, v: Value<'static>| {
            json_array_contains(&[Value::text(list), v]) == Value::Bool(true)
        };
        assert!(contains("[5, \"x\"]", Value::text("5")));
        assert!(contains("[5, \"x\"]", Value::Number(5.0)));
        assert!(!contains("[5, \"x\"]", Value::text("X")));
        assert!(!contains("{\"x\":1}", Value::text("x")));
        assert!(!contains("[]", Value::text("")));
    }
}
