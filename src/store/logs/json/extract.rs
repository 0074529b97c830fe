//! Discovered fields of one message (spec logs-insights.md 5.2).

use ahash::AHashMap;

use super::escape::unescape;
use super::path::{PathVisitor, WithPaths};
use super::walk::{LEAVES_MAX, Scalar, Token, Visitor, walk};
use crate::logs::scan::ValueKind;

/// A field's value in one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    pub kind: ValueKind,
    /// Strings unescaped, scalars as written, structures as compact JSON.
    pub text: String,
}

/// The fields `wanted` (path to position) of `message`, by position. Returns false, and finds
/// nothing, if the message is not one JSON object; a null is missing.
pub fn extract(
    message: &str,
    wanted: &AHashMap<&str, usize>,
    found: &mut Vec<Option<Extracted>>,
) -> bool {
    found.clear();
    found.resize(wanted.len(), None);
    let mut finder = WithPaths::new(Finder {
        message,
        leaves: 0,
        wanted,
        seen: vec![false; wanted.len()],
        found,
    });
    let is_object = is_object_like(message) && walk(message, &mut finder);
    if !is_object {
        found.fill(None);
    }
    is_object
}

/// All leaves of `message` in document order, at most 200, each path once: `visit(path, kind,
/// text)`. Returns false if the message is not one JSON object.
pub fn leaves(message: &str, visit: &mut dyn FnMut(&str, ValueKind, &str)) -> bool {
    if !is_object_like(message) {
        return false;
    }
    let mut lister = WithPaths::new(Lister { leaves: Vec::new() });
    if !walk(message, &mut lister) {
        return false;
    }
    let mut seen = ahash::AHashSet::new();
    for (path, scalar) in &lister.visitor.leaves {
        if seen.insert(path.as_str())
            && let Some(value) = read(scalar)
        {
            visit(path, value.kind, &value.text);
        }
    }
    true
}

/// Whether `message` is one JSON object, as [`extract`] sees it.
pub fn is_json_object(message: &str) -> bool {
    struct Nothing;
    impl<'m> Visitor<'m> for Nothing {
        fn scalar(&mut self, _scalar: Scalar<'m>, _start: usize, _end: usize) -> bool {
            true
        }
    }
    is_object_like(message) && walk(message, &mut Nothing)
}

fn is_object_like(message: &str) -> bool {
    message.trim_start().starts_with('{')
}

fn read(scalar: &Scalar<'_>) -> Option<Extracted> {
    let (kind, text) = match scalar.token {
        Token::PlainString => (ValueKind::String, scalar.text.to_owned()),
        Token::EscapedString => {
            let mut text = String::with_capacity(scalar.text.len());
            match unescape(scalar.text, &mut text) {
                Some(()) => (ValueKind::String, text),
                // A lone surrogate cannot be decoded: show it as written.
                None => (ValueKind::String, scalar.text.to_owned()),
            }
        }
        Token::Number => (ValueKind::Number, scalar.text.to_owned()),
        Token::True | Token::False => (ValueKind::Boolean, scalar.text.to_owned()),
        Token::Null => return None,
    };
    Some(Extracted { kind, text })
}

struct Finder<'m, 'w> {
    message: &'m str,
    leaves: usize,
    wanted: &'w AHashMap<&'w str, usize>,
    /// The first occurrence of a path counts, be it null.
    seen: Vec<bool>,
    found: &'w mut Vec<Option<Extracted>>,
}

impl Finder<'_, '_> {
    fn set(&mut self, path: &str, value: impl FnOnce() -> Option<Extracted>) {
        if let Some(&at) = self.wanted.get(path)
            && let Some(seen) = self.seen.get_mut(at)
            && !std::mem::replace(seen, true)
            && let Some(slot) = self.found.get_mut(at)
        {
            *slot = value();
        }
    }
}

impl<'m> PathVisitor<'m> for Finder<'m, '_> {
    fn structure(&mut self, path: &str, start: usize, end: usize) {
        let message = self.message;
        self.set(path, || {
            Some(Extracted {
                kind: ValueKind::Structure,
                text: compact(message.get(start..end).unwrap_or_default()),
            })
        });
    }

    fn scalar(&mut self, path: &str, scalar: Scalar<'m>) -> bool {
        self.leaves += 1;
        if self.leaves <= LEAVES_MAX {
            self.set(path, || read(&scalar));
        }
        true
    }
}

struct Lister<'m> {
    leaves: Vec<(String, Scalar<'m>)>,
}

impl<'m> PathVisitor<'m> for Lister<'m> {
    fn scalar(&mut self, path: &str, scalar: Scalar<'m>) -> bool {
        if self.leaves.len() < LEAVES_MAX {
            self.leaves.push((path.to_owned(), scalar));
        }
        true
    }
}

/// Drops the white space between the tokens of a valid JSON text.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in json.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c == '"' {
            in_string = true;
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(message: &str, path: &str) -> Option<(ValueKind, String)> {
        let mut found = Vec::new();
        extract(message, &AHashMap::from_iter([(path, 0)]), &mut found);
        found.pop().flatten().map(|e| (e.kind, e.text))
    }

    #[test]
    fn finds_leaves_and_structures() {
        let m = r#"{"a":{"b":[1.10,"x\ny",{"c":true}], "e": [ ] },"n":null,"a.z":7, "@v":"w"}"#;
        let text = |kind, t: &str| Some((kind, t.to_owned()));
        assert_eq!(get(m, "a.b.0"), text(ValueKind::Number, "1.10"));
        assert_eq!(get(m, "a.b.1"), text(ValueKind::String, "x\ny"));
        assert_eq!(get(m, "a.b.2.c"), text(ValueKind::Boolean, "true"));
        assert_eq!(get(m, "a.b.2"), text(ValueKind::Structure, r#"{"c":true}"#));
        assert_eq!(
            get(m, "a"),
            text(
                ValueKind::Structure,
                r#"{"b":[1.10,"x\ny",{"c":true}],"e":[]}"#
            )
        );
        assert_eq!(get(m, "a.e"), text(ValueKind::Structure, "[]"));
        assert_eq!(get(m, "a.z"), text(ValueKind::Number, "7"));
        assert_eq!(get(m, "@@v"), text(ValueKind::String, "w"));
        for missing in ["n", "b", "a.b.3", "@v", ""] {
            assert_eq!(get(m, missing), None, "{missing}");
        }
        assert_eq!(get("plain {\"a\":1}", "a"), None);
        assert_eq!(get("[{\"a\":1}]", "0.a"), None);
    }

    #[test]
    fn the_first_of_a_path_wins_and_leaves_are_bounded() {
        let m = r#"{"a":{"b":1},"a.b":2}"#;
        assert_eq!(get(m, "a.b").unwrap().1, "1");
        let many: Vec<String> = (0..300).map(|i| format!("\"k{i}\":{i}")).collect();
        let m = format!("{{{}}}", many.join(","));
        assert!(get(&m, "k199").is_some());
        assert!(get(&m, "k200").is_none());
        let mut listed = 0;
        assert!(leaves(&m, &mut |_, _, _| listed += 1));
        assert_eq!(listed, LEAVES_MAX);
    }
}
