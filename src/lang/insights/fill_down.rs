//! `filldown` (spec logs-insights.md 6.21)

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::opt;

use crate::grammar::{Input, Parsed};

use super::field::{continues_name, starts_name};
use super::tokens::{name_pattern, quoted_name_token, symbol};
use crate::print::joined;

/// `filldown [a b* …]`: carries the last value forward.
#[derive(Clone, Debug, PartialEq)]
pub struct FillDown {
    /// Empty: every column.
    pub columns: Vec<NamePattern>,
}

/// A column name in which `*` stands for any characters.
#[derive(Clone, Debug, PartialEq)]
pub struct NamePattern {
    pub text: String,
    /// Written in backticks: then a `*` is just that.
    pub exact: bool,
}

impl NamePattern {
    pub fn matches(&self, column: &str) -> bool {
        if self.exact {
            return self.text == column;
        }
        let mut pieces = self.text.split('*');
        let Some(mut rest) = pieces.next().and_then(|first| column.strip_prefix(first)) else {
            return false;
        };
        let mut pieces: Vec<&str> = pieces.collect();
        let Some(last) = pieces.pop() else {
            return rest.is_empty();
        };
        for piece in pieces {
            match rest.split_once(piece) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last)
    }

    /// Whether a text can be written without backticks.
    pub(super) fn is_plain(text: &str) -> bool {
        text.starts_with(|c| starts_name(c) || c == '*')
            && text
                .chars()
                .all(|c| continues_name(c) || c == '*' || c == '.')
    }
}

impl fmt::Display for FillDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.columns.as_slice() {
            [] => f.write_str("filldown"),
            columns => write!(f, "filldown {}", joined(columns, " ")),
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.exact {
            write!(f, "`{}`", self.text.replace('`', "``"))
        } else {
            f.write_str(&self.text)
        }
    }
}

impl FillDown {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let mut columns = Vec::new();
        let mut rest = input;
        while let (after, Some(column)) = opt(column).parse(rest)? {
            columns.push(column);
            // The grammar separates by blanks; a comma does no harm.
            (rest, _) = opt(symbol(",")).parse(after)?;
        }
        Ok((rest, Self { columns }))
    }
}

fn column(input: Input<'_>) -> Parsed<'_, NamePattern> {
    let exact = quoted_name_token.map(|text| NamePattern { text, exact: true });
    let plain = name_pattern.map(|text| NamePattern { text, exact: false });
    alt((exact, plain)).parse(input)
}
