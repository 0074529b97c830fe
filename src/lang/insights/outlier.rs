//! `outlier` (spec logs-insights.md 6.21)

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt};
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed};

use super::expression::Literal;
use super::field::FieldPath;
use super::tokens::{boolean, field_path, keyword_of, number, option_key, symbol};
use crate::print::commas;

/// The `param` that holds if none is written.
pub const OUTLIER_FACTOR_DEFAULT: f64 = 2.5;

/// `outlier [action=…] [param=…] [uselower=…] [mark=…] a, b`: outliers by interquartile range.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlier {
    pub action: OutlierAction,
    /// Interquartile ranges beyond the quartiles, not negative.
    pub factor: f64,
    /// Whether low values can be outliers; false if not written.
    pub use_lower: bool,
    /// Whether a column `<field>_outlier` is added; false if not written.
    pub mark: bool,
    /// Never empty.
    pub fields: Vec<FieldPath>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutlierAction {
    /// Clamp the value to the fence.
    Transform,
    /// Drop the row.
    Remove,
}

impl fmt::Display for Outlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match self.action {
            OutlierAction::Transform => "transform",
            OutlierAction::Remove => "remove",
        };
        write!(
            f,
            "outlier action={action} param={} uselower={} mark={} {}",
            Literal::Number(self.factor),
            self.use_lower,
            self.mark,
            commas(&self.fields)
        )
    }
}

impl Outlier {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let mut outlier = Self {
            action: OutlierAction::Transform,
            factor: OUTLIER_FACTOR_DEFAULT,
            use_lower: false,
            mark: false,
            fields: Vec::new(),
        };
        let mut rest = input;
        while let (after, Some(option)) = opt(outlier_option).parse(rest)? {
            match option {
                OutlierOption::Action(given) => outlier.action = given,
                OutlierOption::Factor(given) => outlier.factor = given,
                OutlierOption::UseLower(given) => outlier.use_lower = given,
                OutlierOption::Mark(given) => outlier.mark = given,
            }
            rest = after;
        }
        let (mut rest, first) = field_path(rest)?;
        outlier.fields.push(first);
        loop {
            let (after, comma) = opt(symbol(",")).parse(rest)?;
            let (after, next) = match comma {
                Some(_) => map(cut(field_path), Some).parse(after)?,
                None => opt(field_path).parse(after)?,
            };
            match next {
                Some(field) => outlier.fields.push(field),
                None => return Ok((rest, outlier)),
            }
            rest = after;
        }
    }
}

enum OutlierOption {
    Action(OutlierAction),
    Factor(f64),
    UseLower(bool),
    Mark(bool),
}

fn outlier_option(input: Input<'_>) -> Parsed<'_, OutlierOption> {
    const ACTIONS: &[(&str, OutlierAction)] = &[
        ("transform", OutlierAction::Transform),
        ("remove", OutlierAction::Remove),
    ];
    alt((
        map(
            preceded(option_key("action"), cut(keyword_of(ACTIONS))),
            OutlierOption::Action,
        ),
        map(
            preceded(option_key("param"), cut(number)),
            OutlierOption::Factor,
        ),
        map(
            preceded(option_key("uselower"), cut(boolean)),
            OutlierOption::UseLower,
        ),
        map(
            preceded(option_key("mark"), cut(boolean)),
            OutlierOption::Mark,
        ),
    ))
    .parse(input)
}
