//! `accum` (spec logs-insights.md 6.21)

use std::fmt;

use crate::grammar::{Input, Parsed};

use super::field::{FieldPath, Name};
use super::item::alias;
use super::tokens::field_path;

/// `accum field [as name]`: running sum in the current row order.
#[derive(Clone, Debug, PartialEq)]
pub struct Accum {
    pub field: FieldPath,
    /// `None`: the field is replaced.
    pub alias: Option<Name>,
}

impl fmt::Display for Accum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accum {}", self.field)?;
        match &self.alias {
            Some(alias) => write!(f, " as {alias}"),
            None => Ok(()),
        }
    }
}

impl Accum {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, field) = field_path(input)?;
        let (rest, alias) = alias(rest)?;
        Ok((rest, Self { field, alias }))
    }
}
