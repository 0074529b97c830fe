//! `accum` (spec logs-insights.md 6.21)

use std::fmt;

use super::field::{FieldPath, Name};

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
