//! Why StartQuery refuses a query (spec logs-insights.md 10.2).

use belfry_lang::{Span, SyntaxError};
use belfry_model::{Classified, StatusClass};

/// A query that cannot run, with the place in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CompileError {
    pub message: String,
    /// UTF-16 code units from the start of the text; the end is exclusive.
    pub start: usize,
    pub end: usize,
    /// Correct, but not run by this server yet.
    pub unsupported: bool,
}

impl CompileError {
    pub(super) fn new(source: &str, problem: Problem) -> Self {
        let span = problem.span;
        let before = source.get(..span.start()).unwrap_or_default();
        let start = before.encode_utf16().count();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let position = before.get(line_start..).unwrap_or_default().chars().count();
        Self {
            message: format!("{} at line {line} and position {position}", problem.message),
            start,
            end: start + span.text(source).encode_utf16().count(),
            unsupported: problem.unsupported,
        }
    }
}

impl From<SyntaxError> for CompileError {
    fn from(error: SyntaxError) -> Self {
        Self {
            message: error.to_string(),
            start: error.start_char_offset,
            end: error.end_char_offset,
            unsupported: false,
        }
    }
}

impl Classified for CompileError {
    fn class(&self) -> StatusClass {
        if self.unsupported {
            StatusClass::Unsupported
        } else {
            StatusClass::Invalid
        }
    }
}

/// A reason for refusal before the text is at hand.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub message: String,
    pub span: Span,
    pub unsupported: bool,
}

impl Problem {
    pub fn malformed(message: impl Into<String>, span: Span) -> Self {
        Self {
            message: message.into(),
            span,
            unsupported: false,
        }
    }

    pub fn unsupported(what: impl std::fmt::Display, span: Span) -> Self {
        Self {
            message: format!("{what} is not supported yet"),
            span,
            unsupported: true,
        }
    }

    /// A plan that DataFusion refuses: a mistake of ours, reported as one.
    pub fn plan(error: &datafusion::error::DataFusionError) -> Self {
        Self {
            message: format!("the query cannot be planned: {error}"),
            span: Span::default(),
            unsupported: true,
        }
    }
}
