//! `limit`, `limit any` and the deprecated `head`, `tail` (spec logs-insights.md 6.8)

use std::fmt;

/// The largest count of `limit` (documented), applied to `head` and `tail` as well.
pub const ROWS_MAX: u32 = 100_000;

/// What `head` and `tail` keep without a count.
pub const HEAD_ROWS_DEFAULT: u32 = 10;

/// `limit N`, `limit any N`
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// 1 to [`ROWS_MAX`].
    pub rows: u32,
    /// `any`: whichever rows are found first, in no order.
    pub any: bool,
}

/// `head [N]`: the same as `limit N`.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// 1 to [`ROWS_MAX`].
    pub rows: u32,
}

/// `tail [N]`: the last N rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Tail {
    /// 1 to [`ROWS_MAX`].
    pub rows: u32,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "limit {}{}",
            if self.any { "any " } else { "" },
            self.rows
        )
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "head {}", self.rows)
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tail {}", self.rows)
    }
}
