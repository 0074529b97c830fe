//! The query string of `SEARCH` (spec metric-math.md 7).

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::{char, multispace0};
use nom::combinator::{cut, map, opt};
use nom::sequence::{delimited, preceded};

use crate::error::{Language, SyntaxError};
use crate::grammar::{
    Fault, Input, Parsed, broken_rule, nested, parse_all, span_between, too_deep, unexpected,
};
use crate::print::joined;
use crate::span::Span;

use super::expression_grammar::EXPRESSION_LEVELS_MAX;

/// A query string is at most this long (documented).
pub const SEARCH_CHARACTERS_MAX: usize = 1024;

/// Which metrics a `SEARCH` finds. At least one part is present.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchQuery {
    pub schema: Option<SearchSchema>,
    pub condition: Option<SearchCondition>,
}

/// `{namespace, dimension, …}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchSchema {
    pub namespace: String,
    /// The metric has exactly these dimensions; empty: any.
    pub dimensions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SearchCondition {
    /// Two or more, chained without parentheses.
    Or(Vec<SearchCondition>),
    /// Two or more, chained without parentheses, with or without AND.
    And(Vec<SearchCondition>),
    Not(Box<SearchCondition>),
    Term(SearchTerm),
}

/// `value`, `property=value` or `property=(value OR value)`
#[derive(Clone, Debug, PartialEq)]
pub struct SearchTerm {
    /// `None`: the value is looked for everywhere.
    pub property: Option<SearchProperty>,
    /// One must be found; never empty, several only with a property.
    pub values: Vec<SearchValue>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchProperty {
    MetricName,
    Namespace,
    /// `:aws.AccountId`
    AccountId,
    Dimension(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchValue {
    /// In double quotes: the whole name or value, case-sensitive.
    Exact(String),
    /// Bare or in single quotes: by tokens.
    Partial(String),
}

impl SearchQuery {
    /// # Errors
    /// Bad syntax, or neither a schema nor a condition.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        parse_all(Language::MetricMath, text, SEARCH_CHARACTERS_MAX, |input| {
            let (rest, schema) = opt(schema).parse(input)?;
            let (rest, _) = match &schema {
                Some(_) => opt(symbol(",")).parse(rest)?,
                None => (rest, None),
            };
            let (end, ()) = blanks(rest)?;
            if end.fragment().is_empty() && schema.is_some() {
                let condition = None;
                return Ok((end, Self { schema, condition }));
            }
            let (rest, condition) = or_condition(rest)?;
            let (rest, ()) = blanks(rest)?;
            if !rest.fragment().is_empty() {
                return unexpected(rest, &["AND", "OR", "the end of the search"]);
            }
            let condition = Some(condition);
            Ok((rest, Self { schema, condition }))
        })
    }
}

fn blanks(input: Input<'_>) -> Parsed<'_, ()> {
    map(multispace0, |_| ()).parse(input)
}

fn symbol<'a>(sign: &'static str) -> impl Fn(Input<'a>) -> Parsed<'a, ()> {
    move |input| {
        let (start, ()) = blanks(input)?;
        match tag::<_, _, Fault>(sign).parse(start) {
            Ok((rest, _)) => Ok((rest, ())),
            Err(_) => unexpected(start, &[sign]),
        }
    }
}

/// A schema's names are bare only with these characters (7, `name`).
fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_/.-".contains(c)
}

/// What a bare value may consist of: all that has no meaning here.
fn is_value_character(c: char) -> bool {
    !c.is_whitespace() && !"\"'(){}=,".contains(c)
}

fn schema(input: Input<'_>) -> Parsed<'_, SearchSchema> {
    let (mut rest, ()) = symbol("{")(input)?;
    let mut names = Vec::new();
    loop {
        let (after, name) = cut(schema_name).parse(rest)?;
        names.push(name);
        let (after, comma) = opt(symbol(",")).parse(after)?;
        match opt(symbol("}")).parse(after)? {
            (after, Some(())) if comma.is_none() => {
                let namespace = names.remove(0);
                let dimensions = names;
                let schema = SearchSchema {
                    namespace,
                    dimensions,
                };
                return Ok((after, schema));
            }
            _ => rest = after,
        }
    }
}

fn schema_name(input: Input<'_>) -> Parsed<'_, String> {
    let (start, ()) = blanks(input)?;
    let bare = map(take_while1(is_name_character), |name: Input<'_>| {
        (*name.fragment()).to_owned()
    });
    match alt((bare, double_quoted)).parse(start) {
        Err(nom::Err::Error(_)) => unexpected(start, &["a name", "}"]),
        other => other,
    }
}

/// A backslash protects a quote, a parenthesis or a backslash.
fn double_quoted(input: Input<'_>) -> Parsed<'_, String> {
    quoted(input, '"', "\"()\\")
}

fn quoted<'a>(input: Input<'a>, quote: char, escapable: &str) -> Parsed<'a, String> {
    use nom::Input as _;
    let (inside, _) = char(quote).parse(input)?;
    let mut text = String::new();
    let mut characters = inside.fragment().char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            let (at_quote, _) = inside.take_split(at);
            let (rest, _) = char(quote).parse(at_quote)?;
            return Ok((rest, text));
        }
        let escaped = match c {
            '\\' => characters.next_if(|(_, escaped)| escapable.contains(*escaped)),
            _ => None,
        };
        text.push(escaped.map_or(c, |(_, escaped)| escaped));
    }
    let from = input.location_offset();
    let span = Span::new(from, from + input.fragment().len());
    broken_rule(span, "the quote is not closed")
}

/// An upper-case word that is not the beginning of a longer one.
fn word<'a>(wanted: &'static str) -> impl Fn(Input<'a>) -> Parsed<'a, ()> {
    move |input| {
        let (start, ()) = blanks(input)?;
        match take_while1::<_, _, Fault>(is_value_character).parse(start) {
            Ok((rest, found)) if *found.fragment() == wanted => Ok((rest, ())),
            _ => unexpected(start, &[wanted]),
        }
    }
}

fn or_condition(input: Input<'_>) -> Parsed<'_, SearchCondition> {
    let (mut rest, first) = and_condition(input)?;
    let mut parts = vec![first];
    while let (after, Some(())) = opt(word("OR")).parse(rest)? {
        let (after, next) = cut(and_condition).parse(after)?;
        parts.push(next);
        rest = after;
    }
    Ok((rest, together(parts, SearchCondition::Or)))
}

fn and_condition(input: Input<'_>) -> Parsed<'_, SearchCondition> {
    let (mut rest, first) = not_condition(input)?;
    let mut parts = vec![first];
    loop {
        let (after, next) = match opt(word("AND")).parse(rest)? {
            (after, Some(())) => map(cut(not_condition), Some).parse(after)?,
            (_, None) if opt(word("OR")).parse(rest)?.1.is_some() => (rest, None),
            (_, None) => opt(not_condition).parse(rest)?,
        };
        match next {
            Some(next) => parts.push(next),
            None => return Ok((rest, together(parts, SearchCondition::And))),
        }
        rest = after;
    }
}

/// A chain of one is that one.
fn together(
    mut parts: Vec<SearchCondition>,
    chain: fn(Vec<SearchCondition>) -> SearchCondition,
) -> SearchCondition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            chain(parts)
        }
    }
}

fn not_condition(input: Input<'_>) -> Parsed<'_, SearchCondition> {
    let (start, ()) = blanks(input)?;
    let mut rest = start;
    let mut negations = 0;
    while let (after, Some(())) = opt(word("NOT")).parse(rest)? {
        negations += 1;
        rest = after;
    }
    if negations > EXPRESSION_LEVELS_MAX {
        return too_deep(span_between(start, rest), EXPRESSION_LEVELS_MAX);
    }
    let (rest, mut condition) = match negations {
        0 => term(rest)?,
        _ => cut(term).parse(rest)?,
    };
    for _ in 0..negations {
        condition = SearchCondition::Not(Box::new(condition));
    }
    Ok((rest, condition))
}

fn term(input: Input<'_>) -> Parsed<'_, SearchCondition> {
    let (start, ()) = blanks(input)?;
    if let (inside, Some(())) = opt(symbol("(")).parse(start)? {
        let (rest, condition) = nested(inside, |inside| cut(or_condition).parse(inside))?;
        let (rest, ()) = cut(symbol(")")).parse(rest)?;
        return Ok((rest, condition));
    }
    let (rest, first) = value(start)?;
    let (rest, property, values) = match opt(symbol("=")).parse(rest)? {
        (rest, Some(())) => {
            let (rest, values) = cut(values).parse(rest)?;
            (rest, Some(property(first)), values)
        }
        (_, None) => (rest, None, vec![first]),
    };
    let span = span_between(start, rest);
    let term = SearchTerm {
        property,
        values,
        span,
    };
    Ok((rest, SearchCondition::Term(term)))
}

fn value(input: Input<'_>) -> Parsed<'_, SearchValue> {
    let (start, ()) = blanks(input)?;
    let bare = map(take_while1(is_value_character), |text: Input<'_>| {
        SearchValue::Partial((*text.fragment()).to_owned())
    });
    let single_quoted = map(|input| quoted(input, '\'', ""), SearchValue::Partial);
    let found = alt((map(double_quoted, SearchValue::Exact), single_quoted, bare)).parse(start);
    let is_word = |value: &SearchValue| match value {
        SearchValue::Partial(text) => ["AND", "OR", "NOT"].contains(&text.as_str()),
        SearchValue::Exact(_) => false,
    };
    match found {
        Ok((rest, value))
            if !(is_word(&value) && start.fragment().starts_with(is_value_character)) =>
        {
            Ok((rest, value))
        }
        Ok(_) | Err(nom::Err::Error(_)) => unexpected(start, &["a search term"]),
        Err(failure) => Err(failure),
    }
}

fn values(input: Input<'_>) -> Parsed<'_, Vec<SearchValue>> {
    let one = map(value, |value| vec![value]);
    alt((
        delimited(symbol("("), cut(alternatives), cut(symbol(")"))),
        one,
    ))
    .parse(input)
}

fn alternatives(input: Input<'_>) -> Parsed<'_, Vec<SearchValue>> {
    let (mut rest, first) = value(input)?;
    let mut values = vec![first];
    while let (after, Some(next)) = opt(preceded(word("OR"), cut(value))).parse(rest)? {
        values.push(next);
        rest = after;
    }
    Ok((rest, values))
}

fn property(name: SearchValue) -> SearchProperty {
    let (SearchValue::Exact(name) | SearchValue::Partial(name)) = name;
    match name.as_str() {
        "MetricName" => SearchProperty::MetricName,
        "Namespace" => SearchProperty::Namespace,
        ":aws.AccountId" => SearchProperty::AccountId,
        _ => SearchProperty::Dimension(name),
    }
}

fn in_double_quotes(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if "\"()\\".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted + "\""
}

impl fmt::Display for SearchQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.schema, &self.condition) {
            (Some(schema), Some(condition)) => write!(f, "{schema} {condition}"),
            (Some(schema), None) => write!(f, "{schema}"),
            (None, Some(condition)) => write!(f, "{condition}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for SearchSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = std::iter::once(&self.namespace).chain(&self.dimensions);
        let names: Vec<String> = names
            .map(
                |name| match !name.is_empty() && name.chars().all(is_name_character) {
                    true => name.clone(),
                    false => in_double_quotes(name),
                },
            )
            .collect();
        write!(f, "{{{}}}", joined(&names, ", "))
    }
}

impl fmt::Display for SearchCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, between) = match self {
            Self::Or(parts) => (parts, " OR "),
            Self::And(parts) => (parts, " AND "),
            Self::Not(condition) => {
                return match **condition {
                    Self::Or(_) | Self::And(_) => write!(f, "NOT ({condition})"),
                    _ => write!(f, "NOT {condition}"),
                };
            }
            Self::Term(term) => return write!(f, "{term}"),
        };
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                f.write_str(between)?;
            }
            match (self, part) {
                (_, Self::Or(_)) | (Self::And(_), Self::And(_)) => write!(f, "({part})")?,
                _ => write!(f, "{part}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for SearchTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.property {
            None => {}
            Some(SearchProperty::MetricName) => f.write_str("MetricName=")?,
            Some(SearchProperty::Namespace) => f.write_str("Namespace=")?,
            Some(SearchProperty::AccountId) => f.write_str(":aws.AccountId=")?,
            Some(SearchProperty::Dimension(name)) => write!(f, "{}=", in_double_quotes(name))?,
        }
        match self.values.as_slice() {
            [one] => write!(f, "{one}"),
            several => write!(f, "({})", joined(several, " OR ")),
        }
    }
}

impl fmt::Display for SearchValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => f.write_str(&in_double_quotes(text)),
            // A bare text has no single quote in it.
            Self::Partial(text) => write!(f, "'{text}'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn printed(text: &str) -> String {
        let query = SearchQuery::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            SearchQuery::parse(&query.to_string()),
            Ok(query.clone()),
            "{text}"
        );
        query.to_string()
    }

    #[test]
    fn examples_of_the_specification() {
        for (text, expected) in [
            (
                "{Shop/Api,Route} MetricName=\"Latency\" NOT Route=\"/health\"",
                "{Shop/Api, Route} MetricName=\"Latency\" AND NOT \"Route\"=\"/health\"",
            ),
            (
                "Namespace=\"Shop/Api\" errors",
                "Namespace=\"Shop/Api\" AND 'errors'",
            ),
            (
                "(Checkout OR Basket) MetricName=latency",
                "('Checkout' OR 'Basket') AND MetricName='latency'",
            ),
            ("{NS}", "{NS}"),
            ("{ \"My NS\" D1, D2 }, a", "{\"My NS\", D1, D2} 'a'"),
            ("a AND b OR NOT c d", "'a' AND 'b' OR NOT 'c' AND 'd'"),
            ("Route=(a OR \"b\\\"\")", "\"Route\"=('a' OR \"b\\\"\")"),
            (":aws.AccountId='LOCAL' x", ":aws.AccountId='LOCAL' AND 'x'"),
            ("NOT NOT (a b)", "NOT NOT ('a' AND 'b')"),
            ("ORDER ANDROID", "'ORDER' AND 'ANDROID'"),
        ] {
            assert_eq!(printed(text), expected, "{text}");
        }
    }

    #[test]
    fn errors_tell_the_place() {
        for (text, message) in [
            (
                "",
                "unexpected end of text at line 1 and position 0, expected a search term",
            ),
            (
                "{",
                "unexpected end of text at line 1 and position 1, expected a name or '}'",
            ),
            (
                "{}",
                "unexpected symbol found '}' at line 1 and position 1, expected a name or '}'",
            ),
            (
                "a OR",
                "unexpected end of text at line 1 and position 4, expected a search term",
            ),
            (
                "(a",
                "unexpected end of text at line 1 and position 2, expected ')'",
            ),
            (
                "a=",
                "unexpected end of text at line 1 and position 2, expected '(' or a search term",
            ),
            ("\"a", "the quote is not closed at line 1 and position 0"),
            (
                "a)",
                "unexpected symbol found ')' at line 1 and position 1, expected AND, OR or the end of the search",
            ),
        ] {
            let error = SearchQuery::parse(text).unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
        }
        assert!(SearchQuery::parse(&"(".repeat(500)).is_err());
        let levels = crate::grammar::NESTING_LIMIT;
        let deepest = format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
        let parsing = std::thread::Builder::new().stack_size(1 << 20);
        let parsing = parsing.spawn(move || SearchQuery::parse(&deepest).is_ok());
        assert!(parsing.unwrap().join().unwrap());
        assert!(SearchQuery::parse(&"NOT ".repeat(250)).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn rows_of_words_parse_and_print(words in vec(prop::sample::select(vec![
            "{", "}", "NS ", "D", ",", " ", "a ", "\"x y\"", "'z'", "=", "(", ")", " OR ", " AND ",
            "NOT ", "MetricName", "\\", "\"", "'", "é",
        ]), 0..14)) {
            let text = words.concat();
            if let Ok(query) = SearchQuery::parse(&text) {
                prop_assert_eq!(SearchQuery::parse(&query.to_string()), Ok(query), "{}", text);
            }
        }
    }
}
