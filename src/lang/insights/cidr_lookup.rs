//! `cidrlookup` (spec logs-insights.md 6.13)

use std::fmt;

use crate::grammar::{Input, Parsed};

use super::field::{FieldPath, Name};
use super::item::alias;
use super::lookup::OutputMode;
use super::lookup::output_mode;
use super::tokens::{comma_separated, field_path, name};
use crate::print::commas;

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

impl CidrLookup {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, table) = name("the name of a table")(input)?;
        let (rest, field) = field_path(rest)?;
        let (rest, column) = alias(rest)?;
        let (rest, mode) = output_mode(rest)?;
        let (rest, outputs) = comma_separated(output)(rest)?;
        let lookup = Self {
            table,
            field,
            column,
            mode,
            outputs,
        };
        Ok((rest, lookup))
    }
}

fn output(input: Input<'_>) -> Parsed<'_, CidrOutput> {
    let (rest, column) = name("a column")(input)?;
    let (rest, alias) = alias(rest)?;
    Ok((rest, CidrOutput { column, alias }))
}
