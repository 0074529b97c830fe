//! `dedup` (spec logs-insights.md 6.9)

use std::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::grammar::{Input, Parsed};

use super::field::FieldPath;
use super::tokens::{comma_separated, field_path};
use crate::print::commas;

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

impl Dedup {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(comma_separated(field_path), |fields| Self { fields }).parse(input)
    }
}
