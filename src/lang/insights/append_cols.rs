//! `appendcols` (spec logs-insights.md 6.21)

use std::fmt;

use super::query::Query;

/// The `max` that holds if none is written.
pub const APPENDED_ROWS_DEFAULT: u32 = 10_000;

/// `appendcols [override=b] [max=n] (query)`: columns of another query, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct AppendCols {
    /// Whether values that exist are replaced; false if not written.
    pub replace: bool,
    /// Rows taken from the query, 1 to 100,000.
    pub rows_max: u32,
    pub query: Box<Query>,
}

impl fmt::Display for AppendCols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "appendcols override={} max={} ({})",
            self.replace, self.rows_max, self.query
        )
    }
}
