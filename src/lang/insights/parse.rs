//! `parse` (spec logs-insights.md 6.10)

use std::fmt;

use nom::Parser;
use nom::combinator::{cut, map, opt};
use nom::sequence::preceded;

use crate::grammar::{Input, Parsed, broken_rule, unexpected};

use super::expression::Expr;
use super::expression::ExprKind;
use super::expression_grammar::postfix;
use super::field::Name;
use super::glob::Glob;
use super::regex_literal::RegexLiteral;
use super::tokens::{blanks, comma_separated, glob, keyword, name, regex};
use crate::print::commas;

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

impl Parse {
    /// Behind the command's name.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (start, ()) = blanks(input)?;
        let pattern_follows = |c: char| c == '"' || c == '\'' || c == '/';
        if start.fragment().starts_with(pattern_follows) {
            return map(pattern, |pattern| Self {
                source: None,
                pattern,
            })
            .parse(start);
        }
        let (rest, source) = postfix(start)?;
        if !is_source(&source) {
            return broken_rule(source.span, "parse reads a field or a call");
        }
        let source = Some(source);
        map(pattern, |pattern| Self {
            source: source.clone(),
            pattern,
        })
        .parse(rest)
    }
}

/// No operators and no literals: what follows must be readable as the pattern (2.5).
fn is_source(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Field(_) | ExprKind::Call(_) => true,
        ExprKind::Access { value, .. } => is_source(value),
        _ => false,
    }
}

fn pattern(input: Input<'_>) -> Parsed<'_, ParsePattern> {
    let (start, ()) = blanks(input)?;
    if start.fragment().starts_with('/') {
        regex_pattern(start)
    } else if start.fragment().starts_with(['"', '\'']) {
        glob_pattern(start)
    } else {
        unexpected(start, &["a string with *", "a regex between slashes"])
    }
}

fn names(input: Input<'_>) -> Parsed<'_, Vec<Name>> {
    preceded(keyword("as"), cut(comma_separated(name("a name")))).parse(input)
}

fn glob_pattern(input: Input<'_>) -> Parsed<'_, ParsePattern> {
    let (rest, glob) = glob(input)?;
    let (rest, names) = opt(names).parse(rest)?;
    let names = names.unwrap_or_default();
    let wildcards = glob.wildcards();
    if wildcards != names.len() {
        let text = format!("{wildcards} wildcards for {} names", names.len());
        return broken_rule(glob.span, text);
    }
    if wildcards == 0 {
        return broken_rule(glob.span, "a pattern without *");
    }
    Ok((rest, ParsePattern::Glob { glob, names }))
}

fn regex_pattern(input: Input<'_>) -> Parsed<'_, ParsePattern> {
    let (rest, regex) = regex(input)?;
    let (rest, names) = opt(names).parse(rest)?;
    let names = names.unwrap_or_default();
    let (named, unnamed) = count_groups(&regex);
    if !names.is_empty() && names.len() != unnamed {
        let text = format!("{unnamed} unnamed groups for {} names", names.len());
        return broken_rule(regex.span, text);
    }
    if names.is_empty() && named == 0 {
        return broken_rule(regex.span, "a regex without a named group");
    }
    Ok((rest, ParsePattern::Regex { regex, names }))
}

/// Named and unnamed groups.
fn count_groups(regex: &RegexLiteral) -> (usize, usize) {
    let Ok(compiled) = regex.compile() else {
        return (0, 0);
    };
    let groups = || compiled.capture_names().skip(1);
    (
        groups().flatten().count(),
        groups().filter(Option::is_none).count(),
    )
}
