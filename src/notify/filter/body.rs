//! A message body as flattened fields that know their array elements.
//!
//! `{"a":{"b":1}}` and `{"a.b":1}` both have the field `a.b`. Each array opens alternatives,
//! one for each element; fields of one element go together.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::condition::Scalar;

/// Fields that hold together, and the arrays below them, each a choice of one element.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub fields: Vec<(String, Scalar)>,
    pub arrays: Vec<Vec<Element>>,
}

/// The body's fields, restricted to the paths a policy asks for.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub root: Element,
    /// Paths that have a value anywhere.
    pub present: BTreeSet<String>,
}

impl Body {
    /// `None` unless `text` is a JSON object. Recursion is bounded by the JSON reader's own
    /// depth limit of 128.
    pub fn parse(text: &str, wanted: &BTreeSet<&str>) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_str(text).ok()?;
        let mut body = Self::default();
        let mut root = Element::default();
        body.object(&object, "", &mut root, wanted);
        body.root = root;
        Some(body)
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        path: &str,
        into: &mut Element,
        wanted: &BTreeSet<&str>,
    ) {
        for (name, value) in object {
            let path = match path {
                "" => name.clone(),
                _ => format!("{path}.{name}"),
            };
            self.value(value, &path, into, wanted);
        }
    }

    fn value(&mut self, value: &Value, path: &str, into: &mut Element, wanted: &BTreeSet<&str>) {
        match value {
            Value::Object(object) => self.object(object, path, into, wanted),
            Value::Array(members) => {
                let mut elements = Vec::new();
                for member in members {
                    let mut element = Element::default();
                    self.value(member, path, &mut element, wanted);
                    if !element.fields.is_empty() || !element.arrays.is_empty() {
                        elements.push(element);
                    }
                }
                if !elements.is_empty() {
                    into.arrays.push(elements);
                }
            }
            scalar => {
                if wanted.contains(path)
                    && let Some(scalar) = Scalar::of(scalar)
                {
                    self.present.insert(path.to_owned());
                    into.fields.push((path.to_owned(), scalar));
                }
            }
        }
    }
}
