//! `diff` (spec logs-insights.md 6.15)

use std::fmt;

use nom::Parser;
use nom::combinator::{map, opt};

use crate::grammar::{Input, Parsed};

use super::tokens::keyword_of;

/// `diff [previousDay|previousWeek|previousMonth]`: compares the patterns of two windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    pub against: DiffWindow,
}

/// The window that the query's window is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiffWindow {
    /// Of equal length, just before.
    Preceding,
    PreviousDay,
    PreviousWeek,
    PreviousMonth,
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.against {
            DiffWindow::Preceding => "diff",
            DiffWindow::PreviousDay => "diff previousDay",
            DiffWindow::PreviousWeek => "diff previousWeek",
            DiffWindow::PreviousMonth => "diff previousMonth",
        })
    }
}

impl Diff {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        const WINDOWS: &[(&str, DiffWindow)] = &[
            ("previousDay", DiffWindow::PreviousDay),
            ("previousWeek", DiffWindow::PreviousWeek),
            ("previousMonth", DiffWindow::PreviousMonth),
        ];
        map(opt(keyword_of(WINDOWS)), |window| Self {
            against: window.unwrap_or(DiffWindow::Preceding),
        })
        .parse(input)
    }
}
