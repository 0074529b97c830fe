//! Names and paths (spec logs-insights.md 2.1).

use std::fmt;

use crate::span::Span;

use super::query_grammar::is_command_word;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A key, without backticks. The first one of a path may start with `@`.
    /// A number after a dot is a key as well: `items.0.id` has the key `0`.
    Key(String),
    /// `[2]`: element of a structure list, counted from 0.
    Index(u64),
}

/// A reference to a field, as in `a.items.0.id`, `` `x-id` ``, `` map.`user.id` ``, `list[0].name`.
///
/// What it means depends on the columns that exist: the longest prefix that names a column is the
/// column, the rest steps into its structure value (spec logs-insights.md 2.1, 5.3).
#[derive(Clone, Debug, PartialEq)]
pub struct FieldPath {
    /// Never empty; the first is a key.
    pub segments: Vec<Segment>,
    pub span: Span,
}

impl FieldPath {
    /// A path of one key.
    pub fn key(name: impl Into<String>) -> Self {
        Self {
            segments: vec![Segment::Key(name.into())],
            span: Span::default(),
        }
    }

    /// The path as a column name: keys joined by dots, no backticks, `list[0].id`. Discovered
    /// fields, query-made fields and result columns are all found by this text.
    pub fn name(&self) -> String {
        self.prefix_name(self.segments.len())
    }

    /// The same path behind an alias, as in `alias.a.b`.
    pub(super) fn qualified(&self, alias: &Name) -> String {
        let mut text = alias.to_string();
        for segment in &self.segments {
            text.push_str(&segment.to_string());
        }
        text
    }

    /// [`FieldPath::name`] of the first `count` segments.
    pub fn prefix_name(&self, count: usize) -> String {
        let mut name = String::new();
        for (at, segment) in self.segments.iter().take(count).enumerate() {
            match segment {
                Segment::Key(key) => {
                    if at > 0 {
                        name.push('.');
                    }
                    name.push_str(key);
                }
                Segment::Index(index) => name.push_str(&format!("[{index}]")),
            }
        }
        name
    }
}

/// A name that a command gives or asks for: an alias, a table, a column. It may contain dots
/// (`as a.b` names one column `a.b`).
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// Without backticks.
    pub text: String,
    pub span: Span,
}

impl Name {
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            span: Span::default(),
        }
    }
}

/// Words that the grammar reads before a field name; as a field they need backticks.
pub(crate) const RESERVED: &[&str] = &[
    "and", "as", "by", "false", "in", "like", "not", "null", "or", "true",
];

pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED
        .iter()
        .any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// `first` of the grammar.
pub(crate) fn starts_name(c: char) -> bool {
    c == '_' || c == '@' || is_letter(c)
}

/// `rest` of the grammar without the dot, which separates segments.
pub(crate) fn continues_name(c: char) -> bool {
    starts_name(c) || c.is_ascii_digit()
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && c.is_alphabetic())
}

fn write_quoted(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    write!(f, "`{}`", name.replace('`', "``"))
}

fn write_first_key(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    let plain = key.starts_with(starts_name) && key.chars().all(continues_name);
    // A command's name is a fine field, but behind `in (` it would begin a subquery.
    if plain && !is_reserved(key) && !is_command_word(key) {
        f.write_str(key)
    } else {
        write_quoted(f, key)
    }
}

impl fmt::Display for Segment {
    /// As a further step of a path, with its dot or brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) if !key.is_empty() && key.chars().all(continues_name) => {
                write!(f, ".{key}")
            }
            Self::Key(key) => {
                f.write_str(".")?;
                write_quoted(f, key)
            }
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Key(key) if at == 0 => write_first_key(f, key)?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.text.starts_with(starts_name)
            && self
                .text
                .split('.')
                .all(|part| !part.is_empty() && part.chars().all(continues_name));
        if plain && !is_reserved(&self.text) {
            f.write_str(&self.text)
        } else {
            write_quoted(f, &self.text)
        }
    }
}
