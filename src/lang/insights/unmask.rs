//! `unmask` (spec logs-insights.md 6.17)

use std::fmt;

use super::field::FieldPath;
use super::text::commas;

/// `unmask a, b`: shows the masked content of the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Unmask {
    /// Never empty.
    pub fields: Vec<FieldPath>,
}

impl fmt::Display for Unmask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unmask {}", commas(&self.fields))
    }
}
