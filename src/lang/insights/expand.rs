//! `expand` (spec logs-insights.md 6.12)

use std::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::grammar::{Input, Parsed};

use super::field::FieldPath;
use super::tokens::field_path;

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

impl Expand {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(field_path, |field| Self { field }).parse(input)
    }
}
