//! `filter`, also written `where` and `search` (spec logs-insights.md 6.4)

use std::fmt;

use super::expression::Expr;

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
