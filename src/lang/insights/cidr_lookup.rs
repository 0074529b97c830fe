//! `cidrlookup` (spec logs-insights.md 6.13)

use std::fmt;

use super::field::{FieldPath, Name};
use super::lookup::OutputMode;
use super::text::commas;

/// `cidrlookup table field [as column] OUTPUT column [as name], …`: as `lookup`, by longest
/// matching address block.
#[derive(Clone, Debug, PartialEq)]
pub struct CidrLookup {
    pub table: Name,
    /// The field with the address.
    pub field: FieldPath,
    /// The column with the blocks; `None` means `cidr`.
    pub column: Option<Name>,
    pub mode: OutputMode,
    /// Never empty.
    pub outputs: Vec<CidrOutput>,
}

/// `column [as name]`
#[derive(Clone, Debug, PartialEq)]
pub struct CidrOutput {
    pub column: Name,
    pub alias: Option<Name>,
}

impl fmt::Display for CidrLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cidrlookup {} {}", self.table, self.field)?;
        if let Some(column) = &self.column {
            write!(f, " as {column}")?;
        }
        write!(f, " {} {}", self.mode, commas(&self.outputs))
    }
}

impl fmt::Display for CidrOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.alias {
            Some(alias) => write!(f, "{} as {alias}", self.column),
            None => write!(f, "{}", self.column),
        }
    }
}
