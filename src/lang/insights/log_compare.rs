//! `logcompare` (spec logs-insights.md 6.15)

use std::fmt;

use nom::Parser;
use nom::combinator::map;
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed};

use super::duration::Duration;
use super::tokens::{duration, keyword};

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

impl LogCompare {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        map(preceded(keyword("timeshift"), duration), |time_shift| {
            Self { time_shift }
        })
        .parse(input)
    }
}
