//! Patterns for messages of fields between blanks (spec filter-patterns.md 6).

use std::borrow::Cow;
use std::fmt;

use nom::Parser;
use nom::bytes::complete::{tag, take_while};
use nom::combinator::{cut, opt};

use crate::grammar::{Fault, Input, Parsed, broken_rule, span_between, unexpected};
use crate::span::Span;

use super::field_split::split_fields;
use super::logic::{Condition, condition};
use super::tokens::{blanks, comparison, symbol};
use super::value::{Comparison, Value};

/// `[a, b = 1, ...]`
#[derive(Clone, Debug, PartialEq)]
pub struct DelimitedPattern {
    /// From left to right, with at most one [`Column::Ellipsis`]. Empty for `[]`, which takes any
    /// fields.
    pub columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// `...`: any number of unnamed fields.
    Ellipsis,
    /// An empty column: one field without a name.
    Unnamed,
    Named(NamedColumn),
}

#[derive(Clone, Debug, PartialEq)]
pub struct NamedColumn {
    /// As it is first spelled.
    pub name: String,
    pub condition: Option<ColumnCondition>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ColumnCondition {
    /// Two or more, chained without parentheses.
    And(Vec<ColumnCondition>),
    /// Two or more, chained without parentheses.
    Or(Vec<ColumnCondition>),
    Comparison(Comparison),
}

/// Which column each field of a matching message belongs to.
struct Assignment<'p, 'm> {
    fields: Vec<(Option<&'p str>, Cow<'m, str>)>,
}

impl DelimitedPattern {
    pub fn matches(&self, message: &str) -> bool {
        self.assign(message).is_some()
    }

    /// See [`super::FilterPattern::extract`].
    pub(super) fn extract(&self, message: &str) -> Option<Vec<(String, String)>> {
        let assignment = self.assign(message)?;
        let fields = assignment.fields.into_iter().enumerate();
        let named = fields.map(|(at, (name, text))| {
            let name = match name {
                Some(name) => format!("${name}"),
                None => format!("${}", at + 1),
            };
            (name, text.into_owned())
        });
        Some(named.collect())
    }

    /// Gives every field to a column; `None` if the message does not match.
    fn assign<'p, 'm>(&'p self, message: &'m str) -> Option<Assignment<'p, 'm>> {
        let mut fields = split_fields(message);
        let columns = self.columns.as_slice();
        if columns.is_empty() {
            let fields = fields.into_iter().map(|field| (None, field)).collect();
            return Some(Assignment { fields });
        }
        let ellipsis = columns
            .iter()
            .position(|column| matches!(column, Column::Ellipsis));
        let (before, after) = match ellipsis {
            Some(at) => (columns.get(..at)?, columns.get(at + 1..)?),
            None => (columns, &[] as &[Column]),
        };
        let unnamed = match ellipsis {
            Some(_) => fields.len().checked_sub(before.len() + after.len())?,
            None => {
                join_rest(&mut fields, columns);
                if fields.len() != columns.len() {
                    return None;
                }
                0
            }
        };
        let columns = before
            .iter()
            .map(Some)
            .chain(std::iter::repeat_n(None, unnamed))
            .chain(after.iter().map(Some));
        let mut assigned = Vec::with_capacity(fields.len());
        for (column, field) in columns.zip(fields) {
            let name = match column {
                Some(Column::Named(named)) => {
                    if !named.holds_for(&field) {
                        return None;
                    }
                    Some(named.name.as_str())
                }
                _ => None,
            };
            assigned.push((name, field));
        }
        Some(Assignment { fields: assigned })
    }

    fn named(&self) -> impl Iterator<Item = &NamedColumn> {
        self.columns.iter().filter_map(|column| match column {
            Column::Named(named) => Some(named),
            _ => None,
        })
    }

    fn conditions(&self) -> impl Iterator<Item = &ColumnCondition> {
        self.named().filter_map(|named| named.condition.as_ref())
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named().map(|named| named.name.as_str())
    }

    pub(super) fn regexes(&self) -> usize {
        self.conditions().map(ColumnCondition::regexes).sum()
    }

    /// See [`super::FilterPattern::required_literals`].
    pub(super) fn required_literals(&self) -> Vec<Vec<String>> {
        self.conditions()
            .flat_map(ColumnCondition::required_literals)
            .collect()
    }

    /// A whole trimmed pattern.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (rest, ()) = symbol("[")(input)?;
        if let (rest, Some(())) = opt(symbol("]")).parse(rest)? {
            let columns = Vec::new();
            return Ok((rest, Self { columns }));
        }
        let mut columns = Vec::new();
        let mut rest = rest;
        loop {
            let (start, ()) = blanks(rest)?;
            let (after, column) = cut(column).parse(start)?;
            check_new_column(&columns, &column, span_between(start, after))?;
            columns.push(column);
            match opt(symbol(",")).parse(after)? {
                (after, Some(())) => rest = after,
                (after, None) => {
                    let (end, ()) = blanks(after)?;
                    let Ok((after, ())) = symbol("]")(end) else {
                        return unexpected(end, &[",", "]"]);
                    };
                    return Ok((after, Self { columns }));
                }
            }
        }
    }
}

/// A last column that is a plain name takes all that is left (6.2).
fn join_rest(fields: &mut Vec<Cow<'_, str>>, columns: &[Column]) {
    let takes_rest = matches!(
        columns.last(),
        Some(Column::Named(NamedColumn {
            condition: None,
            ..
        }))
    );
    if takes_rest && fields.len() > columns.len() {
        let rest = fields.split_off(columns.len() - 1);
        fields.push(Cow::Owned(rest.join(" ")));
    }
}

impl NamedColumn {
    fn holds_for(&self, field: &str) -> bool {
        self.condition
            .as_ref()
            .is_none_or(|condition| condition.holds_for(field))
    }
}

impl ColumnCondition {
    fn holds_for(&self, field: &str) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds_for(field)),
            Self::Or(parts) => parts.iter().any(|part| part.holds_for(field)),
            Self::Comparison(comparison) => comparison.holds_for_text(field),
        }
    }

    fn regexes(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::regexes).sum(),
            Self::Comparison(Comparison::Equality {
                value: Value::Regex(_),
                ..
            }) => 1,
            Self::Comparison(_) => 0,
        }
    }

    fn required_literals(&self) -> Vec<Vec<String>> {
        match self {
            Self::And(parts) => parts.iter().flat_map(Self::required_literals).collect(),
            Self::Or(parts) => super::any_of(parts.iter().map(Self::required_literals)),
            Self::Comparison(comparison) => comparison
                .required_literal()
                // A quote stands with a backslash in a quoted field.
                .filter(|literal| !literal.contains('"'))
                .map(|literal| vec![literal.to_owned()])
                .into_iter()
                .collect(),
        }
    }
}

fn check_new_column(columns: &[Column], new: &Column, span: Span) -> Result<(), nom::Err<Fault>> {
    let is_double = |column: &Column| match (column, new) {
        (Column::Ellipsis, Column::Ellipsis) => true,
        (Column::Named(column), Column::Named(new)) => column.name == new.name,
        _ => false,
    };
    if columns.iter().any(is_double) {
        let text = match new {
            Column::Ellipsis => "a second ...",
            _ => "a second column of this name",
        };
        return Err(crate::grammar::rule(span, text));
    }
    Ok(())
}

fn column(input: Input<'_>) -> Parsed<'_, Column> {
    if let Ok((rest, _)) = tag::<_, _, Fault>("...").parse(input) {
        return Ok((rest, Column::Ellipsis));
    }
    if input.fragment().is_empty() || input.fragment().starts_with([',', ']']) {
        return Ok((input, Column::Unnamed));
    }
    // A name alone, or comparisons that all begin with it.
    if let Ok((rest, name)) = name(input) {
        let (after, ()) = blanks(rest)?;
        if after.fragment().is_empty() || after.fragment().starts_with([',', ']']) {
            let named = NamedColumn {
                name: name.to_owned(),
                condition: None,
                span: span_between(input, rest),
            };
            return Ok((rest, Column::Named(named)));
        }
    }
    let (rest, condition): (_, NamedCondition) = condition(input)?;
    let Some(name) = condition.first_name() else {
        return unexpected(input, &["a column"]);
    };
    if let Some(other) = condition.other_name(&name) {
        return broken_rule(
            other,
            format!("a condition of column {name} names another column"),
        );
    }
    let named = NamedColumn {
        name,
        condition: Some(condition.without_names()),
        span: span_between(input, rest),
    };
    Ok((rest, Column::Named(named)))
}

fn name(input: Input<'_>) -> Parsed<'_, &str> {
    let is_start = |c: char| c.is_alphabetic() || c == '_';
    if !input.fragment().starts_with(is_start) {
        return unexpected(input, &["the name of a column"]);
    }
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let (rest, name) = take_while(is_name).parse(input)?;
    Ok((rest, *name.fragment()))
}

/// A condition as written, with a name in every comparison.
enum NamedCondition {
    And(Vec<NamedCondition>),
    Or(Vec<NamedCondition>),
    Comparison {
        name: String,
        span: Span,
        comparison: Comparison,
    },
}

impl NamedCondition {
    fn first_name(&self) -> Option<String> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.first()?.first_name(),
            Self::Comparison { name, .. } => Some(name.clone()),
        }
    }

    /// Where a name stands that is not this one. Letter case does not count (6.2).
    fn other_name(&self, wanted: &str) -> Option<Span> {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().find_map(|part| part.other_name(wanted))
            }
            Self::Comparison { name, span, .. } => {
                (name.to_lowercase() != wanted.to_lowercase()).then_some(*span)
            }
        }
    }

    fn without_names(self) -> ColumnCondition {
        let all = |parts: Vec<Self>| parts.into_iter().map(Self::without_names).collect();
        match self {
            Self::And(parts) => ColumnCondition::And(all(parts)),
            Self::Or(parts) => ColumnCondition::Or(all(parts)),
            Self::Comparison { comparison, .. } => ColumnCondition::Comparison(comparison),
        }
    }
}

impl Condition for NamedCondition {
    fn test(start: Input<'_>) -> Parsed<'_, Self> {
        let (rest, found) = name(start)?;
        let span = span_between(start, rest);
        let (rest, comparison) = cut(|input| comparison(input, is_bare_character)).parse(rest)?;
        let name = found.to_owned();
        Ok((
            rest,
            NamedCondition::Comparison {
                name,
                span,
                comparison,
            },
        ))
    }

    fn and(parts: Vec<Self>) -> Self {
        Self::And(parts)
    }

    fn or(parts: Vec<Self>) -> Self {
        Self::Or(parts)
    }
}

fn is_bare_character(c: char) -> bool {
    !c.is_whitespace() && !",]()&|\"%".contains(c)
}

impl fmt::Display for DelimitedPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, column) in self.columns.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            match column {
                Column::Ellipsis => f.write_str("...")?,
                Column::Unnamed => {}
                Column::Named(named) => write!(f, "{named}")?,
            }
        }
        f.write_str("]")
    }
}

impl fmt::Display for NamedColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.condition {
            Some(condition) => condition.write(f, &self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl ColumnCondition {
    fn write(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let (parts, sign) = match self {
            Self::And(parts) => (parts, " && "),
            Self::Or(parts) => (parts, " || "),
            Self::Comparison(comparison) => return write!(f, "{name} {comparison}"),
        };
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                f.write_str(sign)?;
            }
            match (self, part) {
                (_, Self::Comparison(_)) | (Self::Or(_), Self::And(_)) => part.write(f, name)?,
                _ => {
                    f.write_str("(")?;
                    part.write(f, name)?;
                    f.write_str(")")?;
                }
            }
        }
        Ok(())
    }
}
