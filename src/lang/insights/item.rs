//! Items of `fields`, `display` and `stats`: an expression and the name of its column.

use std::fmt;

use super::expression::{Expr, ExprKind};
use super::field::Name;

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
