//! What a shape says: the text between values, and which field each value is.

use std::collections::HashSet;

use super::path::{PathVisitor, WithPaths};
use super::walk::{SLOT, Scalar, walk_shape};

/// A shape taken apart. Between the constants stand the slots: constant 0, slot 0, constant 1, ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    text: String,
    /// The dotted path of each slot; all different.
    pub paths: Vec<String>,
    /// Paths of objects and arrays, the empty ones included, without the root.
    pub structures: Vec<String>,
}

impl Shape {
    /// `None` if the shape cannot stand for messages: it is no JSON object, a path occurs twice,
    /// or a key has escapes.
    pub fn parse(shape: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(shape).ok()?;
        let mut reader = WithPaths::new(Reader::default());
        if !walk_shape(text, &mut reader) || reader.visitor.has_escaped_key {
            return None;
        }
        let Reader {
            paths, structures, ..
        } = reader.visitor;
        let distinct: HashSet<&String> = paths.iter().chain(&structures).collect();
        if distinct.len() < paths.len() + structures.len() {
            return None;
        }
        Some(Self {
            text: text.to_owned(),
            paths,
            structures,
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The constants; one more than there are slots.
    pub fn constants(&self) -> impl Iterator<Item = &str> {
        self.text.split(char::from(SLOT))
    }
}

#[derive(Default)]
struct Reader {
    paths: Vec<String>,
    structures: Vec<String>,
    has_escaped_key: bool,
}

impl<'a> PathVisitor<'a> for Reader {
    fn key(&mut self, key: &'a str) {
        self.has_escaped_key |= key.contains('\\');
    }

    fn structure(&mut self, path: &str, _start: usize, _end: usize) {
        self.structures.push(path.to_owned());
    }

    fn scalar(&mut self, path: &str, _scalar: Scalar<'a>) -> bool {
        self.paths.push(path.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Option<Shape> {
        Shape::parse(text.replace('¤', "\0").as_bytes())
    }

    #[test]
    fn names_slots_by_dotted_paths() {
        let s = shape(r#"{"a": ¤,"b":{"c":[¤,{"d":¤},[¤]],"e":[]},"@x":¤,"f":{"@y":¤}}"#).unwrap();
        assert_eq!(s.paths, ["a", "b.c.0", "b.c.1.d", "b.c.2.0", "@@x", "f.@y"]);
        assert_eq!(s.structures, ["b.c.1", "b.c.2", "b.c", "b.e", "b", "f"]);
        let constants: Vec<&str> = s.constants().collect();
        assert_eq!(constants.first(), Some(&"{\"a\": "));
        assert_eq!(constants.len(), s.paths.len() + 1);
    }

    #[test]
    fn refuses_ambiguous_paths() {
        for text in [
            r#"{"a":¤,"a":¤}"#,
            r#"{"a":{"b":¤},"a.b":¤}"#,
            r#"{"a":{},"a":¤}"#,
            r#"{"a\n":¤}"#,
            r#"[¤]"#,
        ] {
            assert_eq!(shape(text), None, "{text}");
        }
    }
}
