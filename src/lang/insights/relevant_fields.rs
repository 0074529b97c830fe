//! `relevantfields` (spec logs-insights.md 6.22)

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map};
use nom::sequence::pair;

use crate::grammar::{Input, Parsed};

use super::expression::Expr;
use super::expression_grammar::expr;
use super::field::FieldPath;
use super::tokens::{comma_separated, field_path, keyword};
use crate::print::commas;

/// `relevantfields [a, b] where condition`: which fields tell the rows of the condition apart.
#[derive(Clone, Debug, PartialEq)]
pub struct RelevantFields {
    /// Empty: every field.
    pub fields: Vec<FieldPath>,
    pub condition: Expr,
}

impl fmt::Display for RelevantFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("relevantfields ")?;
        if !self.fields.is_empty() {
            write!(f, "{} ", commas(&self.fields))?;
        }
        write!(f, "where {}", self.condition)
    }
}

impl RelevantFields {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        // `where` may be a field's name: `relevantfields where where level = "ERROR"`.
        let with_fields = pair(comma_separated(field_path), keyword("where"));
        let (rest, fields) = alt((
            map(with_fields, |(fields, _)| fields),
            map(keyword("where"), |_| Vec::new()),
        ))
        .parse(input)?;
        let (rest, condition) = cut(expr).parse(rest)?;
        Ok((rest, Self { fields, condition }))
    }
}
