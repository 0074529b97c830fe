//! `fillmissing` (spec logs-insights.md 6.21)

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt};
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed};

use super::expression::Literal;
use super::expression_grammar::literal;
use super::field::Name;
use super::tokens::{comma_separated, keyword, name, number, symbol};
use crate::print::commas;

/// `fillmissing [with value for column, …]`: adds rows for empty time bins.
#[derive(Clone, Debug, PartialEq)]
pub struct FillMissing {
    /// Columns without an entry are missing in the added rows.
    pub fills: Vec<Fill>,
}

/// `value for column`
#[derive(Clone, Debug, PartialEq)]
pub struct Fill {
    /// A number may carry a minus sign.
    pub value: SignedLiteral,
    pub column: Name,
}

/// A literal that may be a negative number.
#[derive(Clone, Debug, PartialEq)]
pub enum SignedLiteral {
    Negative(f64),
    Literal(Literal),
}

impl fmt::Display for FillMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fills.as_slice() {
            [] => f.write_str("fillmissing"),
            fills => write!(f, "fillmissing with {}", commas(fills)),
        }
    }
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.value, self.column)
    }
}

impl fmt::Display for SignedLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative(number) => write!(f, "-{}", Literal::Number(*number)),
            Self::Literal(literal) => write!(f, "{literal}"),
        }
    }
}

impl FillMissing {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let fills = preceded(keyword("with"), cut(comma_separated(fill)));
        map(opt(fills), |fills| Self {
            fills: fills.unwrap_or_default(),
        })
        .parse(input)
    }
}

fn fill(input: Input<'_>) -> Parsed<'_, Fill> {
    let negative = preceded(symbol("-"), cut(number)).map(SignedLiteral::Negative);
    let (rest, value) = alt((negative, literal.map(SignedLiteral::Literal))).parse(input)?;
    let (rest, column) = preceded(keyword("for"), name("a column")).parse(rest)?;
    Ok((rest, Fill { value, column }))
}
