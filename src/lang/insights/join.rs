//! `join` (spec logs-insights.md 6.19)

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt};
use nom::sequence::preceded;

use crate::grammar::{Fault, Input, Parsed, broken_rule, rule, span_between};

use super::field::Segment;
use super::field::{FieldPath, Name};
use super::query::Query;
use super::query_grammar::subquery;
use super::tokens::{field_path, keyword, keyword_of, name, option_key, symbol};
use crate::print::joined;

/// `join type=left left=a right=b where a.x = b.y (query)`
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    pub kind: JoinKind,
    /// Name of the rows so far. Both names are given and differ.
    pub left: Name,
    /// Name of the rows of `query`.
    pub right: Name,
    /// All must be equal; never empty.
    pub conditions: Vec<JoinCondition>,
    pub query: Box<Query>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinKind {
    Inner,
    Left,
}

/// One equality, its sides sorted: which was written first does not matter.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinCondition {
    /// Field of the left rows, without the alias.
    pub left: FieldPath,
    /// Field of the right rows, without the alias.
    pub right: FieldPath,
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            JoinKind::Inner => "inner",
            JoinKind::Left => "left",
        };
        let conditions: Vec<String> = self
            .conditions
            .iter()
            .map(|condition| {
                format!(
                    "{} = {}",
                    condition.left.qualified(&self.left),
                    condition.right.qualified(&self.right)
                )
            })
            .collect();
        write!(
            f,
            "join type={kind} left={} right={} where {} ({})",
            self.left,
            self.right,
            joined(&conditions, " and "),
            self.query
        )
    }
}

impl Join {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let mut kind = None;
        let mut left = None;
        let mut right = None;
        let mut rest = input;
        while let (after, Some(option)) = opt(join_option).parse(rest)? {
            let repeated = match option {
                JoinOption::Kind(given) => kind.replace(given).is_some(),
                JoinOption::Left(given) => left.replace(given).is_some(),
                JoinOption::Right(given) => right.replace(given).is_some(),
            };
            if repeated {
                return broken_rule(span_between(rest, after), "the option is given twice");
            }
            rest = after;
        }
        let (rest, where_span) = keyword("where")(rest)?;
        let (Some(left), Some(right)) = (left, right) else {
            return broken_rule(where_span, "a join names both sides: left=a right=b");
        };
        if left == right {
            return broken_rule(right.span, "both sides of a join have the same name");
        }
        let (rest, first) = condition(rest, &left, &right)?;
        let mut conditions = vec![first];
        let mut rest = rest;
        while let (after, Some(_)) = opt(keyword("and")).parse(rest)? {
            let (after, next) = condition(after, &left, &right)?;
            conditions.push(next);
            rest = after;
        }
        let (rest, query) = cut(subquery).parse(rest)?;
        let join = Self {
            kind: kind.unwrap_or(JoinKind::Inner),
            left,
            right,
            conditions,
            query: Box::new(query),
        };
        Ok((rest, join))
    }
}

enum JoinOption {
    Kind(JoinKind),
    Left(Name),
    Right(Name),
}

fn join_option(input: Input<'_>) -> Parsed<'_, JoinOption> {
    const KINDS: &[(&str, JoinKind)] = &[("inner", JoinKind::Inner), ("left", JoinKind::Left)];
    let side = || cut(name("a name for one side"));
    alt((
        map(
            preceded(option_key("type"), cut(keyword_of(KINDS))),
            JoinOption::Kind,
        ),
        map(preceded(option_key("left"), side()), JoinOption::Left),
        map(preceded(option_key("right"), side()), JoinOption::Right),
    ))
    .parse(input)
}

fn condition<'a>(input: Input<'a>, left: &Name, right: &Name) -> Parsed<'a, JoinCondition> {
    let (rest, first) = cut(field_path).parse(input)?;
    let (rest, _) = cut(symbol("=")).parse(rest)?;
    let (rest, second) = cut(field_path).parse(rest)?;
    let sides = (
        Side::of(&first, left, right)?,
        Side::of(&second, left, right)?,
    );
    match sides {
        (Side::Left(left), Side::Right(right)) | (Side::Right(right), Side::Left(left)) => {
            Ok((rest, JoinCondition { left, right }))
        }
        _ => broken_rule(
            first.span.to(second.span),
            "a join compares a field of one side with a field of the other",
        ),
    }
}

/// A field of one side, without the alias.
enum Side {
    Left(FieldPath),
    Right(FieldPath),
}

impl Side {
    fn of(path: &FieldPath, left: &Name, right: &Name) -> Result<Self, nom::Err<Fault>> {
        // The longer alias first, in case that one begins with the other.
        for alias_keys in (1..path.segments.len()).rev() {
            let Some(fields) = path.segments.get(alias_keys..) else {
                continue;
            };
            if !matches!(fields.first(), Some(Segment::Key(_))) {
                continue;
            }
            let alias = path.prefix_name(alias_keys);
            let field = FieldPath {
                segments: fields.to_vec(),
                span: path.span,
            };
            if alias == left.text {
                return Ok(Self::Left(field));
            }
            if alias == right.text {
                return Ok(Self::Right(field));
            }
        }
        Err(rule(
            path.span,
            format!("expected a field of {left} or {right}, with that name and a dot before it"),
        ))
    }
}
