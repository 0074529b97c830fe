//! `countFrequent` (spec logs-insights.md 6.21)

use std::fmt;

use super::field::FieldPath;
use super::text::commas;

/// `countFrequent a, b`: approximate counts per combination.
#[derive(Clone, Debug, PartialEq)]
pub struct CountFrequent {
    /// Never empty.
    pub fields: Vec<FieldPath>,
}

impl fmt::Display for CountFrequent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "countFrequent {}", commas(&self.fields))
    }
}
