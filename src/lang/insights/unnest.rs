//! `unnest` (spec logs-insights.md 6.11)

use std::fmt;

use super::expression::Expr;
use super::field::Name;

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
