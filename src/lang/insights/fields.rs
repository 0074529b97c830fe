//! `fields` (spec logs-insights.md 6.1)

use std::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::grammar::{Input, Parsed};

use super::item::Item;
use super::item::items;
use crate::print::commas;

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

impl Fields {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(items, |items| Self { items }).parse(input)
    }
}
