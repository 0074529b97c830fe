//! The parser of expressions (spec logs-insights.md 4).

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while1;
use nom::character::complete::one_of;
use nom::combinator::map;

use crate::grammar::{
    Fault, Input, Parsed, broken_rule, committed, nested, optional, rule, span_between, too_deep,
    unexpected,
};
use crate::span::Span;

use super::constant_arguments::{check_constant_arguments, check_constant_regex};
use super::expression::{
    Argument, ArithmeticOperator, Call, ComparisonOperator, Expr, ExprKind, InSet, Literal,
    MatchPattern, Sign,
};
use super::expression_text::Level;
use super::field::is_reserved;
use super::functions::Function;
use super::query_grammar::{starts_query, subquery};
use super::tokens::{
    blanks, duration, field_path, keyword, keyword_of, number, regex, segments, string, symbol,
};

/// Levels of a tree of expressions. Whoever walks a tree may recurse this deep; the engine's own
/// planner does.
pub const EXPRESSION_LEVELS_MAX: usize = 100;

/// What an error asks for.
const EXPRESSION: &[&str] = &["an expression"];

/// Makes a node unless the tree becomes too high.
fn node<'a>(start: Input<'a>, rest: Input<'a>, kind: ExprKind) -> Parsed<'a, Expr> {
    let expr = Expr::new(kind, span_between(start, rest));
    if expr.is_higher_than(EXPRESSION_LEVELS_MAX) {
        return too_deep(expr.span, EXPRESSION_LEVELS_MAX);
    }
    Ok((rest, expr))
}

pub(super) fn expr(input: Input<'_>) -> Parsed<'_, Expr> {
    operand(input, Level::Or)
}

/// An expression of operators that bind at least as tightly as `loosest`, by precedence climbing:
/// the recursion is as deep as the text is nested, not as there are levels.
fn operand(input: Input<'_>, loosest: Level) -> Parsed<'_, Expr> {
    nested(input, |inside| operators(inside, loosest))
}

fn operators(input: Input<'_>, loosest: Level) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let negation = match loosest <= Level::Not {
        true => optional(negated(start))?,
        false => None,
    };
    // Behind a comparison, and `not` takes one, only looser operators may follow.
    let (mut tightest, (mut rest, mut left)) = match negation {
        Some(found) => (Level::Not, found),
        None => (Level::Power, signed(start)?),
    };
    while let Some((after, infix)) = optional(infix(rest))? {
        let level = infix.level();
        if level < loosest || level > tightest {
            break;
        }
        if level == Level::Comparison {
            tightest = Level::Not;
        }
        (rest, left) = with_right_side(start, left, infix, after)?;
    }
    Ok((rest, left))
}

/// What stands between two operands.
#[derive(Clone, Copy)]
enum Infix {
    Or,
    And,
    Comparison(ComparisonOperator),
    RegexMatch,
    Like { negated: bool },
    In { negated: bool },
    Arithmetic(ArithmeticOperator),
}

impl Infix {
    fn level(self) -> Level {
        match self {
            Self::Or => Level::Or,
            Self::And => Level::And,
            Self::Comparison(_) | Self::RegexMatch | Self::Like { .. } | Self::In { .. } => {
                Level::Comparison
            }
            Self::Arithmetic(operator) => operator.level(),
        }
    }
}

/// Signs, each before its own beginnings.
const SIGNS: &[(&str, Infix)] = &[
    ("||", Infix::Or),
    ("&&", Infix::And),
    ("=~", Infix::RegexMatch),
    ("==", Infix::Comparison(ComparisonOperator::Equal)),
    ("=", Infix::Comparison(ComparisonOperator::Equal)),
    ("!=", Infix::Comparison(ComparisonOperator::NotEqual)),
    ("<>", Infix::Comparison(ComparisonOperator::NotEqual)),
    ("<=", Infix::Comparison(ComparisonOperator::LessOrEqual)),
    (">=", Infix::Comparison(ComparisonOperator::GreaterOrEqual)),
    ("<", Infix::Comparison(ComparisonOperator::Less)),
    (">", Infix::Comparison(ComparisonOperator::Greater)),
    ("+", Infix::Arithmetic(ArithmeticOperator::Add)),
    ("-", Infix::Arithmetic(ArithmeticOperator::Subtract)),
    ("*", Infix::Arithmetic(ArithmeticOperator::Multiply)),
    ("/", Infix::Arithmetic(ArithmeticOperator::Divide)),
    ("%", Infix::Arithmetic(ArithmeticOperator::Modulo)),
    ("^", Infix::Arithmetic(ArithmeticOperator::Power)),
];

fn infix(input: Input<'_>) -> Parsed<'_, Infix> {
    let (start, ()) = blanks(input)?;
    let signed = SIGNS
        .iter()
        .find(|(sign, _)| start.fragment().starts_with(sign));
    if let Some((sign, infix)) = signed {
        let (rest, _) = symbol(sign)(start)?;
        return Ok((rest, *infix));
    }
    if let Some((rest, _)) = optional(keyword("not")(start))? {
        return committed(keyword_of(&[
            ("like", Infix::Like { negated: true }),
            ("in", Infix::In { negated: true }),
        ])(rest));
    }
    keyword_of(&[
        ("or", Infix::Or),
        ("and", Infix::And),
        ("like", Infix::Like { negated: false }),
        ("in", Infix::In { negated: false }),
    ])(start)
}

/// Completes an operation whose left operand and operator were read.
fn with_right_side<'a>(
    start: Input<'a>,
    left: Expr,
    infix: Infix,
    rest: Input<'a>,
) -> Parsed<'a, Expr> {
    let (rest, kind) = match infix {
        Infix::Or => chain(left, rest, Level::Or, Level::And)?,
        Infix::And => chain(left, rest, Level::And, Level::Not)?,
        Infix::Comparison(operator) => {
            let (rest, right) = right_operand(rest, Level::Sum)?;
            let left = Box::new(left);
            let kind = ExprKind::Comparison {
                operator,
                left,
                right,
            };
            (rest, kind)
        }
        Infix::RegexMatch => {
            let (rest, pattern) = match_pattern(rest)?;
            if let MatchPattern::Text(text) = &pattern {
                check_constant_regex(text)?;
            }
            let value = Box::new(left);
            (rest, ExprKind::RegexMatch { value, pattern })
        }
        Infix::Like { negated } => {
            let (rest, pattern) = match_pattern(rest)?;
            let value = Box::new(left);
            let kind = ExprKind::Like {
                value,
                pattern,
                negated,
            };
            (rest, kind)
        }
        Infix::In { negated } => {
            let (rest, set) = in_set(rest)?;
            let value = Box::new(left);
            let kind = ExprKind::In {
                value,
                set,
                negated,
            };
            (rest, kind)
        }
        Infix::Arithmetic(operator) => {
            let (rest, right) = right_operand(rest, operator.right_level())?;
            let left = Box::new(left);
            let kind = ExprKind::Arithmetic {
                operator,
                left,
                right,
            };
            (rest, kind)
        }
    };
    node(start, rest, kind)
}

fn right_operand(input: Input<'_>, loosest: Level) -> Parsed<'_, Box<Expr>> {
    let (rest, right) = committed(operand(input, loosest))?;
    Ok((rest, Box::new(right)))
}

/// All operands of a row of `and` or `or`, behind the first of these words.
fn chain<'a>(
    first: Expr,
    input: Input<'a>,
    level: Level,
    operand_level: Level,
) -> Parsed<'a, ExprKind> {
    let mut operands = vec![first];
    let mut rest = input;
    loop {
        let (after, next) = committed(operand(rest, operand_level))?;
        operands.push(next);
        match optional(infix(after))? {
            Some((after, infix)) if infix.level() == level => rest = after,
            _ if level == Level::Or => return Ok((after, ExprKind::Or(operands))),
            _ => return Ok((after, ExprKind::And(operands))),
        }
    }
}

fn match_pattern(input: Input<'_>) -> Parsed<'_, MatchPattern> {
    if let Some((rest, regex)) = optional(regex(input))? {
        return Ok((rest, MatchPattern::Regex(regex)));
    }
    let (rest, text) = right_operand(input, Level::Sum)?;
    Ok((rest, MatchPattern::Text(text)))
}

fn in_set(input: Input<'_>) -> Parsed<'_, InSet> {
    let (start, ()) = blanks(input)?;
    if let Some((inside, _)) = optional(symbol("(")(start))?
        && starts_query(inside)
    {
        let (rest, query) = subquery(start)?;
        return Ok((rest, InSet::Subquery(Box::new(query))));
    }
    let (rest, value) = right_operand(start, Level::Sum)?;
    let set = match *value {
        Expr {
            kind: ExprKind::List(items),
            ..
        } => InSet::List(items),
        _ => InSet::Value(value),
    };
    Ok((rest, set))
}

/// `not`, possibly repeated, and the comparison it takes.
fn negated(start: Input<'_>) -> Parsed<'_, Expr> {
    let (mut rest, _) = keyword("not")(start)?;
    let mut starts = vec![start];
    while let Some((after, _)) = optional(keyword("not")(rest))? {
        starts.push(rest);
        rest = after;
        check_prefixes(&starts, start, rest)?;
    }
    let (rest, mut value) = committed(operand(rest, Level::Comparison))?;
    for start in starts.into_iter().rev() {
        (_, value) = node(start, rest, ExprKind::Not(Box::new(value)))?;
    }
    Ok((rest, value))
}

/// Signs and `!`, possibly none, and the power they take.
fn signed(start: Input<'_>) -> Parsed<'_, Expr> {
    let mut rest = start;
    let mut starts = Vec::new();
    while let Some((after, _)) = optional(one_of("-+!").parse(rest) as Parsed<'_, char>)? {
        starts.push(rest);
        (rest, ()) = blanks(after)?;
        check_prefixes(&starts, start, rest)?;
    }
    if starts.is_empty() {
        return postfix(start);
    }
    let (rest, mut value) = committed(operand(rest, Level::Power))?;
    for start in starts.into_iter().rev() {
        let operand = Box::new(value);
        let kind = match start.fragment().chars().next() {
            Some('!') => ExprKind::Not(operand),
            Some('+') => ExprKind::Sign {
                sign: Sign::Plus,
                operand,
            },
            _ => ExprKind::Sign {
                sign: Sign::Minus,
                operand,
            },
        };
        (_, value) = node(start, rest, kind)?;
    }
    Ok((rest, value))
}

fn check_prefixes<'a>(
    starts: &[Input<'a>],
    start: Input<'a>,
    rest: Input<'a>,
) -> Result<(), nom::Err<Fault>> {
    match starts.len() > EXPRESSION_LEVELS_MAX {
        true => too_deep(span_between(start, rest), EXPRESSION_LEVELS_MAX).map(|(_, ())| ()),
        false => Ok(()),
    }
}

/// A primary expression and the steps into its value.
pub(super) fn postfix(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let (rest, value) = match start.fragment().chars().next() {
        Some('(') => parenthesised(start)?,
        Some('[') => list(start)?,
        _ => match optional(call_start(start))? {
            Some((rest, (name, name_span))) => call(start, rest, name, name_span)?,
            // The steps of a field are part of its path, and a literal has none.
            None => return literal_or_field(start),
        },
    };
    access(start, rest, value)
}

fn literal_or_field(start: Input<'_>) -> Parsed<'_, Expr> {
    if let Some((rest, literal)) = optional(literal(start))? {
        return node(start, rest, ExprKind::Literal(literal));
    }
    match optional(field_path(start))? {
        Some((rest, path)) => node(start, rest, ExprKind::Field(path)),
        None => unexpected(start, EXPRESSION),
    }
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

fn parenthesised(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let (rest, _) = symbol("(")(start)?;
    let (rest, inside) = committed(expr(rest))?;
    let (rest, _) = committed(symbol(")")(rest))?;
    let span = span_between(start, rest);
    Ok((rest, Expr { span, ..inside }))
}

fn list(input: Input<'_>) -> Parsed<'_, Expr> {
    let (start, ()) = blanks(input)?;
    let Ok((mut rest, _)) = symbol("[")(start) else {
        return unexpected(start, EXPRESSION);
    };
    let mut items = Vec::new();
    if let Some((after, _)) = optional(symbol("]")(rest))? {
        return node(start, after, ExprKind::List(items));
    }
    loop {
        let (after, item) = committed(expr(rest))?;
        items.push(item);
        match optional(symbol(",")(after))? {
            Some((after, _)) => rest = after,
            None => {
                let (after, _) = committed(symbol("]")(after))?;
                return node(start, after, ExprKind::List(items));
            }
        }
    }
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
    if let Some((rest, star)) = optional(symbol("*")(inside))? {
        if function != Function::Count {
            return broken_rule(star, "only count takes *");
        }
        let (rest, _) = committed(symbol(")")(rest))?;
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
    if let Some((rest, _)) = optional(symbol(")")(input))? {
        return Ok((rest, Vec::new()));
    }
    let mut arguments = Vec::new();
    let mut rest = input;
    loop {
        let is_duration = function.declaration().duration_argument == Some(arguments.len());
        let (after, argument) = committed(argument(rest, is_duration))?;
        arguments.push(argument);
        match optional(symbol(",")(after))? {
            Some((after, _)) => rest = after,
            None => {
                let close = alt((symbol(")"), symbol(","))).parse(after);
                let (after, _) = committed(close)?;
                return Ok((after, arguments));
            }
        }
    }
}

fn argument(input: Input<'_>, is_duration: bool) -> Parsed<'_, Argument> {
    if is_duration {
        return map(duration, Argument::Duration).parse(input);
    }
    let (rest, expr) = expr(input)?;
    Ok((rest, Argument::Expr(expr)))
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
