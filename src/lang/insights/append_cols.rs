//! `appendcols` (spec logs-insights.md 6.21)

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt};
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed};

use super::limit::ROWS_MAX;
use super::query::Query;
use super::query_grammar::subquery;
use super::tokens::{boolean, integer, option_key};

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

impl AppendCols {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let mut replace = false;
        let mut rows_max = APPENDED_ROWS_DEFAULT;
        let mut rest = input;
        while let (after, Some(option)) = opt(append_option).parse(rest)? {
            match option {
                AppendOption::Replace(given) => replace = given,
                AppendOption::RowsMax(given) => rows_max = given,
            }
            rest = after;
        }
        let (rest, query) = subquery(rest)?;
        let query = Box::new(query);
        let append = Self {
            replace,
            rows_max,
            query,
        };
        Ok((rest, append))
    }
}

enum AppendOption {
    Replace(bool),
    RowsMax(u32),
}

fn append_option(input: Input<'_>) -> Parsed<'_, AppendOption> {
    alt((
        map(
            preceded(option_key("override"), cut(boolean)),
            AppendOption::Replace,
        ),
        map(
            preceded(option_key("max"), cut(integer("max", 1..=ROWS_MAX))),
            AppendOption::RowsMax,
        ),
    ))
    .parse(input)
}
