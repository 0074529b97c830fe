//! `pattern` (spec logs-insights.md 6.14)

use std::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::grammar::{Input, Parsed};

use super::expression::Expr;
use super::expression_grammar::expr;

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

impl Pattern {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(expr, |text| Self { text }).parse(input)
    }
}
