//! Patterns of terms (spec filter-patterns.md 3).

use std::fmt;

use memchr::memmem::Finder;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while1;
use nom::character::complete::one_of;
use nom::combinator::{cut, map, opt};

use crate::grammar::{Input, Parsed, span_between, unexpected};
use crate::span::Span;

use super::pattern_regex::PatternRegex;
use super::tokens::{blanks, raw_quoted, regex, unescape};

/// Terms that a message must, may or must not contain.
#[derive(Clone, Debug, PartialEq)]
pub struct TermsPattern {
    /// In the order of the pattern; never empty.
    pub terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub role: TermRole,
    pub needle: Needle,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermRole {
    Required,
    /// `?term`: one of them must occur if all terms are optional, else they do not count.
    Optional,
    /// `-term`
    Excluded,
}

/// What is searched.
#[derive(Clone, Debug, PartialEq)]
pub enum Needle {
    Text(TextNeedle),
    Regex(PatternRegex),
}

/// A substring, prepared for the search.
#[derive(Clone, Debug)]
pub struct TextNeedle {
    text: String,
    /// Boxed: its tables are large beside everything else here.
    finder: Box<Finder<'static>>,
}

impl TextNeedle {
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let finder = Box::new(Finder::new(&text).into_owned());
        Self { text, finder }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_found_in(&self, message: &str) -> bool {
        self.finder.find(message.as_bytes()).is_some()
    }
}

impl PartialEq for TextNeedle {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Needle {
    fn is_found_in(&self, message: &str) -> bool {
        match self {
            Self::Text(needle) => needle.is_found_in(message),
            Self::Regex(regex) => regex.is_found_in(message),
        }
    }
}

impl TermsPattern {
    fn all_optional(&self) -> bool {
        self.terms
            .iter()
            .all(|term| term.role == TermRole::Optional)
    }

    pub fn matches(&self, message: &str) -> bool {
        if self.all_optional() {
            return self
                .terms
                .iter()
                .any(|term| term.needle.is_found_in(message));
        }
        self.terms.iter().all(|term| match term.role {
            TermRole::Required => term.needle.is_found_in(message),
            TermRole::Excluded => !term.needle.is_found_in(message),
            TermRole::Optional => true,
        })
    }

    /// See [`super::FilterPattern::required_literals`].
    pub(super) fn required_literals(&self) -> Vec<Vec<String>> {
        let text = |term: &Term| match &term.needle {
            Needle::Text(needle) if !needle.text.is_empty() => Some(needle.text.clone()),
            _ => None,
        };
        if self.all_optional() {
            let alternatives: Option<Vec<String>> = self.terms.iter().map(text).collect();
            return alternatives.into_iter().collect();
        }
        self.terms
            .iter()
            .filter(|term| term.role == TermRole::Required)
            .filter_map(text)
            .map(|literal| vec![literal])
            .collect()
    }

    pub(super) fn regexes(&self) -> usize {
        self.terms
            .iter()
            .filter(|term| matches!(term.needle, Needle::Regex(_)))
            .count()
    }

    /// A whole trimmed pattern.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let mut terms = Vec::new();
        let mut rest = input;
        loop {
            let (after, term) = term(rest)?;
            terms.push(term);
            if after.fragment().is_empty() {
                return Ok((after, Self { terms }));
            }
            let (next, ()) = blanks(after)?;
            if next.location_offset() == after.location_offset() {
                return unexpected(after, &["a blank"]);
            }
            rest = next;
        }
    }
}

fn term(input: Input<'_>) -> Parsed<'_, Term> {
    let (rest, prefix) = opt(one_of("?-")).parse(input)?;
    let role = match prefix {
        Some('?') => TermRole::Optional,
        Some(_) => TermRole::Excluded,
        None => TermRole::Required,
    };
    let quoted = map(raw_quoted, |raw| {
        Needle::Text(TextNeedle::new(unescape(raw)))
    });
    let (rest, needle) = cut(alt((quoted, map(regex, Needle::Regex), word))).parse(rest)?;
    let span = span_between(input, rest);
    Ok((rest, Term { role, needle, span }))
}

/// Characters that mean something else at the start of a term (3.1).
const WORD_START_EXCLUDED: &[char] = &['?', '-', '"', '{', '[', '%'];

fn is_word_character(c: char) -> bool {
    !c.is_ascii_whitespace() && c != '"'
}

fn word(input: Input<'_>) -> Parsed<'_, Needle> {
    if input.fragment().is_empty() || input.fragment().starts_with(WORD_START_EXCLUDED) {
        return unexpected(
            input,
            &["a word", "a phrase in quotes", "a regex between %"],
        );
    }
    let (rest, word) = take_while1(is_word_character).parse(input)?;
    Ok((rest, Needle::Text(TextNeedle::new(*word.fragment()))))
}

impl fmt::Display for TermsPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{term}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.role {
            TermRole::Required => "",
            TermRole::Optional => "?",
            TermRole::Excluded => "-",
        })?;
        match &self.needle {
            Needle::Regex(regex) => write!(f, "{regex}"),
            Needle::Text(needle) => {
                let text = &needle.text;
                let is_word = !text.is_empty()
                    && text.chars().all(|c| is_word_character(c) && c != '\\')
                    && !text.starts_with(WORD_START_EXCLUDED);
                if is_word {
                    f.write_str(text)
                } else {
                    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
                    write!(f, "\"{escaped}\"")
                }
            }
        }
    }
}
