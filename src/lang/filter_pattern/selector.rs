//! Selectors of JSON patterns: `$.a.b[0]` (spec filter-patterns.md 4.2).

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while1};
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{cut, map};
use nom::multi::many0;
use nom::sequence::{delimited, preceded, terminated};

use crate::error::{Language, SyntaxError};
use crate::grammar::{Fault, Input, Parsed, broken_rule, parse_all, span_between, unexpected};
use crate::span::Span;

use super::PATTERN_CHARACTERS_MAX;
use super::json_selection::SelectorTree;

/// A path into a JSON object.
#[derive(Clone, Debug)]
pub struct Selector {
    /// Never empty, with at most one wildcard.
    pub steps: Vec<SelectorStep>,
    /// As spelled, which is how extracted values are named.
    pub text: String,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectorStep {
    Key(String),
    /// Counted from 0.
    Index(usize),
    /// `.*`: any value of an object.
    AnyValue,
    /// `[*]`: any element of an array.
    AnyElement,
}

/// Two selectors that select the same are equal, however they are spelled.
impl PartialEq for Selector {
    fn eq(&self, other: &Self) -> bool {
        self.steps == other.steps
    }
}

impl SelectorStep {
    pub const fn is_wildcard(&self) -> bool {
        matches!(self, Self::AnyValue | Self::AnyElement)
    }
}

impl Selector {
    /// Parses a selector by itself, as `metricValue` and the dimensions of a metric filter hold it.
    ///
    /// # Errors
    /// Anything but one selector.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        parse_all(
            Language::FilterPattern,
            text,
            PATTERN_CHARACTERS_MAX,
            |input| {
                let (rest, selector) = Self::read(input)?;
                match rest.fragment().is_empty() {
                    true => Ok((rest, selector)),
                    false => unexpected(rest, &["the end of the selector"]),
                }
            },
        )
    }

    /// The text of the scalar that the selector finds in a JSON message, as a metric filter takes
    /// it: `None` for what is missing, null, an object or an array, or behind a wildcard.
    pub fn value_in(&self, message: &str) -> Option<String> {
        if self.has_wildcard() {
            return None;
        }
        let tree = SelectorTree::new(std::slice::from_ref(self));
        let selection = tree.select(message, 1)?;
        let text = selection.values(0).next()?.text()?;
        Some(text.into_owned())
    }

    pub fn has_wildcard(&self) -> bool {
        self.steps.iter().any(SelectorStep::is_wildcard)
    }

    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let Ok((rest, _)) = char::<_, Fault>('$').parse(input) else {
            return unexpected(input, &["a selector such as $.key", "("]);
        };
        let (rest, first) = cut(step).parse(rest)?;
        let (rest, more) = many0(step).parse(rest)?;
        let mut steps = vec![first];
        steps.extend(more);
        let span = span_between(input, rest);
        if steps.iter().filter(|step| step.is_wildcard()).count() > 1 {
            return broken_rule(span, "a selector may have one wildcard");
        }
        let text = input.fragment().get(..span.end() - span.start());
        let text = text.unwrap_or_default().to_owned();
        Ok((rest, Self { steps, text, span }))
    }
}

fn is_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-' || (!c.is_ascii() && c.is_alphanumeric())
}

fn step(input: Input<'_>) -> Parsed<'_, SelectorStep> {
    let key = map(take_while1(is_key_character), |key: Input<'_>| {
        SelectorStep::Key((*key.fragment()).to_owned())
    });
    let any_value = map(char('*'), |_| SelectorStep::AnyValue);
    let quoted_in_brackets = || delimited(char('['), quoted_key, cut(char(']')));
    let after_dot = alt((any_value, key, quoted_in_brackets()));
    let index = map(terminated(char('*'), char(']')), |_| {
        SelectorStep::AnyElement
    });
    let dotted = preceded(char('.'), cut(after_dot));
    let in_brackets = preceded(tag("["), alt((index, terminated(index_number, char(']')))));
    match alt((dotted, quoted_in_brackets(), in_brackets)).parse(input) {
        Err(nom::Err::Error(_)) => unexpected(input, &[".key", "[index]"]),
        other => other,
    }
}

fn index_number(input: Input<'_>) -> Parsed<'_, SelectorStep> {
    let (rest, digits) = digit1.parse(input)?;
    match digits.fragment().parse() {
        Ok(index) => Ok((rest, SelectorStep::Index(index))),
        Err(_) => broken_rule(span_between(input, rest), "the index is too large"),
    }
}

/// A key in either kind of quotes; nothing is escaped.
fn quoted_key(input: Input<'_>) -> Parsed<'_, SelectorStep> {
    let (inside, quote) = one_of("'\"").parse(input)?;
    let (rest, key) = take_till(|c| c == quote).parse(inside)?;
    let (rest, _) = cut(char(quote)).parse(rest)?;
    Ok((rest, SelectorStep::Key((*key.fragment()).to_owned())))
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
