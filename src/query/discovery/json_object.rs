//! The leaves of one JSON object as fields (spec logs-insights.md 5.2).

use serde_json::value::RawValue;

use crate::values::Value;
use crate::values::json::{compact, elements, from_json_text, members};

/// Leaves that are discovered, in document order (documented).
const LEAVES_MAX: usize = 200;

/// Levels below which nothing is discovered: bounds the recursion.
const DEPTH_MAX: usize = 64;

/// The path in a JSON object that a field name denotes: keys that start with `@` got one more.
/// `None` for system fields.
pub fn path(name: &str) -> Option<&str> {
    match name.strip_prefix('@') {
        None => Some(name),
        Some(rest) if rest.starts_with('@') => Some(rest),
        Some(_) => None,
    }
}

/// The first JSON object inside of a text.
pub fn embedded(message: &str) -> Option<&str> {
    message.match_indices('{').find_map(|(at, _)| {
        let rest = message.get(at..)?;
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        match stream.next() {
            Some(Ok(object)) => Some(object.get()),
            _ => None,
        }
    })
}

/// The field of the object that `path` names. Objects and arrays are their compact text.
pub fn field(object: &str, path: &str) -> Value<'static> {
    let mut found = Value::Missing;
    visit(object, &mut |at, value| {
        if at == path {
            found = value.into_owned();
        }
        at != path
    });
    found
}

/// Calls `visit` with the path and value of every leaf and every inner object or array, in
/// document order, until it returns false.
pub fn visit(object: &str, visit: &mut dyn FnMut(&str, Value<'_>) -> bool) {
    let mut walk = Walk {
        visit,
        leaves: 0,
        path: String::new(),
    };
    walk.structure(object.trim(), 0);
}

struct Walk<'v> {
    visit: &'v mut dyn FnMut(&str, Value<'_>) -> bool,
    leaves: usize,
    path: String,
}

impl Walk<'_> {
    /// False when the walk is over.
    fn structure(&mut self, text: &str, depth: usize) -> bool {
        if depth >= DEPTH_MAX {
            return true;
        }
        let children: Vec<(String, Box<RawValue>)> = if text.starts_with('{') {
            members(text).unwrap_or_default()
        } else {
            let elements = elements(text).unwrap_or_default();
            let numbered = elements.into_iter().enumerate();
            numbered
                .map(|(i, element)| (i.to_string(), element))
                .collect()
        };
        let parent = self.path.len();
        for (key, child) in children {
            if parent > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            let goes_on = self.child(child.get(), depth);
            self.path.truncate(parent);
            if !goes_on {
                return false;
            }
        }
        true
    }

    fn child(&mut self, text: &str, depth: usize) -> bool {
        if text.starts_with(['{', '[']) {
            return (self.visit)(&self.path, Value::text(compact(text)))
                && self.structure(text, depth + 1);
        }
        if self.leaves == LEAVES_MAX {
            return false;
        }
        self.leaves += 1;
        (self.visit)(&self.path, from_json_text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_in_document_order_wins() {
        let object = r#"{"a":{"b":1},"a.b":2,"c":[{"d":null},"x"],"e":{},"c":"late"}"#;
        assert_eq!(field(object, "a.b"), Value::Written("1".into()));
        assert_eq!(field(object, "c.1"), Value::text("x"));
        assert_eq!(field(object, "c.0.d"), Value::Missing);
        assert_eq!(field(object, "c"), Value::text(r#"[{"d":null},"x"]"#));
        assert_eq!(field(object, "e"), Value::text("{}"));
    }

    #[test]
    fn no_more_than_two_hundred_leaves() {
        let members: Vec<String> = (0..300).map(|i| format!("\"k{i}\":{i}")).collect();
        let object = format!("{{{}}}", members.join(","));
        assert_eq!(field(&object, "k199"), Value::Written("199".into()));
        assert_eq!(field(&object, "k200"), Value::Missing);
    }

    #[test]
    fn the_first_object_of_a_text() {
        assert_eq!(embedded("x {y} {\"a\":1} {\"b\":2}"), Some("{\"a\":1}"));
        assert_eq!(embedded("x {y"), None);
    }
}
