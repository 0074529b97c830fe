//! `estimate` (spec logs-insights.md 6.23)

use std::fmt;

use crate::grammar::{Input, Parsed};

/// `estimate`: reports the bytes a run would read, without running.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate;

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("estimate")
    }
}

impl Estimate {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        Ok((input, Self))
    }
}
