//! `sort`, also written `order` (spec logs-insights.md 6.7)

use std::fmt;

use nom::Parser;
use nom::combinator::opt;

use crate::grammar::{Input, Parsed};

use super::expression::Expr;
use super::expression_grammar::expr;
use super::field::Name;
use super::item::alias;
use super::tokens::{comma_separated, keyword, keyword_of};
use crate::print::commas;

/// `sort a asc, b desc`
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// From the first to the last; never empty.
    pub keys: Vec<SortKey>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// May call again what an unnamed column of an earlier `stats` was made of.
    pub expr: Expr,
    pub alias: Option<Name>,
    /// Ascending if not written.
    pub direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Ascending,
    Descending,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sort {}", commas(&self.keys))
    }
}

impl fmt::Display for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.expr)?;
        if let Some(alias) = &self.alias {
            write!(f, " as {alias}")?;
        }
        f.write_str(match self.direction {
            Direction::Ascending => " asc",
            Direction::Descending => " desc",
        })
    }
}

impl Sort {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, _) = opt(keyword("by")).parse(input)?;
        let (rest, keys) = comma_separated(key)(rest)?;
        Ok((rest, Self { keys }))
    }
}

fn key(input: Input<'_>) -> Parsed<'_, SortKey> {
    const DIRECTIONS: &[(&str, Direction)] = &[
        ("asc", Direction::Ascending),
        ("desc", Direction::Descending),
    ];
    let (rest, expr) = expr(input)?;
    let (rest, alias) = alias(rest)?;
    let (rest, direction) = opt(keyword_of(DIRECTIONS)).parse(rest)?;
    let key = SortKey {
        expr,
        alias,
        direction: direction.unwrap_or(Direction::Ascending),
    };
    Ok((rest, key))
}
