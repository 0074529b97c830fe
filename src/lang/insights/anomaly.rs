//! `anomaly` (spec logs-insights.md 6.16)

use std::fmt;

use crate::grammar::{Input, Parsed};

/// `anomaly`: adds detection results to patterns.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly;

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anomaly")
    }
}

impl Anomaly {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        Ok((input, Self))
    }
}
