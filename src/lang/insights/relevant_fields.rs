//! `relevantfields` (spec logs-insights.md 6.22)

use std::fmt;

use super::expression::Expr;
use super::field::FieldPath;
use super::text::commas;

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
