//! `stats` (spec logs-insights.md 6.6)

use std::fmt;

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed};

use super::duration::Duration;
use super::item::Item;
use super::item::items;
use super::tokens::{duration, keyword};
use crate::print::commas;

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

impl Stats {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, aggregates) = items(input)?;
        let (rest, by) = opt(preceded(keyword("by"), cut(items))).parse(rest)?;
        let (rest, offset) = match by {
            Some(_) => opt(preceded(keyword("offset"), cut(duration))).parse(rest)?,
            None => (rest, None),
        };
        let stats = Self {
            items: aggregates,
            by: by.unwrap_or_default(),
            offset,
        };
        Ok((rest, stats))
    }
}
