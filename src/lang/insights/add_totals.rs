//! `addtotals` (spec logs-insights.md 6.21)

use std::fmt;

use super::field::{FieldPath, Name};
use super::text::commas;

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
