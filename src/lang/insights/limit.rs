//! `limit`, `limit any` and the deprecated `head`, `tail` (spec logs-insights.md 6.8)

use std::fmt;

use nom::Parser;
use nom::combinator::{map, opt};

use crate::grammar::{Input, Parsed};

use super::tokens::{blanks, integer, keyword};

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

impl Limit {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, any) = opt(keyword("any")).parse(input)?;
        let (rest, rows) = rows(rest)?;
        let any = any.is_some();
        Ok((rest, Self { rows, any }))
    }
}

impl Head {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(optional_rows, |rows| Self { rows }).parse(input)
    }
}

impl Tail {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(optional_rows, |rows| Self { rows }).parse(input)
    }
}

fn rows(input: Input<'_>) -> Parsed<'_, u32> {
    integer("the number of rows", 1..=ROWS_MAX)(input)
}

fn optional_rows(input: Input<'_>) -> Parsed<'_, u32> {
    let (start, ()) = blanks(input)?;
    match start.fragment().starts_with(|c: char| c.is_ascii_digit()) {
        true => rows(start),
        false => Ok((input, HEAD_ROWS_DEFAULT)),
    }
}
