//! `pattern` (spec logs-insights.md 6.14)

use std::fmt;

use super::expression::Expr;

/// `pattern @message`: clusters the rows by the shape of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pub text: Expr,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pattern {}", self.text)
    }
}
