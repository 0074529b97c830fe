//! `unnest` (spec logs-insights.md 6.11)

use std::fmt;

use nom::Parser;
use nom::combinator::cut;
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed};

use super::expression::Expr;
use super::expression_grammar::expr;
use super::field::Name;
use super::tokens::{keyword, name};

/// `unnest expr into name`: one row per element of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Unnest {
    pub list: Expr,
    pub into: Name,
}

impl fmt::Display for Unnest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unnest {} into {}", self.list, self.into)
    }
}

impl Unnest {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, list) = expr(input)?;
        let (rest, into) = cut(preceded(keyword("into"), name("a name"))).parse(rest)?;
        Ok((rest, Self { list, into }))
    }
}
