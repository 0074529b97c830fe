//! `dedup` (spec logs-insights.md 6.9)

use std::fmt;

use super::field::FieldPath;
use super::text::commas;

/// `dedup a, b`: keeps the first row of each combination.
#[derive(Clone, Debug, PartialEq)]
pub struct Dedup {
    /// Never empty.
    pub fields: Vec<FieldPath>,
}

impl fmt::Display for Dedup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dedup {}", commas(&self.fields))
    }
}
