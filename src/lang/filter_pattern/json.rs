//! Patterns for JSON messages (spec filter-patterns.md 4).

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while1;
use nom::combinator::{cut, map};
use nom::sequence::delimited;

use crate::grammar::{Input, Parsed, broken_rule, span_between, unexpected};

use super::json_selection::{Scalar, Selection, SelectorTree};
use super::logic::{Condition, condition};
use super::selector::Selector;
use super::terms::TextNeedle;
use super::tokens::{blanks, comparison, symbol};
use super::value::{Comparison, Equality, Value};

/// Wildcard selectors in one pattern (documented).
const WILDCARD_SELECTORS_MAX: usize = 3;

/// `{ condition }`
#[derive(Clone, Debug)]
pub struct JsonPattern {
    pub condition: JsonCondition,
    /// Every distinct selector of the condition, in order of their first spelling.
    selectors: Vec<Selector>,
    tree: SelectorTree,
    /// Of each list one must occur in a message that matches, see `required_literals`. Looking for
    /// them is much cheaper than reading JSON.
    literals: Vec<Vec<TextNeedle>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JsonCondition {
    /// Two or more, chained without parentheses.
    And(Vec<JsonCondition>),
    /// Two or more, chained without parentheses.
    Or(Vec<JsonCondition>),
    Test(JsonTest),
}

/// True if some value that the selector finds passes.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonTest {
    pub selector: Selector,
    pub kind: JsonTestKind,
    /// Which of the pattern's distinct selectors it is.
    slot: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JsonTestKind {
    Comparison(Comparison),
    IsNull,
    IsTrue,
    IsFalse,
    /// The selector finds nothing.
    NotExists,
}

impl PartialEq for JsonPattern {
    fn eq(&self, other: &Self) -> bool {
        self.condition == other.condition
    }
}

impl JsonPattern {
    pub fn matches(&self, message: &str) -> bool {
        self.may_match(message)
            && self
                .select(message)
                .is_some_and(|selection| self.condition.holds(&selection))
    }

    fn may_match(&self, message: &str) -> bool {
        let mut lists = self.literals.iter();
        lists.all(|list| list.iter().any(|literal| literal.is_found_in(message)))
    }

    /// The distinct selectors of the pattern.
    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    fn select<'m>(&self, message: &'m str) -> Option<Selection<'m>> {
        self.tree.select(message, self.selectors.len())
    }

    /// See [`super::FilterPattern::extract`].
    pub(super) fn extract(&self, message: &str) -> Option<Vec<(String, String)>> {
        let selection = self.select(message)?;
        if !self.condition.holds(&selection) {
            return None;
        }
        let plain = self.selectors.iter().enumerate();
        let plain = plain.filter(|(_, selector)| !selector.has_wildcard());
        let values = plain.filter_map(|(slot, selector)| {
            let value = selection.values(slot).next()?.text()?;
            Some((selector.text.clone(), value.into_owned()))
        });
        Some(values.collect())
    }

    pub(super) fn regexes(&self) -> usize {
        let mut regexes = 0;
        self.condition.for_each_test(&mut |test| {
            let is_regex = matches!(
                test.kind,
                JsonTestKind::Comparison(Comparison::Equality {
                    value: Value::Regex(_),
                    ..
                })
            );
            regexes += usize::from(is_regex);
        });
        regexes
    }

    /// See [`super::FilterPattern::required_literals`].
    pub(super) fn required_literals(&self) -> Vec<Vec<String>> {
        self.condition.required_literals()
    }

    /// A whole trimmed pattern.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, mut condition) = delimited(
            symbol("{"),
            cut(condition::<JsonCondition>),
            cut(symbol("}")),
        )
        .parse(input)?;
        let mut selectors: Vec<Selector> = Vec::new();
        let mut wildcards = 0;
        condition.for_each_test_mut(&mut |test| {
            wildcards += usize::from(test.selector.has_wildcard());
            let known = selectors
                .iter()
                .position(|selector| selector.text == test.selector.text);
            test.slot = known.unwrap_or_else(|| {
                selectors.push(test.selector.clone());
                selectors.len() - 1
            });
        });
        if wildcards > WILDCARD_SELECTORS_MAX {
            let text = format!("at most {WILDCARD_SELECTORS_MAX} selectors with a wildcard");
            return broken_rule(span_between(input, rest), text);
        }
        let tree = SelectorTree::new(&selectors);
        let literals = condition.required_literals().into_iter();
        let literals = literals
            .map(|list| list.into_iter().map(TextNeedle::new).collect())
            .collect();
        Ok((
            rest,
            Self {
                condition,
                selectors,
                tree,
                literals,
            },
        ))
    }
}

impl JsonCondition {
    fn holds(&self, selection: &Selection<'_>) -> bool {
        match self {
            Self::And(conditions) => conditions.iter().all(|part| part.holds(selection)),
            Self::Or(conditions) => conditions.iter().any(|part| part.holds(selection)),
            Self::Test(test) => test.holds(selection),
        }
    }

    fn for_each_test(&self, visit: &mut impl FnMut(&JsonTest)) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(|part| part.for_each_test(visit));
            }
            Self::Test(test) => visit(test),
        }
    }

    fn for_each_test_mut(&mut self, visit: &mut impl FnMut(&mut JsonTest)) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts
                    .iter_mut()
                    .for_each(|part| part.for_each_test_mut(visit));
            }
            Self::Test(test) => visit(test),
        }
    }

    fn required_literals(&self) -> Vec<Vec<String>> {
        match self {
            Self::And(parts) => parts.iter().flat_map(Self::required_literals).collect(),
            Self::Or(parts) => super::any_of(parts.iter().map(Self::required_literals)),
            Self::Test(test) => match &test.kind {
                JsonTestKind::Comparison(comparison) => comparison
                    .required_literal()
                    .map(|literal| {
                        // An escaped spelling of the same text holds a backslash.
                        vec![literal.to_owned(), "\\".to_owned()]
                    })
                    .into_iter()
                    .collect(),
                JsonTestKind::IsNull => vec![vec!["null".to_owned()]],
                JsonTestKind::IsTrue => vec![vec!["true".to_owned()]],
                JsonTestKind::IsFalse => vec![vec!["false".to_owned()]],
                JsonTestKind::NotExists => Vec::new(),
            },
        }
    }
}

impl JsonTest {
    fn holds(&self, selection: &Selection<'_>) -> bool {
        let mut values = selection.values(self.slot);
        match &self.kind {
            JsonTestKind::NotExists => values.next().is_none(),
            JsonTestKind::IsNull => values.any(|value| matches!(value, Scalar::Null)),
            JsonTestKind::IsTrue => values.any(|value| matches!(value, Scalar::Boolean(true))),
            JsonTestKind::IsFalse => values.any(|value| matches!(value, Scalar::Boolean(false))),
            JsonTestKind::Comparison(comparison) => {
                values.any(|value| holds_for_scalar(comparison, &value))
            }
        }
    }
}

/// Spec 4.3 and 4.4.
fn holds_for_scalar(comparison: &Comparison, scalar: &Scalar<'_>) -> bool {
    match (scalar, comparison) {
        (Scalar::Structure, _) => false,
        // Null equals nothing and differs from everything.
        (Scalar::Null, Comparison::Equality { equality, .. }) => *equality == Equality::NotEqual,
        (Scalar::Null | Scalar::Boolean(_), Comparison::Order { .. }) => false,
        // A regex looks into strings and numbers only.
        (
            Scalar::Boolean(_),
            Comparison::Equality {
                equality,
                value: Value::Regex(_),
            },
        ) => *equality == Equality::NotEqual,
        _ => scalar
            .text()
            .is_some_and(|text| comparison.holds_for_text(&text)),
    }
}

impl Condition for JsonCondition {
    fn test(start: Input<'_>) -> Parsed<'_, Self> {
        let (rest, selector) = Selector::read(start)?;
        let (rest, kind) = cut(alt((
            map(
                |input| comparison(input, is_bare_character),
                JsonTestKind::Comparison,
            ),
            word_test,
        )))
        .parse(rest)?;
        let test = JsonTest {
            selector,
            kind,
            slot: 0,
        };
        Ok((rest, JsonCondition::Test(test)))
    }

    fn and(parts: Vec<Self>) -> Self {
        Self::And(parts)
    }

    fn or(parts: Vec<Self>) -> Self {
        Self::Or(parts)
    }
}

fn is_bare_character(c: char) -> bool {
    c.is_alphanumeric() || "_*.:/-".contains(c)
}

/// `IS NULL`, `IS TRUE`, `IS FALSE`, `NOT EXISTS`, in any letter case.
fn word_test(input: Input<'_>) -> Parsed<'_, JsonTestKind> {
    let (start, ()) = blanks(input)?;
    let expected: &[&'static str] = &["IS", "NOT EXISTS"];
    let Ok((rest, first)) = word(start) else {
        return unexpected(start, expected);
    };
    let (second_start, ()) = blanks(rest)?;
    let second = word(second_start);
    let two = |second: &str| format!("{first} {second}").to_ascii_uppercase();
    match second.map(|(rest, second)| (rest, two(second))) {
        Ok((rest, words)) => match words.as_str() {
            "IS NULL" => Ok((rest, JsonTestKind::IsNull)),
            "IS TRUE" => Ok((rest, JsonTestKind::IsTrue)),
            "IS FALSE" => Ok((rest, JsonTestKind::IsFalse)),
            "NOT EXISTS" => Ok((rest, JsonTestKind::NotExists)),
            _ if words.starts_with("IS ") => unexpected(second_start, &["NULL", "TRUE", "FALSE"]),
            _ => unexpected(start, expected),
        },
        Err(_) => unexpected(start, expected),
    }
}

fn word(input: Input<'_>) -> Parsed<'_, &str> {
    let (rest, word) = take_while1(|c: char| c.is_ascii_alphabetic()).parse(input)?;
    Ok((rest, *word.fragment()))
}

impl fmt::Display for JsonPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{ {} }}", self.condition)
    }
}

impl fmt::Display for JsonCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, sign) = match self {
            Self::And(parts) => (parts, " && "),
            Self::Or(parts) => (parts, " || "),
            Self::Test(test) => return write!(f, "{test}"),
        };
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                f.write_str(sign)?;
            }
            match (self, part) {
                (_, Self::Test(_)) | (Self::Or(_), Self::And(_)) => write!(f, "{part}")?,
                _ => write!(f, "({part})")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for JsonTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let selector = &self.selector;
        match &self.kind {
            JsonTestKind::Comparison(comparison) => write!(f, "{selector} {comparison}"),
            JsonTestKind::IsNull => write!(f, "{selector} IS NULL"),
            JsonTestKind::IsTrue => write!(f, "{selector} IS TRUE"),
            JsonTestKind::IsFalse => write!(f, "{selector} IS FALSE"),
            JsonTestKind::NotExists => write!(f, "{selector} NOT EXISTS"),
        }
    }
}
