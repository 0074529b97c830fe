//! `filterIndex` (spec logs-insights.md 6.5)

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::sequence::{delimited, preceded};

use crate::grammar::{Input, Parsed};

use super::expression::Literal;
use super::expression_grammar::literal;
use super::field::FieldPath;
use super::tokens::{comma_separated, field_path, keyword, symbol};
use crate::print::{commas, joined};

/// `filterIndex field = value and field in [a, b]`: keeps equal rows, skips log groups without an
/// index on the field.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterIndex {
    /// All must hold; never empty.
    pub conditions: Vec<IndexCondition>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct IndexCondition {
    pub field: FieldPath,
    pub test: IndexTest,
}

#[derive(Clone, Debug, PartialEq)]
pub enum IndexTest {
    Equal(Literal),
    /// Never empty.
    In(Vec<Literal>),
}

impl fmt::Display for FilterIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filterIndex {}", joined(&self.conditions, " and "))
    }
}

impl fmt::Display for IndexCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.test {
            IndexTest::Equal(value) => write!(f, "{} = {value}", self.field),
            IndexTest::In(values) => write!(f, "{} in [{}]", self.field, commas(values)),
        }
    }
}

impl FilterIndex {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, first) = condition(input)?;
        let mut conditions = vec![first];
        let mut rest = rest;
        while let (after, Some(_)) = opt(keyword("and")).parse(rest)? {
            let (after, next) = cut(condition).parse(after)?;
            conditions.push(next);
            rest = after;
        }
        Ok((rest, Self { conditions }))
    }
}

fn condition(input: Input<'_>) -> Parsed<'_, IndexCondition> {
    let (rest, field) = field_path(input)?;
    let equal = preceded(symbol("="), cut(literal)).map(IndexTest::Equal);
    let list = delimited(symbol("["), comma_separated(literal), symbol("]"));
    let within = preceded(keyword("in"), cut(list)).map(IndexTest::In);
    let (rest, test) = cut(alt((equal, within))).parse(rest)?;
    Ok((rest, IndexCondition { field, test }))
}
