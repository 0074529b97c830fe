//! `countFrequent` (spec logs-insights.md 6.21)

use std::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::grammar::{Input, Parsed};

use super::field::FieldPath;
use super::tokens::{comma_separated, field_path};
use crate::print::commas;

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

impl CountFrequent {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(comma_separated(field_path), |fields| Self { fields }).parse(input)
    }
}
