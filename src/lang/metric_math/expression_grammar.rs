//! The parser of metric math expressions (spec metric-math.md 2).

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while};
use nom::character::complete::{char, digit1, multispace0, one_of};
use nom::combinator::{cut, opt, recognize};
use nom::{IResult, Input as _};

use crate::error::{Language, SyntaxError};
use crate::grammar::{
    Fault, Input, Parsed, broken_rule, committed, nested, optional, parse_all, rule, span_between,
    too_deep, unexpected,
};
use crate::span::Span;

use super::expression::{Argument, Expression, ExpressionKind, Operator, OperatorLevel};
use super::functions::{ArgumentForm, Function, Keyword};

/// An Expression of an API call is at most this long (documented).
pub const EXPRESSION_CHARACTERS_MAX: usize = 2048;

/// Levels of a tree. Whoever evaluates one may recurse this deep.
pub const EXPRESSION_LEVELS_MAX: usize = 100;

/// Parses a metric math expression. A text that [`is_metrics_insights`] is not one.
///
/// # Errors
/// Bad syntax, unknown functions, wrong numbers of arguments, words in the wrong place. Types and
/// Ids are the evaluation's business.
pub fn parse(text: &str) -> Result<Expression, SyntaxError> {
    parse_all(
        Language::MetricMath,
        text,
        EXPRESSION_CHARACTERS_MAX,
        |input| {
            let (rest, expression) = expression(input)?;
            let (rest, _) = blanks(rest)?;
            if !rest.fragment().is_empty() {
                return unexpected(rest, &["an operator", "the end of the expression"]);
            }
            Ok((rest, expression))
        },
    )
}

/// Whether a text is a Metrics Insights query: it starts with SELECT, in any case.
pub fn is_metrics_insights(text: &str) -> bool {
    let first = text
        .trim_start()
        .split(|c: char| !c.is_ascii_alphanumeric());
    first
        .take(1)
        .any(|word| word.eq_ignore_ascii_case("SELECT"))
}

fn blanks(input: Input<'_>) -> Parsed<'_, Input<'_>> {
    multispace0.parse(input)
}

fn symbol<'a>(sign: &'static str) -> impl Fn(Input<'a>) -> Parsed<'a, Span> {
    move |input| {
        let (start, _) = blanks(input)?;
        let found: IResult<Input<'a>, Input<'a>, Fault> = tag(sign).parse(start);
        match found {
            Ok((rest, _)) => Ok((rest, span_between(start, rest))),
            Err(_) => unexpected(start, &[sign]),
        }
    }
}

fn is_word_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// An upper-case word, whole.
fn word<'a>(wanted: &'static str) -> impl Fn(Input<'a>) -> Parsed<'a, Span> {
    move |input| {
        let (start, _) = blanks(input)?;
        let (rest, found) = take_while(is_word_character).parse(start)?;
        match *found.fragment() == wanted {
            true => Ok((rest, span_between(start, rest))),
            false => unexpected(start, &[wanted]),
        }
    }
}

fn node<'a>(start: Input<'a>, rest: Input<'a>, kind: ExpressionKind) -> Parsed<'a, Expression> {
    let expression = Expression::new(kind, span_between(start, rest));
    if expression.is_higher_than(EXPRESSION_LEVELS_MAX) {
        return too_deep(expression.span, EXPRESSION_LEVELS_MAX);
    }
    Ok((rest, expression))
}

fn expression(input: Input<'_>) -> Parsed<'_, Expression> {
    operand(input, OperatorLevel::Or)
}

/// An expression of operators that bind at least as tightly as `loosest`, by precedence climbing:
/// the recursion is as deep as the text is nested, not as there are levels.
fn operand(input: Input<'_>, loosest: OperatorLevel) -> Parsed<'_, Expression> {
    nested(input, |inside| operators(inside, loosest))
}

fn operators(input: Input<'_>, loosest: OperatorLevel) -> Parsed<'_, Expression> {
    let (start, _) = blanks(input)?;
    let (mut rest, mut left) = negation(start)?;
    while let Some((after, operator)) = optional(operator(rest))? {
        if operator.level() < loosest {
            break;
        }
        let (end, chain) = chain(operator, after)?;
        let first = Box::new(left);
        (rest, left) = node(start, end, ExpressionKind::Chain { first, rest: chain })?;
    }
    Ok((rest, left))
}

/// The operands behind the first one, as long as the operators are of one level.
fn chain<'a>(first: Operator, input: Input<'a>) -> Parsed<'a, Vec<(Operator, Expression)>> {
    let level = first.level();
    let mut chain = Vec::new();
    let (mut operator_here, mut rest) = (first, input);
    loop {
        let (after, next) = committed(operand(rest, level.tighter()))?;
        chain.push((operator_here, next));
        match optional(operator(after))? {
            Some((after, operator)) if operator.level() == level => {
                (operator_here, rest) = (operator, after);
            }
            _ => return Ok((after, chain)),
        }
    }
}

/// Signs, each before its own beginnings.
const SIGNS: &[(&str, Operator)] = &[
    ("||", Operator::Or),
    ("&&", Operator::And),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("+", Operator::Add),
    ("-", Operator::Subtract),
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
];

fn operator(input: Input<'_>) -> Parsed<'_, Operator> {
    let (start, _) = blanks(input)?;
    for (sign, operator) in SIGNS {
        if let Some((rest, _)) = optional(symbol(sign)(start))? {
            return Ok((rest, *operator));
        }
    }
    if let Some((rest, _)) = optional(word("AND")(start))? {
        return Ok((rest, Operator::And));
    }
    let (rest, _) = word("OR")(start)?;
    Ok((rest, Operator::Or))
}

/// Minus signs, possibly none, and the power they take.
fn negation(start: Input<'_>) -> Parsed<'_, Expression> {
    let mut rest = start;
    let mut starts = Vec::new();
    while let Some((after, _)) = optional(symbol("-")(rest))? {
        starts.push(rest);
        rest = after;
        if starts.len() > EXPRESSION_LEVELS_MAX {
            return too_deep(span_between(start, rest), EXPRESSION_LEVELS_MAX);
        }
    }
    if starts.is_empty() {
        return power(start);
    }
    let (rest, mut operand) = committed(power(rest))?;
    for start in starts.into_iter().rev() {
        (_, operand) = node(start, rest, ExpressionKind::Negate(Box::new(operand)))?;
    }
    Ok((rest, operand))
}

fn power(input: Input<'_>) -> Parsed<'_, Expression> {
    let (start, _) = blanks(input)?;
    let (rest, base) = primary(start)?;
    let Some((rest, _)) = optional(symbol("^")(rest))? else {
        return Ok((rest, base));
    };
    let (rest, exponent) = committed(operand(rest, OperatorLevel::Negation))?;
    let kind = ExpressionKind::Power {
        base: Box::new(base),
        exponent: Box::new(exponent),
    };
    node(start, rest, kind)
}

fn primary(input: Input<'_>) -> Parsed<'_, Expression> {
    let (start, _) = blanks(input)?;
    match start.fragment().chars().next() {
        Some('(') => parenthesised(start),
        Some('[') => array(start),
        Some('"' | '\'') => string(start),
        Some('0'..='9' | '.') => number(start),
        Some('a'..='z') => id(start),
        Some('A'..='Z') => call(start),
        _ => unexpected(start, &["an expression"]),
    }
}

fn parenthesised(start: Input<'_>) -> Parsed<'_, Expression> {
    let (rest, _) = symbol("(")(start)?;
    let (rest, inside) = committed(expression(rest))?;
    let (rest, _) = committed(symbol(")")(rest))?;
    let span = span_between(start, rest);
    Ok((rest, Expression { span, ..inside }))
}

fn array(start: Input<'_>) -> Parsed<'_, Expression> {
    let (mut rest, _) = symbol("[")(start)?;
    let mut items = Vec::new();
    let end = loop {
        let (after, item) = committed(expression(rest))?;
        items.push(item);
        match optional(symbol(",")(after))? {
            Some((after, _)) => rest = after,
            None => break committed(alt((symbol(","), symbol("]"))).parse(after))?.0,
        }
    };
    let is_string = |item: &Expression| matches!(item.kind, ExpressionKind::String(_));
    if items.iter().any(is_string) && !items.iter().all(is_string) {
        return broken_rule(
            span_between(start, end),
            "an array of strings and other values",
        );
    }
    node(start, end, ExpressionKind::Array(items))
}

fn string(start: Input<'_>) -> Parsed<'_, Expression> {
    let (inside, quote) = one_of("\"'").parse(start)?;
    let mut text = String::new();
    let mut characters = inside.fragment().char_indices();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            let (at_quote, _) = inside.take_split(at);
            let (rest, _) = char(quote).parse(at_quote)?;
            return node(start, rest, ExpressionKind::String(text));
        }
        let escaped = match c {
            '\\' => characters.next().map(|(_, escaped)| escaped),
            _ => None,
        };
        text.push(escaped.unwrap_or(c));
    }
    let from = start.location_offset();
    let span = Span::new(from, from + start.fragment().len());
    broken_rule(span, "the string is not closed")
}

fn number(start: Input<'_>) -> Parsed<'_, Expression> {
    let exponent = (one_of("eE"), opt(one_of("+-")), digit1);
    let digits = alt((
        recognize((digit1, opt((char('.'), digit1)))),
        recognize((char('.'), digit1)),
    ));
    let (rest, text) = recognize((digits, opt(exponent))).parse(start)?;
    if rest.fragment().starts_with(is_word_character) {
        return broken_rule(
            span_between(start, rest),
            "a number directly before a letter; an id starts with a lower-case letter",
        );
    }
    match text.fragment().parse::<f64>() {
        Ok(number) if number.is_finite() => node(start, rest, ExpressionKind::Number(number)),
        _ => broken_rule(span_between(start, rest), "the number is too large"),
    }
}

fn id(start: Input<'_>) -> Parsed<'_, Expression> {
    let (rest, id) = take_while(is_word_character).parse(start)?;
    let id = (*id.fragment()).to_owned();
    if symbol("(")(rest).is_ok() {
        let text = format!("unknown function '{id}'; functions are upper case");
        return broken_rule(span_between(start, rest), text);
    }
    node(start, rest, ExpressionKind::Id(id))
}

fn call(start: Input<'_>) -> Parsed<'_, Expression> {
    let (rest, name) = take_while(is_word_character).parse(start)?;
    let Some(function) = Function::by_name(name.fragment()) else {
        let text = format!("unknown function '{}'", name.fragment());
        return broken_rule(span_between(start, rest), text);
    };
    let (rest, _) = cut(symbol("(")).parse(rest)?;
    let (rest, arguments) = arguments(rest, function)?;
    check_call(function, &arguments, span_between(start, rest))?;
    let kind = ExpressionKind::Call {
        function,
        arguments,
    };
    node(start, rest, kind)
}

fn arguments(input: Input<'_>, function: Function) -> Parsed<'_, Vec<Argument>> {
    if let Some((rest, _)) = optional(symbol(")")(input))? {
        return Ok((rest, Vec::new()));
    }
    let mut arguments = Vec::new();
    let mut rest = input;
    loop {
        let form = function.argument_form(arguments.len());
        let (after, argument) = committed(argument(rest, form))?;
        arguments.push(argument);
        match optional(symbol(",")(after))? {
            Some((after, _)) => rest = after,
            None => {
                let close = alt((symbol(","), symbol(")"))).parse(after);
                let (after, _) = committed(close)?;
                return Ok((after, arguments));
            }
        }
    }
}

fn argument(input: Input<'_>, form: ArgumentForm) -> Parsed<'_, Argument> {
    match form {
        ArgumentForm::Keyword(words) => return keyword(input, words),
        ArgumentForm::Either(words) => {
            if let Some(found) = optional(keyword(input, words))? {
                return Ok(found);
            }
        }
        ArgumentForm::Expression => {}
    }
    let (rest, expression) = expression(input)?;
    Ok((rest, Argument::Expression(expression)))
}

fn keyword<'a>(input: Input<'a>, words: &'static [Keyword]) -> Parsed<'a, Argument> {
    let (start, _) = blanks(input)?;
    let (rest, found) = take_while(is_word_character).parse(start)?;
    let keyword = words
        .iter()
        .find(|keyword| keyword.name() == *found.fragment());
    match keyword {
        Some(keyword) => Ok((rest, Argument::Keyword(*keyword))),
        None => {
            let names: Vec<&'static str> = words.iter().map(|keyword| keyword.name()).collect();
            unexpected(start, &names)
        }
    }
}

fn check_call(
    function: Function,
    arguments: &[Argument],
    call: Span,
) -> Result<(), nom::Err<Fault>> {
    let declared = function.declaration();
    let given = arguments.len();
    if (declared.min_arguments..=declared.max_arguments).contains(&given) {
        return Ok(());
    }
    let wanted = match (declared.min_arguments, declared.max_arguments) {
        (min, max) if min == max => format!("{min}"),
        (min, usize::MAX) => format!("at least {min}"),
        (min, max) => format!("{min} to {max}"),
    };
    let name = declared.name;
    let text = format!("{name} takes {wanted} arguments, found {given}");
    Err(rule(call, text))
}
