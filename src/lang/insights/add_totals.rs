//! `addtotals` (spec logs-insights.md 6.21)

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt};
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed, broken_rule, span_between};

use super::field::{FieldPath, Name};
use super::tokens::{boolean, comma_separated, field_path, name, option_key};
use crate::print::commas;

/// `addtotals [fieldname=T] [row=b] [col=b] [a, b]`: totals of rows and columns.
#[derive(Clone, Debug, PartialEq)]
pub struct AddTotals {
    /// Column of the row totals; `None` means `Total`.
    pub total_name: Option<Name>,
    /// A total for each row; true if not written.
    pub row: bool,
    /// A summary row at the end; false if not written.
    pub column: bool,
    /// Empty: every numeric field.
    pub fields: Vec<FieldPath>,
}

impl AddTotals {
    /// Name of the column of row totals.
    pub fn total_column(&self) -> &str {
        self.total_name
            .as_ref()
            .map_or("Total", |name| name.text.as_str())
    }
}

impl fmt::Display for AddTotals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("addtotals")?;
        if let Some(name) = &self.total_name {
            write!(f, " fieldname={name}")?;
        }
        write!(f, " row={} col={}", self.row, self.column)?;
        if !self.fields.is_empty() {
            write!(f, " {}", commas(&self.fields))?;
        }
        Ok(())
    }
}

impl AddTotals {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let mut total_name = None;
        let mut row = None;
        let mut column = None;
        let mut rest = input;
        while let (after, Some(option)) = opt(total_option).parse(rest)? {
            let repeated = match option {
                TotalOption::Name(given) => total_name.replace(given).is_some(),
                TotalOption::Row(given) => row.replace(given).is_some(),
                TotalOption::Column(given) => column.replace(given).is_some(),
            };
            if repeated {
                return broken_rule(span_between(rest, after), "the option is given twice");
            }
            rest = after;
        }
        let (rest, fields) = opt(comma_separated(field_path)).parse(rest)?;
        let totals = Self {
            total_name,
            row: row.unwrap_or(true),
            column: column.unwrap_or(false),
            fields: fields.unwrap_or_default(),
        };
        Ok((rest, totals))
    }
}

enum TotalOption {
    Name(Name),
    Row(bool),
    Column(bool),
}

fn total_option(input: Input<'_>) -> Parsed<'_, TotalOption> {
    alt((
        map(
            preceded(option_key("fieldname"), cut(name("a name"))),
            TotalOption::Name,
        ),
        map(preceded(option_key("row"), cut(boolean)), TotalOption::Row),
        map(
            preceded(option_key("col"), cut(boolean)),
            TotalOption::Column,
        ),
    ))
    .parse(input)
}
