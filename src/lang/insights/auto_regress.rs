//! `autoregress` (spec logs-insights.md 6.21)

use std::fmt;

use super::field::{FieldPath, Name};

/// Largest lag: no more rows can precede (spec logs-insights.md 9, result rows).
pub const LAG_MAX: u32 = 100_000;

/// Largest number of copies that one command makes, each a column.
pub const LAGS_PER_COMMAND_MAX: u32 = 100;

/// `autoregress field [as name] [p=N[-M]]`: copies of the field from earlier rows.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoRegress {
    pub field: FieldPath,
    pub alias: Option<Name>,
    /// At least 1.
    pub first_lag: u32,
    /// At least `first_lag`; equal to it for one single lag.
    pub last_lag: u32,
}

impl fmt::Display for AutoRegress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "autoregress {}", self.field)?;
        if let Some(alias) = &self.alias {
            write!(f, " as {alias}")?;
        }
        write!(f, " p={}", self.first_lag)?;
        if self.last_lag != self.first_lag {
            write!(f, "-{}", self.last_lag)?;
        }
        Ok(())
    }
}
