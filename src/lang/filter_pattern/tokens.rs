//! Words and values that JSON and delimited patterns share.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while};
use nom::character::complete::{char, multispace0};
use nom::combinator::{cut, map, value};
use nom::{Input as _, Parser};

use crate::grammar::{Fault, Input, Parsed, broken_rule, span_between, unexpected};
use crate::span::Span;

use super::pattern_regex::PatternRegex;
use super::value::{Comparison, Equality, Number, Order, Value, Wildcard, number_form};

pub(super) fn blanks(input: Input<'_>) -> Parsed<'_, ()> {
    value((), multispace0).parse(input)
}

/// A sign behind free white space.
pub(super) fn symbol<'a>(sign: &'static str) -> impl Fn(Input<'a>) -> Parsed<'a, ()> {
    move |input| {
        let (start, ()) = blanks(input)?;
        match tag::<_, _, Fault>(sign).parse(start) {
            Ok((rest, _)) => Ok((rest, ())),
            Err(_) => unexpected(start, &[sign]),
        }
    }
}

fn to_the_end(start: Input<'_>) -> Span {
    let at = start.location_offset();
    Span::new(at, at + start.fragment().len())
}

/// The inside of double quotes as typed: a backslash protects a quote or a backslash.
pub(super) fn raw_quoted(input: Input<'_>) -> Parsed<'_, &str> {
    let (inside, _) = char('"').parse(input)?;
    let mut characters = inside.fragment().char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => {
                characters.next_if(|(_, escaped)| matches!(escaped, '"' | '\\'));
            }
            '"' => {
                let (at_quote, raw) = inside.take_split(at);
                let (rest, _) = char('"').parse(at_quote)?;
                return Ok((rest, *raw.fragment()));
            }
            _ => {}
        }
    }
    broken_rule(to_the_end(input), "the quote is not closed")
}

/// Resolves `\"` and `\\`; other backslashes are literal.
pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars().peekable();
    while let Some(c) = characters.next() {
        let escaped = match c {
            '\\' => characters.next_if(|escaped| matches!(escaped, '"' | '\\')),
            _ => None,
        };
        text.push(escaped.unwrap_or(c));
    }
    text
}

/// `%regex%`
pub(super) fn regex(input: Input<'_>) -> Parsed<'_, PatternRegex> {
    let (inside, _) = char('%').parse(input)?;
    let (at_end, text) = take_till(|c| c == '%').parse(inside)?;
    let Ok((rest, _)) = char::<_, Fault>('%').parse(at_end) else {
        return broken_rule(to_the_end(input), "the regex is not closed");
    };
    match PatternRegex::new(text.fragment()) {
        Ok(regex) => Ok((rest, regex)),
        Err(reason) => broken_rule(span_between(input, rest), reason),
    }
}

/// A quoted value, in which `*` is a wildcard and `\*` an asterisk.
fn quoted_value(input: Input<'_>) -> Parsed<'_, Value> {
    let (rest, raw) = raw_quoted(input)?;
    let mut pieces = vec![String::new()];
    let mut characters = raw.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '*' {
            pieces.push(String::new());
            continue;
        }
        let escaped = match c {
            '\\' => characters.next_if(|escaped| matches!(escaped, '"' | '\\' | '*')),
            _ => None,
        };
        if let Some(piece) = pieces.last_mut() {
            piece.push(escaped.unwrap_or(c));
        }
    }
    Ok((rest, text_value(pieces)))
}

fn text_value(pieces: Vec<String>) -> Value {
    let text = pieces.first().cloned().unwrap_or_default();
    match Wildcard::new(pieces) {
        Some(wildcard) => Value::Wildcard(wildcard),
        None => Value::Text(text),
    }
}

/// Which characters a bare value may have.
pub(super) type BareCharacters = fn(char) -> bool;

fn bare_value(input: Input<'_>, is_bare: BareCharacters) -> Parsed<'_, Value> {
    // The plus sign belongs to numbers only.
    let (rest, word) = take_while(|c| is_bare(c) || c == '+').parse(input)?;
    let word = *word.fragment();
    if word.is_empty() {
        return unexpected(input, &["a value"]);
    }
    let span = span_between(input, rest);
    if let Some(value) = number_form(word) {
        if !value.is_finite() {
            return broken_rule(span, "the number is too large");
        }
        let text = word.to_owned();
        return Ok((rest, Value::Number(Number { text, value })));
    }
    if !word.chars().all(is_bare) {
        return broken_rule(span, "a value with such characters needs quotes");
    }
    Ok((
        rest,
        text_value(word.split('*').map(str::to_owned).collect()),
    ))
}

#[derive(Clone, Copy)]
enum Operator {
    Equality(Equality),
    Order(Order),
}

/// `= value`, `< number` and the like.
pub(super) fn comparison(input: Input<'_>, is_bare: BareCharacters) -> Parsed<'_, Comparison> {
    let (rest, operator) = alt((
        map(symbol("!="), |()| Operator::Equality(Equality::NotEqual)),
        map(symbol("="), |()| Operator::Equality(Equality::Equal)),
        map(symbol("<="), |()| Operator::Order(Order::LessOrEqual)),
        map(symbol(">="), |()| Operator::Order(Order::GreaterOrEqual)),
        map(symbol("<"), |()| Operator::Order(Order::Less)),
        map(symbol(">"), |()| Operator::Order(Order::Greater)),
    ))
    .parse(input)?;
    let (start, ()) = blanks(rest)?;
    let (rest, value) = cut(alt((quoted_value, map(regex, Value::Regex), |input| {
        bare_value(input, is_bare)
    })))
    .parse(start)?;
    match (operator, value) {
        (Operator::Equality(equality), value) => {
            Ok((rest, Comparison::Equality { equality, value }))
        }
        (Operator::Order(order), Value::Number(number)) => {
            Ok((rest, Comparison::Order { order, number }))
        }
        (Operator::Order(_), _) => broken_rule(
            span_between(start, rest),
            "an order comparison needs a number",
        ),
    }
}
