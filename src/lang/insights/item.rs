//! Items of `fields`, `display` and `stats`: an expression and the name of its column.

use std::fmt;

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed};

use super::expression::{Expr, ExprKind};
use super::expression_grammar::expr;
use super::field::Name;
use super::tokens::{blanks, comma_separated, keyword, name};

/// `expr [as name]`
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub expr: Expr,
    pub name: ItemName,
}

/// Where the column's name comes from (spec logs-insights.md 6.6.3).
#[derive(Clone, Debug, PartialEq)]
pub enum ItemName {
    /// `as name`
    Alias(Name),
    /// A plain field is named by its path without backticks, any other expression by its source
    /// text, trimmed, with inner blanks and letter case as typed.
    Source(String),
}

impl Item {
    pub fn column_name(&self) -> &str {
        match &self.name {
            ItemName::Alias(name) => &name.text,
            ItemName::Source(text) => text,
        }
    }

    pub fn alias(&self) -> Option<&Name> {
        match &self.name {
            ItemName::Alias(name) => Some(name),
            ItemName::Source(_) => None,
        }
    }

    /// For an unnamed single call: how later commands may call it again, see
    /// [`Expr::reference_key`].
    pub fn reference_key(&self) -> Option<String> {
        match self.name {
            ItemName::Alias(_) => None,
            ItemName::Source(_) => self.expr.reference_key(),
        }
    }
}

impl fmt::Display for Item {
    /// An unnamed expression is printed as it was written, because that text is its column's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.expr.kind) {
            (ItemName::Alias(name), _) => write!(f, "{} as {name}", self.expr),
            (ItemName::Source(_), ExprKind::Field(path)) => write!(f, "{path}"),
            (ItemName::Source(text), _) => f.write_str(text),
        }
    }
}

pub(super) fn items(input: Input<'_>) -> Parsed<'_, Vec<Item>> {
    comma_separated(item)(input)
}

fn item(input: Input<'_>) -> Parsed<'_, Item> {
    let (start, ()) = blanks(input)?;
    let (rest, expr) = expr(start)?;
    let (rest_after_alias, alias) = alias(rest)?;
    let name = match (alias, &expr.kind) {
        (Some(alias), _) => ItemName::Alias(alias),
        (None, ExprKind::Field(path)) => ItemName::Source(path.name()),
        (None, _) => {
            let written = start.fragment().len() - rest.fragment().len();
            let text = start.fragment().get(..written).unwrap_or_default();
            ItemName::Source(text.to_owned())
        }
    };
    Ok((rest_after_alias, Item { expr, name }))
}

/// `as name`, if it is there.
pub(super) fn alias(input: Input<'_>) -> Parsed<'_, Option<Name>> {
    opt(preceded(keyword("as"), cut(name("a name")))).parse(input)
}
