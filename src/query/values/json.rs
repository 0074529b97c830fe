//! Structures: the JSON text of maps and lists (spec logs-insights.md 7.5).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::number_text::{parse_number, write_number};
use super::value::Value;

/// A step into a structure.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Key(String),
    Index(u64),
}

/// Follows `steps` into `value`. A wrong type or a place that does not exist is missing.
pub fn follow(value: &Value<'_>, steps: &[Step]) -> Value<'static> {
    let Value::Json(text) = value else {
        return Value::Missing;
    };
    let mut current: Box<RawValue> = match serde_json::from_str(text) {
        Ok(raw) => raw,
        Err(_) => return Value::Missing,
    };
    for step in steps {
        let next = match step {
            Step::Key(key) => member(&current, key).or_else(|| {
                // A numeric path segment is an index of a list (spec 2.1).
                key.parse().ok().and_then(|index| element(&current, index))
            }),
            Step::Index(index) => element(&current, *index),
        };
        match next {
            Some(raw) => current = raw,
            None => return Value::Missing,
        }
    }
    from_json_text(current.get()).into_owned()
}

fn member(raw: &RawValue, key: &str) -> Option<Box<RawValue>> {
    let members = members(raw.get())?;
    members.into_iter().find(|(k, _)| k == key).map(|(_, v)| v)
}

/// The members of a JSON object in document order, duplicates included.
pub fn members(text: &str) -> Option<Vec<(String, Box<RawValue>)>> {
    serde_json::from_str::<Members>(text).ok().map(|m| m.0)
}

struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

fn element(raw: &RawValue, index: u64) -> Option<Box<RawValue>> {
    let list: Vec<Box<RawValue>> = serde_json::from_str(raw.get()).ok()?;
    list.into_iter().nth(usize::try_from(index).ok()?)
}

/// The elements of a JSON list, each as its text.
pub fn elements(text: &str) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_str(text).ok()
}

/// The value that a JSON text denotes: leaves as a discovered leaf would be (spec 3.1).
pub fn from_json_text(text: &str) -> Value<'_> {
    let text = text.trim();
    match text.as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<String>(text) {
            Ok(string) => Value::Text(Cow::Owned(string)),
            Err(_) => Value::Missing,
        },
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'{' | b'[') => Value::Json(compact(text).into()),
        Some(b'n') | None => Value::Missing,
        Some(_) if parse_number(text).is_some() => Value::Written(Cow::Borrowed(text)),
        Some(_) => Value::Missing,
    }
}

/// Removes the white space between tokens; keys stay in their order, numbers as written.
pub fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in text.chars() {
        if in_string {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == '"' {
                in_string = false;
            }
            out.push(c);
        } else if !c.is_ascii_whitespace() {
            in_string = c == '"';
            out.push(c);
        }
    }
    out
}

/// Appends `value` as JSON: numbers bare, as they show; structures as they are; all else quoted.
pub fn write_json(out: &mut String, value: &Value<'_>) {
    match value {
        Value::Missing => out.push_str("null"),
        Value::Written(text) | Value::Json(text) => out.push_str(text),
        Value::Number(v) => write_number(out, *v),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Text(text) => write_string(out, text),
        Value::Time(_) => write_string(out, &value.to_text().unwrap_or_default()),
    }
}

pub fn write_string(out: &mut String, text: &str) {
    // A string always serialises.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        let doc = Value::Json(r#"{"a":[{"b.c":1.50},null,true,"x"],"0":"zero"}"#.into());
        let key = |k: &str| Step::Key(k.to_owned());
        for (steps, expected) in [
            (
                vec![key("a"), Step::Index(0), key("b.c")],
                Value::Written("1.50".into()),
            ),
            (
                vec![key("a"), key("0")],
                Value::Json(r#"{"b.c":1.50}"#.into()),
            ),
            (vec![key("a"), Step::Index(1)], Value::Missing),
            (vec![key("a"), Step::Index(2)], Value::Bool(true)),
            (vec![key("a"), Step::Index(3)], Value::text("x")),
            (vec![key("a"), Step::Index(4)], Value::Missing),
            (vec![key("0")], Value::text("zero")),
            (vec![key("a"), key("b")], Value::Missing),
        ] {
            assert_eq!(follow(&doc, &steps), expected, "{steps:?}");
        }
        assert_eq!(follow(&Value::text("{}"), &[key("a")]), Value::Missing);
    }

    #[test]
    fn compacting_keeps_strings() {
        assert_eq!(
            compact("{ \"a b\" : [ 1.0 , \"x \\\" y\" ] }"),
            "{\"a b\":[1.0,\"x \\\" y\"]}"
        );
    }
}
