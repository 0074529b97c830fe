//! `filter`, also written `where` and `search` (spec logs-insights.md 6.4)

use std::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::grammar::{Input, Parsed};

use super::expression::Expr;
use super::expression_grammar::expr;

/// `filter condition`: keeps the rows whose condition is true.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub condition: Expr,
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter {}", self.condition)
    }
}

impl Filter {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(expr, |condition| Self { condition }).parse(input)
    }
}
