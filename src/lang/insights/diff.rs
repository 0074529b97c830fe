//! `diff` (spec logs-insights.md 6.15)

use std::fmt;

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
