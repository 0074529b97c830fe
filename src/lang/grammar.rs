//! What the parsers of all languages are made of: the input with its place, the fault that becomes
//! a [`SyntaxError`], and the guard against deep nesting. Only this package knows nom.

use nom::IResult;
use nom::error::{ErrorKind, ParseError};
use nom_locate::LocatedSpan;

use crate::error::{Language, SyntaxError, SyntaxErrorKind};
use crate::span::Span;

/// The rest of a text that is being parsed. It knows its offset.
pub(crate) type Input<'a> = LocatedSpan<&'a str, Nesting>;

pub(crate) type Parsed<'a, T> = IResult<Input<'a>, T, Fault>;

/// How deep inside the text the parser is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nesting {
    pub depth: usize,
    /// Inside the parentheses of a subquery or join, where no further one may stand.
    pub in_subquery: bool,
}

/// Levels of parentheses, calls, lists and right operands. A level takes at most about 20 KiB of
/// stack in a build without optimisation, so that this many fit half of a thread's 2 MiB; tests
/// prove it.
pub(crate) const NESTING_LIMIT: usize = 48;

/// Why a parser gave up, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    at: usize,
    kind: FaultKind,
}

#[derive(Clone, Debug, PartialEq)]
enum FaultKind {
    /// What could have stood here.
    Expected(Vec<&'static str>),
    /// A rule that holds for a piece of text up to `end`.
    Rule {
        end: usize,
        text: String,
    },
    TooDeep {
        limit: usize,
    },
}

impl ParseError<Input<'_>> for Fault {
    fn from_error_kind(input: Input<'_>, _: ErrorKind) -> Self {
        Self::expected(input, &[])
    }

    fn append(_: Input<'_>, _: ErrorKind, other: Self) -> Self {
        other
    }

    /// The alternative that got furthest knows best; at the same place both are possible.
    fn or(self, other: Self) -> Self {
        match self.at.cmp(&other.at) {
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Greater => self,
            std::cmp::Ordering::Equal => match (self.kind, other.kind) {
                (FaultKind::Expected(mut expected), FaultKind::Expected(more)) => {
                    for word in more {
                        if !expected.contains(&word) {
                            expected.push(word);
                        }
                    }
                    Self {
                        at: self.at,
                        kind: FaultKind::Expected(expected),
                    }
                }
                (FaultKind::Expected(_), kind) | (kind, _) => Self { at: self.at, kind },
            },
        }
    }
}

impl Fault {
    pub fn expected(input: Input<'_>, what: &[&'static str]) -> Self {
        Self {
            at: input.location_offset(),
            kind: FaultKind::Expected(what.to_vec()),
        }
    }

    fn into_error(self, language: Language, source: &str) -> SyntaxError {
        match self.kind {
            FaultKind::Expected(expected) => {
                let found = token_at(source.get(self.at..).unwrap_or_default());
                let span = Span::new(self.at, self.at + found.len());
                let kind = SyntaxErrorKind::Unexpected {
                    found: found.to_owned(),
                    expected,
                };
                SyntaxError::new(language, kind, source, span)
            }
            FaultKind::Rule { end, text } => SyntaxError::new(
                language,
                SyntaxErrorKind::Rule(text),
                source,
                Span::new(self.at, end),
            ),
            FaultKind::TooDeep { limit } => SyntaxError::new(
                language,
                SyntaxErrorKind::TooDeep { limit },
                source,
                Span::new(self.at, self.at + 1),
            ),
        }
    }
}

/// Characters of a found word that an error repeats.
const FOUND_CHARACTERS_MAX: usize = 40;

/// The word or the single character at the start of a text.
fn token_at(rest: &str) -> &str {
    let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '@';
    let word = rest
        .char_indices()
        .take(FOUND_CHARACTERS_MAX)
        .take_while(|(_, c)| in_word(*c))
        .last();
    let end = match (word, rest.chars().next()) {
        (Some((at, c)), _) => at + c.len_utf8(),
        (None, Some(c)) => c.len_utf8(),
        (None, None) => 0,
    };
    rest.get(..end).unwrap_or_default()
}

/// Nothing of what could stand here does. Another alternative may still fit.
pub(crate) fn unexpected<'a, T>(input: Input<'a>, what: &[&'static str]) -> Parsed<'a, T> {
    Err(nom::Err::Error(Fault::expected(input, what)))
}

/// A rule is broken by the text of `span`. No alternative helps.
pub(crate) fn broken_rule<'a, T>(span: Span, text: impl Into<String>) -> Parsed<'a, T> {
    Err(rule(span, text))
}

pub(crate) fn rule(span: Span, text: impl Into<String>) -> nom::Err<Fault> {
    nom::Err::Failure(Fault {
        at: span.start(),
        kind: FaultKind::Rule {
            end: span.end(),
            text: text.into(),
        },
    })
}

pub(crate) fn too_deep<'a, T>(span: Span, limit: usize) -> Parsed<'a, T> {
    Err(nom::Err::Failure(Fault {
        at: span.start(),
        kind: FaultKind::TooDeep { limit },
    }))
}

/// After this no alternative is tried. Unlike nom's `cut` it adds no frame to a recursion.
pub(crate) fn committed<T>(parsed: Parsed<'_, T>) -> Parsed<'_, T> {
    parsed.map_err(|error| match error {
        nom::Err::Error(fault) => nom::Err::Failure(fault),
        other => other,
    })
}

/// What was parsed, or nothing if something else stands here. Failures remain.
pub(crate) fn optional<T>(
    parsed: Parsed<'_, T>,
) -> Result<Option<(Input<'_>, T)>, nom::Err<Fault>> {
    match parsed {
        Ok(found) => Ok(Some(found)),
        Err(nom::Err::Error(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// From the start of `from` to the start of `to`, which is a rest of it.
pub(crate) fn span_between(from: Input<'_>, to: Input<'_>) -> Span {
    Span::new(from.location_offset(), to.location_offset())
}

/// Runs a parser one level deeper.
pub(crate) fn nested<'a, T>(
    input: Input<'a>,
    parser: impl FnOnce(Input<'a>) -> Parsed<'a, T>,
) -> Parsed<'a, T> {
    let outside = input.extra;
    if outside.depth >= NESTING_LIMIT {
        let at = input.location_offset();
        return too_deep(Span::new(at, at), NESTING_LIMIT);
    }
    let mut inside = input;
    inside.extra.depth += 1;
    let (mut rest, value) = parser(inside)?;
    rest.extra = outside;
    Ok((rest, value))
}

/// Parses a whole text of at most `limit` characters. The parser must consume it all.
pub(crate) fn parse_all<T>(
    language: Language,
    source: &str,
    limit: usize,
    parser: impl FnOnce(Input<'_>) -> Parsed<'_, T>,
) -> Result<T, SyntaxError> {
    let length = source.chars().count();
    if length > limit {
        let kind = SyntaxErrorKind::TooLong { length, limit };
        let span = Span::new(0, source.len());
        return Err(SyntaxError::new(language, kind, source, span));
    }
    let input = Input::new_extra(source, Nesting::default());
    match parser(input) {
        Ok((_, value)) => Ok(value),
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => {
            Err(fault.into_error(language, source))
        }
        // Only streaming parsers ask for more; there are none here.
        Err(nom::Err::Incomplete(_)) => {
            Err(Fault::expected(input, &[]).into_error(language, source))
        }
    }
}
