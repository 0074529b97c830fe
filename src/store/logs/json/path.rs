//! Dotted paths of discovered fields, built while walking (spec logs-insights.md 5.2).

use super::escape::unescape;
use super::walk::{Scalar, Visitor};

/// The path of the value being visited. Array elements use their index as a segment; a first
/// segment that starts with `@` gets one more, so that it cannot be taken for a system field.
#[derive(Debug, Default)]
struct PathBuilder {
    text: String,
    open: Vec<Container>,
}

#[derive(Debug)]
struct Container {
    /// Length of `text` without what stands for the current member or element.
    length: usize,
    /// The next element's index; `None` for objects.
    next_index: Option<usize>,
}

impl PathBuilder {
    /// The path of the container just begun, or of the scalar just announced.
    fn text(&self) -> &str {
        &self.text
    }

    fn key(&mut self, key: &str) {
        let Some(top) = self.open.last() else { return };
        self.text.truncate(top.length);
        if self.open.len() > 1 {
            self.text.push('.');
        } else if key.starts_with('@') {
            self.text.push('@');
        }
        let before = self.text.len();
        if key.contains('\\') && unescape(key, &mut self.text).is_none() {
            // A lone surrogate: name the field as it is written.
            self.text.truncate(before);
            self.text.push_str(key);
        } else if !key.contains('\\') {
            self.text.push_str(key);
        }
    }

    /// A value starts (before `begin`): moves on to the next element of an array.
    fn value(&mut self) {
        let nested = self.open.len() > 1;
        let Some(top) = self.open.last_mut() else {
            return;
        };
        let Some(index) = &mut top.next_index else {
            return;
        };
        self.text.truncate(top.length);
        if nested {
            self.text.push('.');
        }
        self.text.push_str(&index.to_string());
        *index += 1;
    }

    fn begin(&mut self, is_array: bool) {
        self.open.push(Container {
            length: self.text.len(),
            next_index: is_array.then_some(0),
        });
    }

    /// Ends the innermost container; [`PathBuilder::text`] is its path again.
    fn end(&mut self) {
        if let Some(top) = self.open.pop() {
            self.text.truncate(top.length);
        }
    }

    fn depth(&self) -> usize {
        self.open.len()
    }
}

/// Receives what a walk finds, with its paths.
pub trait PathVisitor<'a> {
    /// An object member's key, as written between its quotes.
    fn key(&mut self, _key: &'a str) {}
    /// An object or array ended that is not the whole; `start..end` is its text in the input.
    fn structure(&mut self, _path: &str, _start: usize, _end: usize) {}
    /// Returning false stops the walk.
    fn scalar(&mut self, path: &str, scalar: Scalar<'a>) -> bool;
}

/// Tells a visitor the path of what it visits.
pub struct WithPaths<V> {
    path: PathBuilder,
    pub visitor: V,
}

impl<V> WithPaths<V> {
    pub fn new(visitor: V) -> Self {
        Self {
            path: PathBuilder::default(),
            visitor,
        }
    }
}

impl<'a, V: PathVisitor<'a>> Visitor<'a> for WithPaths<V> {
    fn key(&mut self, key: &'a str) {
        self.visitor.key(key);
        self.path.key(key);
    }

    fn begin_object(&mut self) {
        self.path.value();
        self.path.begin(false);
    }

    fn begin_array(&mut self) {
        self.path.value();
        self.path.begin(true);
    }

    fn end(&mut self, start: usize, end: usize) {
        self.path.end();
        if self.path.depth() > 0 {
            self.visitor.structure(self.path.text(), start, end);
        }
    }

    fn scalar(&mut self, scalar: Scalar<'a>, _start: usize, _end: usize) -> bool {
        self.path.value();
        self.visitor.scalar(self.path.text(), scalar)
    }
}
