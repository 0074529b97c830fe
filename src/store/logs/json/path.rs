//! Dotted paths of discovered fields, built while walking (spec logs-insights.md 5.2).

use super::escape::unescape;

/// The path of the value being visited. Array elements use their index as a segment; a first
/// segment that starts with `@` gets one more, so that it cannot be taken for a system field.
#[derive(Debug, Default)]
pub struct PathBuilder {
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
    pub fn clear(&mut self) {
        self.text.clear();
        self.open.clear();
    }

    /// The path of the container just begun, or of the scalar just announced.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn key(&mut self, key: &str) {
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
    pub fn value(&mut self) {
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

    pub fn begin(&mut self, is_array: bool) {
        self.open.push(Container {
            length: self.text.len(),
            next_index: is_array.then_some(0),
        });
    }

    /// Ends the innermost container; [`PathBuilder::text`] is its path again.
    pub fn end(&mut self) {
        if let Some(top) = self.open.pop() {
            self.text.truncate(top.length);
        }
    }

    pub fn depth(&self) -> usize {
        self.open.len()
    }
}
