//! `lookup` (spec logs-insights.md 6.13)

use std::fmt;

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed};

use super::field::{FieldPath, Name};
use super::tokens::{comma_separated, field_path, keyword, keyword_of, name};
use crate::print::commas;

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

impl Lookup {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, table) = name("the name of a table")(input)?;
        let (rest, matches) = comma_separated(lookup_match)(rest)?;
        let (rest, mode) = output_mode(rest)?;
        let (rest, outputs) = comma_separated(name("a column"))(rest)?;
        let lookup = Self {
            table,
            matches,
            mode,
            outputs,
        };
        Ok((rest, lookup))
    }
}

fn lookup_match(input: Input<'_>) -> Parsed<'_, LookupMatch> {
    let (rest, column) = name("a column")(input)?;
    let (rest, field) = opt(preceded(keyword("as"), cut(field_path))).parse(rest)?;
    Ok((rest, LookupMatch { column, field }))
}

pub(super) fn output_mode(input: Input<'_>) -> Parsed<'_, OutputMode> {
    keyword_of(&[
        ("OUTPUT", OutputMode::Overwrite),
        ("OUTPUTNEW", OutputMode::FillMissing),
    ])(input)
}
