//! `unmask` (spec logs-insights.md 6.17)

use std::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::grammar::{Input, Parsed};

use super::field::FieldPath;
use super::tokens::{comma_separated, field_path};
use crate::print::commas;

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

impl Unmask {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(comma_separated(field_path), |fields| Self { fields }).parse(input)
    }
}
