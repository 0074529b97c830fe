//! Regular expressions between slashes (spec logs-insights.md 2.5).

use std::fmt;

use crate::span::Span;

/// A regex that compiles.
#[derive(Clone, Debug, PartialEq)]
pub struct RegexLiteral {
    /// The pattern with `\/` resolved to a slash.
    pub pattern: String,
    pub span: Span,
}

/// Bytes that one compiled regex may take: a pattern of the largest query that multiplies counted
/// repetitions must not exhaust memory.
pub const COMPILED_REGEX_BYTES_LIMIT: usize = 1 << 20;

impl RegexLiteral {
    pub fn new(pattern: impl Into<String>) -> Self {
        Self {
            pattern: pattern.into(),
            span: Span::default(),
        }
    }

    /// See [`compile_regex`].
    pub fn compile(&self) -> Result<regex::Regex, regex::Error> {
        compile_regex(&self.pattern)
    }

    /// The names of its named groups, from left to right.
    pub fn group_names(&self) -> Vec<String> {
        match self.compile() {
            Ok(regex) => {
                let names = regex.capture_names().flatten();
                names.map(str::to_owned).collect()
            }
            Err(_) => Vec::new(),
        }
    }
}

/// The one dialect of the language: linear time, no look-around or back-references, unanchored,
/// case-sensitive, `.` without newline, `^` and `$` at the ends of the whole text. Every regex of a
/// query is compiled by this function, also those that are ordinary strings.
pub fn compile_regex(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(pattern)
        .size_limit(COMPILED_REGEX_BYTES_LIMIT)
        .dfa_size_limit(COMPILED_REGEX_BYTES_LIMIT)
        .build()
}

impl fmt::Display for RegexLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.pattern.replace('/', r"\/"))
    }
}
