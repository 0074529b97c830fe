//! `anomaly` (spec logs-insights.md 6.16)

use std::fmt;

/// `anomaly`: adds detection results to patterns.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly;

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anomaly")
    }
}
