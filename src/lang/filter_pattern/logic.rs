//! `&&`, `||` and parentheses around the tests of JSON and delimited patterns. `&&` binds closer.

use nom::Parser;
use nom::combinator::{cut, opt};

use crate::grammar::{Input, Parsed, nested};

use super::tokens::{blanks, symbol};

/// What a pattern's tests are put together to.
pub(super) trait Condition: Sized {
    /// A lone test; blanks before it are read.
    fn test(input: Input<'_>) -> Parsed<'_, Self>;
    /// Of two or more.
    fn and(parts: Vec<Self>) -> Self;
    /// Of two or more.
    fn or(parts: Vec<Self>) -> Self;
}

/// A whole condition.
pub(super) fn condition<C: Condition>(input: Input<'_>) -> Parsed<'_, C> {
    chain(input, "||", conjunction, C::or)
}

fn conjunction<C: Condition>(input: Input<'_>) -> Parsed<'_, C> {
    chain(input, "&&", unit, C::and)
}

fn chain<'a, C>(
    input: Input<'a>,
    sign: &'static str,
    part: fn(Input<'a>) -> Parsed<'a, C>,
    together: fn(Vec<C>) -> C,
) -> Parsed<'a, C> {
    let (mut rest, first) = part(input)?;
    let mut parts = Vec::new();
    while let (after, Some(())) = opt(symbol(sign)).parse(rest)? {
        let (after, next) = cut(part).parse(after)?;
        parts.push(next);
        rest = after;
    }
    if parts.is_empty() {
        return Ok((rest, first));
    }
    parts.insert(0, first);
    Ok((rest, together(parts)))
}

fn unit<C: Condition>(input: Input<'_>) -> Parsed<'_, C> {
    let (start, ()) = blanks(input)?;
    if let (inside, Some(())) = opt(symbol("(")).parse(start)? {
        let (rest, whole) = nested(inside, |inside| cut(condition).parse(inside))?;
        let (rest, ()) = cut(symbol(")")).parse(rest)?;
        return Ok((rest, whole));
    }
    C::test(start)
}
