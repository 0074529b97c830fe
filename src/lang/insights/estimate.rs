//! `estimate` (spec logs-insights.md 6.23)

use std::fmt;

/// `estimate`: reports the bytes a run would read, without running.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate;

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("estimate")
    }
}
