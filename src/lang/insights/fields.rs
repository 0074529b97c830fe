//! `fields` (spec logs-insights.md 6.1)

use std::fmt;

use super::item::Item;
use super::text::commas;

/// `fields a, b as c`: adds columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields {
    /// Never empty.
    pub items: Vec<Item>,
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fields {}", commas(&self.items))
    }
}
