//! `expand` (spec logs-insights.md 6.12)

use std::fmt;

use super::field::FieldPath;

/// `expand field`: one row per element of a JSON array, the field replaced by the element.
#[derive(Clone, Debug, PartialEq)]
pub struct Expand {
    pub field: FieldPath,
}

impl fmt::Display for Expand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expand {}", self.field)
    }
}
