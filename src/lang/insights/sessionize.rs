//! `sessionize` (spec logs-insights.md 6.21)

use std::fmt;

use super::duration::{Duration, DurationUnit};
use super::field::{FieldPath, Name};
use super::text::commas;

/// The gap that holds if none is written (documented).
pub const SESSION_GAP_DEFAULT: Duration = Duration::new(30, DurationUnit::Minute);

/// `sessionize a, b [maxspan 30m] [as name]`: numbers sessions by identity and inactivity.
#[derive(Clone, Debug, PartialEq)]
pub struct Sessionize {
    /// Never empty.
    pub fields: Vec<FieldPath>,
    pub max_span: Duration,
    /// `None` means `session_id`.
    pub alias: Option<Name>,
}

impl fmt::Display for Sessionize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sessionize {} maxspan {}",
            commas(&self.fields),
            self.max_span
        )?;
        match &self.alias {
            Some(alias) => write!(f, " as {alias}"),
            None => Ok(()),
        }
    }
}
