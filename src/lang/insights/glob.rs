//! The glob pattern of `parse` (spec logs-insights.md 2.2, 6.10).

use std::fmt;

use crate::span::Span;

/// A pattern such as `* [*] pool=* wait=*`.
#[derive(Clone, Debug, PartialEq)]
pub struct Glob {
    /// In order. Two literals never stand side by side, and none is empty.
    pub parts: Vec<GlobPart>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobPart {
    /// Matched exactly.
    Literal(String),
    /// `*`
    Wildcard,
}

impl Glob {
    /// How many names the pattern binds.
    pub fn wildcards(&self) -> usize {
        self.parts
            .iter()
            .filter(|part| matches!(part, GlobPart::Wildcard))
            .count()
    }

    /// The text of the equivalent regex, one unnamed group per wildcard: a pattern that begins with
    /// `*` is anchored, every `*` takes as little as possible, a final one takes the rest of the
    /// text, newlines included.
    pub fn to_regex(&self) -> String {
        let mut regex = String::from("(?s)");
        for (at, part) in self.parts.iter().enumerate() {
            let last = at + 1 == self.parts.len();
            match part {
                GlobPart::Literal(text) => regex.push_str(&regex::escape(text)),
                GlobPart::Wildcard => {
                    if at == 0 {
                        regex.push('^');
                    }
                    regex.push_str(if last { "(.*)" } else { "(.*?)" });
                }
            }
        }
        regex
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for part in &self.parts {
            match part {
                GlobPart::Wildcard => f.write_str("*")?,
                GlobPart::Literal(text) => {
                    for c in text.chars() {
                        match c {
                            '*' | '"' | '\\' => write!(f, "\\{c}")?,
                            other => write!(f, "{other}")?,
                        }
                    }
                }
            }
        }
        f.write_str("\"")
    }
}
