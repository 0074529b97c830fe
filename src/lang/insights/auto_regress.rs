//! `autoregress` (spec logs-insights.md 6.21)

use std::fmt;

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed, broken_rule, span_between};

use super::field::{FieldPath, Name};
use super::item::alias;
use super::tokens::{field_path, integer, option_key, symbol};

/// Largest lag: no more rows can precede (spec logs-insights.md 9, result rows).
pub const LAG_MAX: u32 = 100_000;

/// Largest number of copies that one command makes, each a column.
pub const LAGS_PER_COMMAND_MAX: u32 = 100;

/// `autoregress field [as name] [p=N[-M]]`: copies of the field from earlier rows.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoRegress {
    pub field: FieldPath,
    pub alias: Option<Name>,
    /// At least 1.
    pub first_lag: u32,
    /// At least `first_lag`; equal to it for one single lag.
    pub last_lag: u32,
}

impl AutoRegress {
    /// Names of the columns, one for each lag from the first: `field_p1`, or the alias for a
    /// single lag.
    pub fn columns(&self) -> Vec<String> {
        let single = self.first_lag == self.last_lag;
        match &self.alias {
            Some(alias) if single => vec![alias.text.clone()],
            alias => {
                let stem = match alias {
                    Some(alias) => alias.text.clone(),
                    None => self.field.name(),
                };
                let lags = self.first_lag..=self.last_lag;
                lags.map(|lag| format!("{stem}_p{lag}")).collect()
            }
        }
    }
}

impl fmt::Display for AutoRegress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "autoregress {}", self.field)?;
        if let Some(alias) = &self.alias {
            write!(f, " as {alias}")?;
        }
        write!(f, " p={}", self.first_lag)?;
        if self.last_lag != self.first_lag {
            write!(f, "-{}", self.last_lag)?;
        }
        Ok(())
    }
}

impl AutoRegress {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, field) = field_path(input)?;
        let (rest, alias) = alias(rest)?;
        let (lags, has_lags) = opt(option_key("p")).parse(rest)?;
        let (rest, first_lag, last_lag) = match has_lags {
            Some(_) => {
                let (after, first) = cut(lag).parse(lags)?;
                let (after, last) = opt(preceded(symbol("-"), cut(lag))).parse(after)?;
                let last = last.unwrap_or(first);
                if last < first || last - first >= LAGS_PER_COMMAND_MAX {
                    let text = format!("lags must ascend and be at most {LAGS_PER_COMMAND_MAX}");
                    return broken_rule(span_between(lags, after), text);
                }
                (after, first, last)
            }
            None => (rest, 1, 1),
        };
        let copies = Self {
            field,
            alias,
            first_lag,
            last_lag,
        };
        Ok((rest, copies))
    }
}

fn lag(input: Input<'_>) -> Parsed<'_, u32> {
    integer("the lag", 1..=LAG_MAX)(input)
}
