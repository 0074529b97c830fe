//! `parse` (spec logs-insights.md 6.10)

use std::fmt;

use super::expression::Expr;
use super::field::Name;
use super::glob::Glob;
use super::regex_literal::RegexLiteral;
use super::text::commas;

/// `parse [source] pattern [as names]`: extracts fields from a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Parse {
    /// A field or a call, with steps into its value; `None` reads `@message`.
    pub source: Option<Expr>,
    pub pattern: ParsePattern,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ParsePattern {
    /// One name for each wildcard, in order.
    Glob { glob: Glob, names: Vec<Name> },
    /// Named groups bind themselves; `names` are for the unnamed groups, one each, and empty
    /// without `as`. There is always at least one named group or one name.
    Regex {
        regex: RegexLiteral,
        names: Vec<Name>,
    },
}

impl fmt::Display for Parse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("parse ")?;
        if let Some(source) = &self.source {
            write!(f, "{source} ")?;
        }
        match &self.pattern {
            ParsePattern::Glob { glob, names } if names.is_empty() => write!(f, "{glob}"),
            ParsePattern::Glob { glob, names } => write!(f, "{glob} as {}", commas(names)),
            ParsePattern::Regex { regex, names } if names.is_empty() => write!(f, "{regex}"),
            ParsePattern::Regex { regex, names } => write!(f, "{regex} as {}", commas(names)),
        }
    }
}
