//! Filter patterns: the language of FilterLogEvents, metric filters, subscription filters and Live
//! Tail (spec filter-patterns.md 1 to 6).
//!
//! [`FilterPattern::parse`] prepares everything a match needs: substring searchers, regexes, the
//! tree of selectors. [`FilterPattern::matches`] then neither fails nor panics, whatever the
//! message, and reads a JSON message once.
//!
//! ```
//! use belfry_lang::filter_pattern::FilterPattern;
//!
//! let pattern = FilterPattern::parse("{ $.status = 5* && $.user.id > 10 }")?;
//! assert!(pattern.matches(r#"{"status": 503, "user": {"id": 17}}"#));
//! # Ok::<(), belfry_lang::SyntaxError>(())
//! ```
//!
//! | files | what |
//! |---|---|
//! | `terms` | `ERROR -retry ?a ?b "a phrase"` |
//! | `json`, `selector`, `json_selection` | `{ $.a = 1 }`: conditions, selectors, the one pass over a message |
//! | `delimited`, `field_split` | `[a, b = 1, ...]`: columns, the fields of a message |
//! | `value`, `pattern_regex` | what values are compared with; the regex subset |
//! | `logic` | `&&`, `\|\|` and parentheses of the two |
//! | `tokens` | words and values that two of the languages share |

mod delimited;
mod field_split;
mod json;
mod json_selection;
mod logic;
mod pattern_regex;
mod selector;
mod terms;
mod tokens;
mod value;

use std::fmt;

use crate::error::{Language, SyntaxError};
use crate::grammar::{Input, Parsed, broken_rule, parse_all, unexpected};
use crate::span::Span;

pub use delimited::{Column, ColumnCondition, DelimitedPattern, NamedColumn};
pub use json::{JsonCondition, JsonPattern, JsonTest, JsonTestKind};
pub use pattern_regex::PatternRegex;
pub use selector::{Selector, SelectorStep};
pub use terms::{Needle, Term, TermRole, TermsPattern, TextNeedle};
pub use value::{Comparison, Equality, Number, Order, Value, Wildcard};

/// A pattern is at most this long (documented).
pub const PATTERN_CHARACTERS_MAX: usize = 1024;

/// Regexes in one pattern (documented).
pub const PATTERN_REGEXES_MAX: usize = 2;

/// A parsed filter pattern, ready to match.
#[derive(Clone, Debug, PartialEq)]
pub enum FilterPattern {
    /// The empty pattern and `" "`: every message.
    Everything,
    Terms(TermsPattern),
    Json(Box<JsonPattern>),
    Delimited(DelimitedPattern),
}

impl FilterPattern {
    /// # Errors
    /// What the operations refuse with InvalidParameterException.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        parse_all(
            Language::FilterPattern,
            text,
            PATTERN_CHARACTERS_MAX,
            |input| {
                let (rest, pattern) = whole_pattern(input)?;
                let (rest, ()) = tokens::blanks(rest)?;
                if !rest.fragment().is_empty() {
                    return unexpected(rest, &["the end of the pattern"]);
                }
                if pattern.regexes() > PATTERN_REGEXES_MAX {
                    let text = format!("at most {PATTERN_REGEXES_MAX} regexes in a pattern");
                    return broken_rule(Span::new(0, input.fragment().len()), text);
                }
                Ok((rest, pattern))
            },
        )
    }

    /// Whether a message matches.
    pub fn matches(&self, message: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Terms(pattern) => pattern.matches(message),
            Self::Json(pattern) => pattern.matches(message),
            Self::Delimited(pattern) => pattern.matches(message),
        }
    }

    /// `extractedValues` of TestMetricFilter for a message that matches, in the order of the
    /// pattern: names with their `$`, values as text (spec 6.3). `None` if it does not match.
    pub fn extract(&self, message: &str) -> Option<Vec<(String, String)>> {
        match self {
            Self::Json(pattern) => pattern.extract(message),
            Self::Delimited(pattern) => pattern.extract(message),
            Self::Everything | Self::Terms(_) => self.matches(message).then(Vec::new),
        }
    }

    /// What every matching message contains: of each inner list at least one literal occurs,
    /// byte for byte. Empty if nothing can be told. An index may skip whatever lacks all literals
    /// of one list; `matches` still decides.
    pub fn required_literals(&self) -> Vec<Vec<String>> {
        match self {
            Self::Everything => Vec::new(),
            Self::Terms(pattern) => pattern.required_literals(),
            Self::Json(pattern) => pattern.required_literals(),
            Self::Delimited(pattern) => pattern.required_literals(),
        }
    }

    /// How many regexes the pattern holds; log groups have a quota of filters with any.
    pub fn regexes(&self) -> usize {
        match self {
            Self::Everything => 0,
            Self::Terms(pattern) => pattern.regexes(),
            Self::Json(pattern) => pattern.regexes(),
            Self::Delimited(pattern) => pattern.regexes(),
        }
    }
}

/// Picks the sub-language by the first character (spec 1).
fn whole_pattern(input: Input<'_>) -> Parsed<'_, FilterPattern> {
    let (start, ()) = tokens::blanks(input)?;
    let text = start.fragment().trim_end();
    if let Some(inside) = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        && inside.chars().all(|c| c.is_ascii_whitespace())
    {
        let (rest, _) = tokens::raw_quoted(start)?;
        return Ok((rest, FilterPattern::Everything));
    }
    match text.chars().next() {
        None => Ok((start, FilterPattern::Everything)),
        Some('{') => {
            JsonPattern::read(start).map(|(rest, json)| (rest, FilterPattern::Json(Box::new(json))))
        }
        Some('[') => DelimitedPattern::read(start)
            .map(|(rest, delimited)| (rest, FilterPattern::Delimited(delimited))),
        Some(_) => {
            TermsPattern::read(start).map(|(rest, terms)| (rest, FilterPattern::Terms(terms)))
        }
    }
}

/// For alternatives of which one holds: the literals of their strongest lists together, or
/// nothing if one alternative asks for none.
fn any_of(alternatives: impl Iterator<Item = Vec<Vec<String>>>) -> Vec<Vec<String>> {
    let mut together = Vec::new();
    for lists in alternatives {
        let shortest = |list: &Vec<String>| list.iter().map(String::len).min();
        let Some(strongest) = lists.into_iter().max_by_key(shortest) else {
            return Vec::new();
        };
        for literal in strongest {
            if !together.contains(&literal) {
                together.push(literal);
            }
        }
    }
    vec![together]
}

impl fmt::Display for FilterPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("\" \""),
            Self::Terms(pattern) => write!(f, "{pattern}"),
            Self::Json(pattern) => write!(f, "{pattern}"),
            Self::Delimited(pattern) => write!(f, "{pattern}"),
        }
    }
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod syntax_tests;
