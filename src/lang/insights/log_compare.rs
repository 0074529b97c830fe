//! `logcompare` (spec logs-insights.md 6.15)

use std::fmt;

use super::duration::Duration;

/// `logcompare timeshift 1d`: as `diff`, against the window shifted back.
#[derive(Clone, Debug, PartialEq)]
pub struct LogCompare {
    pub time_shift: Duration,
}

impl fmt::Display for LogCompare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "logcompare timeshift {}", self.time_shift)
    }
}
