//! `sessionize` (spec logs-insights.md 6.21)

use std::fmt;

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed};

use super::duration::{Duration, DurationUnit};
use super::field::{FieldPath, Name};
use super::item::alias;
use super::tokens::{comma_separated, duration, field_path, keyword};
use crate::print::commas;

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

impl Sessionize {
    /// Name of the column of session ids.
    pub fn column(&self) -> &str {
        self.alias
            .as_ref()
            .map_or("session_id", |alias| alias.text.as_str())
    }
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

impl Sessionize {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, fields) = comma_separated(field_path)(input)?;
        let (rest, max_span) = opt(preceded(keyword("maxspan"), cut(duration))).parse(rest)?;
        let (rest, alias) = alias(rest)?;
        let sessionize = Self {
            fields,
            max_span: max_span.unwrap_or(SESSION_GAP_DEFAULT),
            alias,
        };
        Ok((rest, sessionize))
    }
}
