//! The one error of this package: a text that does not follow its grammar.

use std::fmt;

use belfry_model::error::{Classified, StatusClass};

use crate::span::Span;

/// Which of the languages refused the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `MalformedQueryException` of StartQuery.
    Insights,
    /// `InvalidParameterException` of the operations that take a filter pattern.
    FilterPattern,
    /// `ValidationError` of GetMetricData and PutMetricAlarm.
    MetricMath,
}

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// Something stands where the grammar has no place for it. `expected` is in words, possibly empty.
    Unexpected {
        found: String,
        expected: Vec<&'static str>,
    },
    /// Well-formed, but against a rule that holds for every input: a wrong number of arguments,
    /// an unknown function, a command in a forbidden place.
    Rule(String),
    /// Longer than the language allows, in characters.
    TooLong { length: usize, limit: usize },
    /// Nested deeper than this server parses.
    TooDeep { limit: usize },
}

/// A text that could not be parsed, with the place.
///
/// `Display` gives the text for the caller: what was found, what was expected, line and position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub language: Language,
    pub kind: SyntaxErrorKind,
    /// Bytes of the text.
    pub span: Span,
    /// Line of the first character, counted from 1.
    pub line: usize,
    /// Characters before it on its line.
    pub position: usize,
    /// The span in UTF-16 code units, as `queryCompileError` reports it (spec logs-insights.md
    /// 10.2): editors underline with it.
    pub start_char_offset: usize,
    /// End, exclusive.
    pub end_char_offset: usize,
}

impl SyntaxError {
    /// `span` is widened to whole characters and cut to the text.
    pub(crate) fn new(language: Language, kind: SyntaxErrorKind, source: &str, span: Span) -> Self {
        let start = floor_char_boundary(source, span.start());
        let end = floor_char_boundary(source, span.end()).max(start);
        let before = source.get(..start).unwrap_or_default();
        let inside = source.get(start..end).unwrap_or_default();
        let start_char_offset = before.encode_utf16().count();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            language,
            kind,
            span: Span::new(start, end),
            line: before.matches('\n').count() + 1,
            position: before.get(line_start..).unwrap_or_default().chars().count(),
            start_char_offset,
            end_char_offset: start_char_offset + inside.encode_utf16().count(),
        }
    }
}

fn floor_char_boundary(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Signs in quotes, words and descriptions bare.
fn quote_sign(what: &str) -> String {
    match what.starts_with(|c: char| c.is_alphabetic()) {
        true => what.to_owned(),
        false => format!("'{what}'"),
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SyntaxErrorKind::Unexpected { found, expected } => {
                if found.is_empty() {
                    write!(f, "unexpected end of text")?;
                } else {
                    write!(f, "unexpected symbol found '{found}'")?;
                }
                write!(f, " at line {} and position {}", self.line, self.position)?;
                let expected: Vec<String> = expected.iter().map(|what| quote_sign(what)).collect();
                match expected.as_slice() {
                    [] => Ok(()),
                    [one] => write!(f, ", expected {one}"),
                    [many @ .., last] => write!(f, ", expected {} or {last}", many.join(", ")),
                }
            }
            SyntaxErrorKind::Rule(text) => {
                write!(
                    f,
                    "{text} at line {} and position {}",
                    self.line, self.position
                )
            }
            SyntaxErrorKind::TooLong { length, limit } => {
                write!(f, "the text has {length} characters, the limit is {limit}")
            }
            SyntaxErrorKind::TooDeep { limit } => {
                write!(
                    f,
                    "nested deeper than {limit} levels at line {} and position {}",
                    self.line, self.position
                )
            }
        }
    }
}

impl std::error::Error for SyntaxError {}

impl Classified for SyntaxError {
    fn class(&self) -> StatusClass {
        StatusClass::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_utf16_and_positions_are_per_line() {
        let source = "fields ä, 𝄞\n| oops";
        let at = source.find("oops").unwrap();
        let error = SyntaxError::new(
            Language::Insights,
            SyntaxErrorKind::Unexpected {
                found: "oops".into(),
                expected: vec!["a command", "SOURCE", "end of text"],
            },
            source,
            Span::new(at, at + 4),
        );
        assert_eq!((error.line, error.position), (2, 2));
        assert_eq!((error.start_char_offset, error.end_char_offset), (15, 19));
        assert_eq!(
            error.to_string(),
            "unexpected symbol found 'oops' at line 2 and position 2, expected a command, SOURCE or end of text"
        );
    }

    #[test]
    fn a_span_inside_a_character_is_widened() {
        let error = SyntaxError::new(
            Language::MetricMath,
            SyntaxErrorKind::TooDeep { limit: 3 },
            "ä",
            Span::new(1, 9),
        );
        assert_eq!(error.span.range(), 0..2);
    }
}
