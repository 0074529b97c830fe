//! `lookup` (spec logs-insights.md 6.13)

use std::fmt;

use super::field::{FieldPath, Name};
use super::text::commas;

/// `lookup table column as field, … OUTPUT column, …`: enriches rows from a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    pub table: Name,
    /// All must be equal; never empty.
    pub matches: Vec<LookupMatch>,
    pub mode: OutputMode,
    /// Columns of the table that become fields; never empty.
    pub outputs: Vec<Name>,
}

/// `column [as field]`
#[derive(Clone, Debug, PartialEq)]
pub struct LookupMatch {
    pub column: Name,
    /// `None`: the event field of the column's name.
    pub field: Option<FieldPath>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputMode {
    /// `OUTPUT`: overwrites, without a match by missing.
    Overwrite,
    /// `OUTPUTNEW`: fills only what is missing or empty.
    FillMissing,
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "lookup {} {} {} {}",
            self.table,
            commas(&self.matches),
            self.mode,
            commas(&self.outputs)
        )
    }
}

impl fmt::Display for LookupMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{} as {field}", self.column),
            None => write!(f, "{}", self.column),
        }
    }
}

impl fmt::Display for OutputMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overwrite => "OUTPUT",
            Self::FillMissing => "OUTPUTNEW",
        })
    }
}
