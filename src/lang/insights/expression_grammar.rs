//! The parser of expressions, one function per level of precedence (spec logs-insights.md 4).

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while1;
use nom::combinator::{cut, map, opt};
use nom::sequence::delimited;

use crate::grammar::{
    Fault, Input, Parsed, broken_rule, nested, rule, span_between, too_deep, unexpected,
};
use crate::span::Span;

use super::constant_arguments::{check_constant_arguments, check_constant_regex};
use super::expression::{
    Argument, ArithmeticOperator, Call, ComparisonOperator, Expr, ExprKind, InSet, Literal,
    MatchPattern, Sign,
};
use super::field::is_reserved;
use super::functions::Function;
use super::query_grammar::{starts_query, subquery};
use super::tokens::{
    blanks, duration, field_path, keyword, keyword_of, number, regex, segments, string, symbol,
};

/// Levels of a tree of expressions. Whoever walks a tree may recurse this deep; the engine's own
/// planner does.
pub const EXPRESSION_LEVELS_MAX: usize = 100;

/// Makes a node unless the tree becomes too high.
fn node<'a>(start: Input<'a>, rest: Input<'a>, kind: ExprKind) -> Parsed<'a, Expr> {
    let expr = Expr::new(kind, span_between(start, rest));
    if expr.is_higher_than(EXPRESSION_LEVELS_MAX) {
        return too_deep(expr.span, EXPRESSION_LEVELS_MAX);
    }
    Ok((rest, expr))
}

pub(super) fn expr(input: Input<'_>) -> Parsed<'_, Expr> {
    nested(input, or_expr)
}

fn or_expr(input: Input<'_>) -> Parsed<'_, Expr> {
    chain(input, and_expr, "or", "||", ExprKind::Or)
}

fn and_expr(input: Input<'_>) -> Parsed<'_, Expr> {
    chain(input, not_expr, "and", "&&", ExprKind::And)
}

/// One operand, or several between a word and its sign.
fn chain<'a>(
    input: Input<'a>,
    operand: fn(Input<'a>) -> Parsed<'a, Expr>,
    word: &'static str,
    sign: &'static str,
    together: fn(Vec<Expr>) -> ExprKind,
) -> Parsed<'a, Expr> {
    let (start, ()) = blanks(input)?;
    let (mut rest, first) = operand(start)?;
    let mut operands = vec![first];
    while let (after, Some(_)) = opt(alt((keyword(word), symbol(sign)))).parse(rest)? {
        let (after, next) = cut(operand).parse(after)?;
        operands.push(next);
        rest = after;
    }
    match operands.len() {
        1 => match operands.pop() {
            Some(only) => Ok((rest, only)),
            None => unexpected(start, EXPRESSION),
        },
        _ => node(start, rest, together(operands)),
    }
}

const EXPRESSION: &[&str] = &["an expression"];

fn not_expr(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let mut rest = start;
    let mut starts = Vec::new();
    while let (after, Some(_)) = opt(keyword("not")).parse(rest)? {
        starts.push(rest);
        rest = after;
        if starts.len() > EXPRESSION_LEVELS_MAX {
            return too_deep(span_between(start, rest), EXPRESSION_LEVELS_MAX);
        }
    }
    let (rest, mut operand) = match starts.as_slice() {
        [] => comparison(rest)?,
        _ => cut(comparison).parse(rest)?,
    };
    for start in starts.into_iter().rev() {
        (_, operand) = node(start, rest, ExprKind::Not(Box::new(operand)))?;
    }
    Ok((rest, operand))
}

#[derive(Clone, Copy)]
enum WordOperator {
    Like,
    In,
}

const WORD_OPERATORS: &[(&str, WordOperator)] =
    &[("like", WordOperator::Like), ("in", WordOperator::In)];

fn comparison(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let (rest, value) = sum(start)?;
    if let (rest, Some(_)) = opt(symbol("=~")).parse(rest)? {
        let (rest, pattern) = cut(match_pattern).parse(rest)?;
        if let MatchPattern::Text(text) = &pattern {
            check_constant_regex(text)?;
        }
        let value = Box::new(value);
        return node(start, rest, ExprKind::RegexMatch { value, pattern });
    }
    if let (rest, Some(operator)) = opt(comparison_operator).parse(rest)? {
        let (rest, right) = cut(sum).parse(rest)?;
        let kind = ExprKind::Comparison {
            operator,
            left: Box::new(value),
            right: Box::new(right),
        };
        return node(start, rest, kind);
    }
    let (after_not, negated) = opt(keyword("not")).parse(rest)?;
    let negated = negated.is_some();
    let (after, operator) = match negated {
        true => map(cut(keyword_of(WORD_OPERATORS)), Some).parse(after_not)?,
        false => opt(keyword_of(WORD_OPERATORS)).parse(rest)?,
    };
    match operator {
        Some(WordOperator::Like) => {
            let (rest, pattern) = cut(match_pattern).parse(after)?;
            let kind = ExprKind::Like {
                value: Box::new(value),
                pattern,
                negated,
            };
            node(start, rest, kind)
        }
        Some(WordOperator::In) => {
            let (rest, set) = cut(in_set).parse(after)?;
            let kind = ExprKind::In {
                value: Box::new(value),
                set,
                negated,
            };
            node(start, rest, kind)
        }
        None => Ok((rest, value)),
    }
}

fn comparison_operator(input: Input<'_>) -> Parsed<'_, ComparisonOperator> {
    use ComparisonOperator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    // Longer signs before their beginnings.
    alt((
        map(alt((symbol("=="), symbol("="))), |_| Equal),
        map(alt((symbol("!="), symbol("<>"))), |_| NotEqual),
        map(symbol("<="), |_| LessOrEqual),
        map(symbol(">="), |_| GreaterOrEqual),
        map(symbol("<"), |_| Less),
        map(symbol(">"), |_| Greater),
    ))
    .parse(input)
}

fn match_pattern(input: Input<'_>) -> Parsed<'_, MatchPattern> {
    alt((
        map(regex, MatchPattern::Regex),
        map(sum, |text| MatchPattern::Text(Box::new(text))),
    ))
    .parse(input)
}

fn in_set(input: Input<'_>) -> Parsed<'_, InSet> {
    let (start, ()) = blanks(input)?;
    if let (inside, Some(_)) = opt(symbol("(")).parse(start)?
        && starts_query(inside)
    {
        let (rest, query) = subquery(start)?;
        return Ok((rest, InSet::Subquery(Box::new(query))));
    }
    let (rest, value) = sum(start)?;
    Ok((
        rest,
        match value.kind {
            ExprKind::List(items) => InSet::List(items),
            _ => InSet::Value(Box::new(value)),
        },
    ))
}

fn sum(input: Input<'_>) -> Parsed<'_, Expr> {
    left_associative(input, product, |input| {
        alt((
            map(symbol("+"), |_| ArithmeticOperator::Add),
            map(symbol("-"), |_| ArithmeticOperator::Subtract),
        ))
        .parse(input)
    })
}

fn product(input: Input<'_>) -> Parsed<'_, Expr> {
    left_associative(input, signed, |input| {
        alt((
            map(symbol("*"), |_| ArithmeticOperator::Multiply),
            map(symbol("/"), |_| ArithmeticOperator::Divide),
            map(symbol("%"), |_| ArithmeticOperator::Modulo),
        ))
        .parse(input)
    })
}

fn left_associative<'a>(
    input: Input<'a>,
    operand: fn(Input<'a>) -> Parsed<'a, Expr>,
    operator: fn(Input<'a>) -> Parsed<'a, ArithmeticOperator>,
) -> Parsed<'a, Expr> {
    let (start, ()) = blanks(input)?;
    let (mut rest, mut left) = operand(start)?;
    while let (after, Some(operator)) = opt(operator).parse(rest)? {
        let (after, right) = cut(operand).parse(after)?;
        let kind = ExprKind::Arithmetic {
            operator,
            left: Box::new(left),
            right: Box::new(right),
        };
        (rest, left) = node(start, after, kind)?;
    }
    Ok((rest, left))
}

#[derive(Clone, Copy)]
enum Prefix {
    Sign(Sign),
    Not,
}

fn signed(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let mut rest = start;
    let mut prefixes = Vec::new();
    while let (after, Some(prefix)) = opt(prefix).parse(rest)? {
        prefixes.push((rest, prefix));
        rest = after;
        if prefixes.len() > EXPRESSION_LEVELS_MAX {
            return too_deep(span_between(start, rest), EXPRESSION_LEVELS_MAX);
        }
    }
    let (rest, mut operand) = match prefixes.as_slice() {
        [] => power(rest)?,
        _ => cut(power).parse(rest)?,
    };
    for (start, prefix) in prefixes.into_iter().rev() {
        let operand_box = Box::new(operand);
        let kind = match prefix {
            Prefix::Not => ExprKind::Not(operand_box),
            Prefix::Sign(sign) => ExprKind::Sign {
                sign,
                operand: operand_box,
            },
        };
        (_, operand) = node(start, rest, kind)?;
    }
    Ok((rest, operand))
}

fn prefix(input: Input<'_>) -> Parsed<'_, Prefix> {
    alt((
        map(symbol("-"), |_| Prefix::Sign(Sign::Minus)),
        map(symbol("+"), |_| Prefix::Sign(Sign::Plus)),
        map(symbol("!"), |_| Prefix::Not),
    ))
    .parse(input)
}

fn power(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let (rest, base) = postfix(start)?;
    match opt(symbol("^")).parse(rest)? {
        (rest, Some(_)) => {
            let (rest, exponent) = cut(|input| nested(input, signed)).parse(rest)?;
            let kind = ExprKind::Arithmetic {
                operator: ArithmeticOperator::Power,
                left: Box::new(base),
                right: Box::new(exponent),
            };
            node(start, rest, kind)
        }
        (_, None) => Ok((rest, base)),
    }
}

/// A primary expression and the steps into its value.
pub(super) fn postfix(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    if let (rest, Some(plain)) = opt(alt((literal_expr, field_or_call))).parse(start)? {
        return match plain.kind {
            ExprKind::Call(_) => access(start, rest, plain),
            // The steps of a field are part of its path.
            _ => Ok((rest, plain)),
        };
    }
    let (rest, value) = alt((parenthesised, list)).parse(start)?;
    access(start, rest, value)
}

fn access<'a>(start: Input<'a>, rest: Input<'a>, value: Expr) -> Parsed<'a, Expr> {
    let (rest, segments) = segments(rest)?;
    if segments.is_empty() {
        return Ok((rest, value));
    }
    let value = Box::new(value);
    node(start, rest, ExprKind::Access { value, segments })
}

pub(super) fn literal(input: Input<'_>) -> Parsed<'_, Literal> {
    const WORDS: &[(&str, Option<bool>)] =
        &[("true", Some(true)), ("false", Some(false)), ("null", None)];
    alt((
        map(string, Literal::String),
        map(number, Literal::Number),
        map(keyword_of(WORDS), |word| {
            word.map_or(Literal::Null, Literal::Boolean)
        }),
    ))
    .parse(input)
    .map_err(|error| match error {
        nom::Err::Error(_) => nom::Err::Error(Fault::expected(input, &["a string", "a number"])),
        failure => failure,
    })
}

fn literal_expr(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let (rest, literal) = literal(start)?;
    node(start, rest, ExprKind::Literal(literal))
}

fn parenthesised(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let (rest, inside) = delimited(symbol("("), cut(expr), cut(symbol(")"))).parse(start)?;
    let span = span_between(start, rest);
    Ok((rest, Expr { span, ..inside }))
}

fn list(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let (mut rest, _) = match symbol("[")(start) {
        Ok(found) => found,
        Err(_) => return unexpected(start, EXPRESSION),
    };
    let mut items = Vec::new();
    if let (after, Some(_)) = opt(symbol("]")).parse(rest)? {
        return node(start, after, ExprKind::List(items));
    }
    loop {
        let (after, item) = cut(expr).parse(rest)?;
        items.push(item);
        let (after, comma) = opt(symbol(",")).parse(after)?;
        if comma.is_none() {
            let (after, _) = cut(symbol("]")).parse(after)?;
            return node(start, after, ExprKind::List(items));
        }
        rest = after;
    }
}

fn field_or_call(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    if let (rest, Some((name, name_span))) = opt(call_start).parse(start)? {
        return call(start, rest, name, name_span);
    }
    let (rest, path) = field_path(start)?;
    node(start, rest, ExprKind::Field(path))
}

/// A function's name and the opening parenthesis.
fn call_start(input: Input<'_>) -> Parsed<'_, (&str, Span)> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (rest, name) = take_while1(in_name).parse(input)?;
    let (after, _) = symbol("(")(rest)?;
    if name.fragment().starts_with(|c: char| c.is_ascii_digit()) || is_reserved(name.fragment()) {
        return unexpected(input, EXPRESSION);
    }
    Ok((after, (name.fragment(), span_between(input, rest))))
}

/// The arguments behind `name(`.
fn call<'a>(start: Input<'a>, inside: Input<'a>, name: &str, name_span: Span) -> Parsed<'a, Expr> {
    let Some(function) = Function::by_name(name) else {
        return broken_rule(name_span, format!("unknown function '{name}'"));
    };
    if let (rest, Some(star)) = opt(symbol("*")).parse(inside)? {
        if function != Function::Count {
            return broken_rule(star, "only count takes *");
        }
        let (rest, _) = cut(symbol(")")).parse(rest)?;
        let call = Call {
            function,
            star: true,
            arguments: Vec::new(),
        };
        return node(start, rest, ExprKind::Call(call));
    }
    let (rest, arguments) = arguments(inside, function)?;
    check_arity(function, arguments.len(), span_between(start, rest))?;
    let call = Call {
        function,
        star: false,
        arguments,
    };
    check_constant_arguments(&call)?;
    node(start, rest, ExprKind::Call(call))
}

fn arguments(input: Input<'_>, function: Function) -> Parsed<'_, Vec<Argument>> {
    if let (rest, Some(_)) = opt(symbol(")")).parse(input)? {
        return Ok((rest, Vec::new()));
    }
    let mut arguments = Vec::new();
    let mut rest = input;
    loop {
        let is_duration = function.declaration().duration_argument == Some(arguments.len());
        let (after, argument) = match is_duration {
            true => map(cut(duration), Argument::Duration).parse(rest)?,
            false => map(cut(expr), Argument::Expr).parse(rest)?,
        };
        arguments.push(argument);
        let (after, comma) = opt(symbol(",")).parse(after)?;
        if comma.is_none() {
            let (after, _) = cut(alt((symbol(")"), symbol(",")))).parse(after)?;
            return Ok((after, arguments));
        }
        rest = after;
    }
}

fn check_arity(function: Function, given: usize, call: Span) -> Result<(), nom::Err<Fault>> {
    let declared = function.declaration();
    if (declared.min_arguments..=declared.max_arguments).contains(&given) {
        return Ok(());
    }
    let wanted = match (declared.min_arguments, declared.max_arguments) {
        (min, max) if min == max => format!("{min}"),
        (min, usize::MAX) => format!("at least {min}"),
        (min, max) => format!("{min} to {max}"),
    };
    let name = declared.name;
    Err(rule(
        call,
        format!("{name} takes {wanted} arguments, found {given}"),
    ))
}
