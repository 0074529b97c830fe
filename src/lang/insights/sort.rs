//! `sort`, also written `order` (spec logs-insights.md 6.7)

use std::fmt;

use super::expression::Expr;
use super::field::Name;
use super::text::commas;

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
