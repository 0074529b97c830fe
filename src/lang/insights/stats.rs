//! `stats` (spec logs-insights.md 6.6)

use std::fmt;

use super::duration::Duration;
use super::item::Item;
use super::text::commas;

/// `stats agg, agg by key, key offset 1d`
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// Aggregates and arithmetic over them, in order; never empty. A later one may use the alias
    /// of an earlier one.
    pub items: Vec<Item>,
    /// The group keys, which come first in the output; empty for one single group.
    pub by: Vec<Item>,
    /// The same aggregation over the window shifted back by this (6.6.2).
    pub offset: Option<Duration>,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stats {}", commas(&self.items))?;
        if !self.by.is_empty() {
            write!(f, " by {}", commas(&self.by))?;
        }
        if let Some(offset) = self.offset {
            write!(f, " offset {offset}")?;
        }
        Ok(())
    }
}
