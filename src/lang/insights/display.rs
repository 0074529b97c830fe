//! `display` (spec logs-insights.md 6.2)

use std::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::grammar::{Input, Parsed};

use super::item::Item;
use super::item::items;
use crate::print::commas;

/// `display a, b as c`: sets the output columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Display {
    /// Never empty.
    pub items: Vec<Item>,
}

impl fmt::Display for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "display {}", commas(&self.items))
    }
}

impl Display {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(items, |items| Self { items }).parse(input)
    }
}
