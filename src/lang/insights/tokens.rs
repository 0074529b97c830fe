//! Words, symbols and literals of Logs Insights (spec logs-insights.md 2).
//!
//! Every parser here first skips blanks and comments, then reads one token and nothing behind it.

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_while, take_while1};
use nom::character::complete::{char, digit1, multispace1, one_of};
use nom::combinator::{cut, opt, peek, recognize, value};
use nom::multi::many0_count;
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{Input as _, Parser};

use crate::grammar::{Fault, Input, Parsed, broken_rule, optional, span_between, unexpected};
use crate::span::Span;

use super::duration::{Duration, DurationUnit};
use super::field::{FieldPath, Name, Segment, continues_name, is_reserved, starts_name};
use super::fill_down::NamePattern;
use super::glob::{Glob, GlobPart};
use super::regex_literal::{RegexLiteral, compile_regex};

/// White space and comments.
pub(super) fn blanks(input: Input<'_>) -> Parsed<'_, ()> {
    let comment = recognize(pair(char('#'), opt(is_not("\n"))));
    value((), many0_count(alt((multispace1, comment)))).parse(input)
}

/// A sign such as `|`.
pub(super) fn symbol<'a>(sign: &'static str) -> impl Fn(Input<'a>) -> Parsed<'a, Span> {
    move |input| {
        let (start, ()) = blanks(input)?;
        match tag::<_, _, Fault>(sign).parse(start) {
            Ok((rest, _)) => Ok((rest, span_between(start, rest))),
            Err(_) => unexpected(start, &[sign]),
        }
    }
}

/// The characters that would belong to a word at this place, possibly none.
fn word_text<'a>(input: Input<'a>) -> (Input<'a>, &'a str) {
    let in_word = |c: char| continues_name(c) || c == '.';
    match take_while::<_, _, Fault>(in_word).parse(input) {
        Ok((rest, word)) => (rest, word.fragment()),
        Err(_) => (input, ""),
    }
}

/// A keyword in any letter case, as a whole word.
pub(super) fn keyword<'a>(word: &'static str) -> impl Fn(Input<'a>) -> Parsed<'a, Span> {
    move |input| {
        let (start, ()) = blanks(input)?;
        let (rest, found) = word_text(start);
        if found.eq_ignore_ascii_case(word) {
            Ok((rest, span_between(start, rest)))
        } else {
            unexpected(start, &[word])
        }
    }
}

/// One of some keywords, with what it stands for.
pub(super) fn keyword_of<'a, T: Copy>(
    words: &'static [(&'static str, T)],
) -> impl Fn(Input<'a>) -> Parsed<'a, T> {
    move |input| {
        let (start, ()) = blanks(input)?;
        let (rest, found) = word_text(start);
        match words
            .iter()
            .find(|(word, _)| found.eq_ignore_ascii_case(word))
        {
            Some((_, meaning)) => Ok((rest, *meaning)),
            None => {
                let expected: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
                unexpected(start, &expected)
            }
        }
    }
}

/// `word =`, the start of an option.
pub(super) fn option_key<'a>(word: &'static str) -> impl Fn(Input<'a>) -> Parsed<'a, Span> {
    move |input| terminated(keyword(word), symbol("=")).parse(input)
}

/// `true` or `false`
pub(super) fn boolean(input: Input<'_>) -> Parsed<'_, bool> {
    keyword_of(&[("true", true), ("false", false)])(input)
}

/// The inside of backticks; a doubled backtick stands for one.
fn quoted_name(input: Input<'_>) -> Parsed<'_, String> {
    let (mut rest, _) = char('`').parse(input)?;
    let mut name = String::new();
    loop {
        let (after, text) = take_while(|c| c != '`').parse(rest)?;
        name.push_str(text.fragment());
        let Ok((after, _)) = char::<_, Fault>('`').parse(after) else {
            return broken_rule(span_between(input, after), "the backtick is not closed");
        };
        match char::<_, Fault>('`').parse(after) {
            Ok((after, _)) => {
                name.push('`');
                rest = after;
            }
            Err(_) => return Ok((after, name)),
        }
    }
}

/// `` `x y` `` or `` @`x y` ``
fn quoted_field_name(input: Input<'_>) -> Parsed<'_, String> {
    let (rest, at_sign) = opt(terminated(char('@'), peek(char('`')))).parse(input)?;
    let (rest, name) = quoted_name(rest)?;
    Ok((
        rest,
        match at_sign {
            Some(_) => format!("@{name}"),
            None => name,
        },
    ))
}

/// A key without backticks or dots.
fn plain_key(input: Input<'_>) -> Parsed<'_, Input<'_>> {
    take_while1(continues_name).parse(input)
}

/// A name that a command gives or asks for. `what` says in an error what is missing.
pub(super) fn name<'a>(what: &'static str) -> impl Fn(Input<'a>) -> Parsed<'a, Name> {
    move |input| {
        let (start, ()) = blanks(input)?;
        if let Some((rest, text)) = optional(quoted_field_name(start))? {
            let span = span_between(start, rest);
            return Ok((rest, Name { text, span }));
        }
        if !start.fragment().starts_with(starts_name) {
            return unexpected(start, &[what]);
        }
        let more_keys = many0_count(preceded(char('.'), plain_key));
        let (rest, text) = recognize(pair(plain_key, more_keys)).parse(start)?;
        if is_reserved(text.fragment()) {
            return unexpected(start, &[what]);
        }
        let span = span_between(start, rest);
        let text = (*text.fragment()).to_owned();
        Ok((rest, Name { text, span }))
    }
}

/// A field with its steps.
pub(super) fn field_path(input: Input<'_>) -> Parsed<'_, FieldPath> {
    let (start, ()) = blanks(input)?;
    let (rest, first) = match optional(quoted_field_name(start))? {
        Some(found) => found,
        None => {
            let (_, word) = word_text(start);
            if !start.fragment().starts_with(starts_name) || is_reserved(word) {
                return unexpected(start, &["a field name"]);
            }
            let (rest, key) = plain_key(start)?;
            (rest, (*key.fragment()).to_owned())
        }
    };
    let (rest, more) = segments(rest)?;
    let mut all = vec![Segment::Key(first)];
    all.extend(more);
    let span = span_between(start, rest);
    Ok((
        rest,
        FieldPath {
            segments: all,
            span,
        },
    ))
}

/// Steps that follow directly: `.key`, `` .`key` ``, `[0]`. Possibly none.
pub(super) fn segments(input: Input<'_>) -> Parsed<'_, Vec<Segment>> {
    let mut rest = input;
    let mut found = Vec::new();
    loop {
        let key = preceded(
            char('.'),
            alt((quoted_name, |input| {
                plain_key(input).map(|(rest, key)| (rest, (*key.fragment()).to_owned()))
            })),
        )
        .map(Segment::Key);
        let index = delimited(char('['), unsigned, char(']')).map(Segment::Index);
        match optional(alt((key, index)).parse(rest))? {
            Some((after, segment)) => {
                found.push(segment);
                rest = after;
            }
            None => return Ok((rest, found)),
        }
    }
}

/// Digits without leading blanks.
fn unsigned(input: Input<'_>) -> Parsed<'_, u64> {
    let (rest, digits) = digit1.parse(input)?;
    match digits.fragment().parse() {
        Ok(number) => Ok((rest, number)),
        Err(_) => broken_rule(span_between(input, rest), "the number is too large"),
    }
}

/// A whole number that fits the range; `what` names it in an error.
pub(super) fn integer<'a>(
    what: &'static str,
    range: std::ops::RangeInclusive<u32>,
) -> impl Fn(Input<'a>) -> Parsed<'a, u32> {
    move |input| {
        let (start, ()) = blanks(input)?;
        if !start.fragment().starts_with(|c: char| c.is_ascii_digit()) {
            return unexpected(start, &["a whole number"]);
        }
        let (rest, number) = unsigned(start)?;
        if rest
            .fragment()
            .starts_with(|c| continues_name(c) || c == '.')
        {
            return unexpected(start, &["a whole number"]);
        }
        match u32::try_from(number).ok().filter(|n| range.contains(n)) {
            Some(number) => Ok((rest, number)),
            None => broken_rule(
                span_between(start, rest),
                format!("{what} must be from {} to {}", range.start(), range.end()),
            ),
        }
    }
}

/// A number of spec 2.3, without sign.
pub(super) fn number(input: Input<'_>) -> Parsed<'_, f64> {
    let (start, ()) = blanks(input)?;
    let exponent = (one_of("eE"), opt(one_of("+-")), digit1);
    let digits = alt((
        recognize((digit1, opt((char('.'), digit1)))),
        recognize((char('.'), digit1)),
    ));
    let Ok((rest, text)) = recognize((digits, opt(exponent))).parse(start) as Parsed<'_, Input<'_>>
    else {
        return unexpected(start, &["a number"]);
    };
    if rest.fragment().starts_with(continues_name) {
        let (after, _) = word_text(rest);
        return broken_rule(
            span_between(start, after),
            "a number or duration that is not allowed here; a name that starts with a digit needs backticks",
        );
    }
    match text.fragment().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((rest, number)),
        _ => broken_rule(span_between(start, rest), "the number is too large"),
    }
}

/// A duration such as `5m`, at least one unit long.
pub(super) fn duration(input: Input<'_>) -> Parsed<'_, Duration> {
    let (start, ()) = blanks(input)?;
    let expected = &["a duration such as 5m"];
    if !start.fragment().starts_with(|c: char| c.is_ascii_digit()) {
        return unexpected(start, expected);
    }
    let (after_count, count) = unsigned(start)?;
    let (rest, unit) = word_text(after_count);
    let span = span_between(start, rest);
    if unit.is_empty() {
        return unexpected(start, expected);
    }
    let Some(unit) = DurationUnit::by_name(unit) else {
        return broken_rule(span, format!("'{unit}' is not a unit of time"));
    };
    match u32::try_from(count) {
        Ok(0) => broken_rule(span, "the duration is zero"),
        Ok(count) => Ok((rest, Duration { count, unit })),
        Err(_) => broken_rule(span, "the duration is too long"),
    }
}

/// The inside of a string as it was typed, escapes and all.
fn raw_string(input: Input<'_>) -> Parsed<'_, &str> {
    let (start, ()) = blanks(input)?;
    let Ok((inside, quote)) = one_of("\"'").parse(start) as Parsed<'_, char> else {
        return unexpected(start, &["a string"]);
    };
    match find_unescaped(inside.fragment(), quote) {
        Some(end) => {
            let (at_quote, raw) = inside.take_split(end);
            let (rest, _) = char(quote).parse(at_quote)?;
            Ok((rest, *raw.fragment()))
        }
        None => broken_rule(to_the_end(start), "the string is not closed"),
    }
}

fn to_the_end(start: Input<'_>) -> Span {
    let at = start.location_offset();
    Span::new(at, at + start.fragment().len())
}

/// Offset of the first `end` without a backslash before it.
fn find_unescaped(text: &str, end: char) -> Option<usize> {
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        if c == '\\' {
            characters.next();
        } else if c == end {
            return Some(at);
        }
    }
    None
}

/// A string in either kind of quotes, its escapes resolved (2.2).
pub(super) fn string(input: Input<'_>) -> Parsed<'_, String> {
    raw_string(input).map(|(rest, raw)| (rest, unescape(raw)))
}

fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match characters.next() {
            Some(known @ ('"' | '\'' | '\\' | '/')) => text.push(known),
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

/// The glob string of `parse`, in which `\*` is a literal asterisk.
pub(super) fn glob(input: Input<'_>) -> Parsed<'_, Glob> {
    let (start, ()) = blanks(input)?;
    let (rest, raw) = raw_string(start)?;
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut escaped = false;
    for c in raw.chars() {
        if c == '*' && !escaped {
            push_literal(&mut parts, &literal);
            literal.clear();
            parts.push(GlobPart::Wildcard);
        } else {
            literal.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    push_literal(&mut parts, &literal);
    let span = span_between(start, rest);
    Ok((rest, Glob { parts, span }))
}

fn push_literal(parts: &mut Vec<GlobPart>, raw: &str) {
    if !raw.is_empty() {
        // `unescape` keeps unknown escapes; of those, the asterisk's is resolved here.
        parts.push(GlobPart::Literal(unescape_glob(raw)));
    }
}

fn unescape_glob(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        text.push_str(before);
        let length = escape.chars().take(2).map(char::len_utf8).sum();
        let (escape, after) = escape.split_at(length);
        match escape {
            "\\*" => text.push('*'),
            other => text.push_str(&unescape(other)),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// A regex between slashes that compiles (2.5).
pub(super) fn regex(input: Input<'_>) -> Parsed<'_, RegexLiteral> {
    let (start, ()) = blanks(input)?;
    let Ok((inside, _)) = char('/').parse(start) as Parsed<'_, char> else {
        return unexpected(start, &["a regex between slashes"]);
    };
    let Some(end) = find_unescaped(inside.fragment(), '/') else {
        return broken_rule(to_the_end(start), "the regex is not closed");
    };
    let (at_slash, raw) = inside.take_split(end);
    let (rest, _) = char('/').parse(at_slash)?;
    let (after, letters) = word_text(rest);
    if !letters.is_empty() {
        return broken_rule(
            span_between(rest, after),
            "letters after a regex; write flags inside, as in /(?i)x/",
        );
    }
    let span = span_between(start, rest);
    let pattern = unescape_slashes(raw.fragment());
    match compile_regex(&pattern) {
        Ok(_) => Ok((rest, RegexLiteral { pattern, span })),
        Err(error) => broken_rule(span, regex_fault(&error)),
    }
}

/// In one line what is wrong with a regex.
pub(super) fn regex_fault(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    let reason = last.strip_prefix("error: ").unwrap_or(last);
    format!("the regex does not compile: {reason}")
}

fn unescape_slashes(raw: &str) -> String {
    let mut pattern = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(c) = characters.next() {
        match (c, characters.as_str().chars().next()) {
            ('\\', Some('/')) => {}
            ('\\', Some(escaped)) => {
                pattern.extend([c, escaped]);
                characters.next();
            }
            _ => pattern.push(c),
        }
    }
    pattern
}

/// One or more, with commas between.
pub(super) fn comma_separated<'a, T>(
    item: impl Fn(Input<'a>) -> Parsed<'a, T>,
) -> impl Fn(Input<'a>) -> Parsed<'a, Vec<T>> {
    move |input| {
        let (mut rest, first) = item(input)?;
        let mut items = vec![first];
        while let (after, Some(_)) = opt(symbol(",")).parse(rest)? {
            let (after, next) = cut(&item).parse(after)?;
            items.push(next);
            rest = after;
        }
        Ok((rest, items))
    }
}

/// A name in backticks and nothing else.
pub(super) fn quoted_name_token(input: Input<'_>) -> Parsed<'_, String> {
    preceded(blanks, quoted_field_name).parse(input)
}

/// A name in which `*` may stand.
pub(super) fn name_pattern(input: Input<'_>) -> Parsed<'_, String> {
    let (start, ()) = blanks(input)?;
    let in_pattern = |c: char| continues_name(c) || c == '*' || c == '.';
    match take_while1(in_pattern).parse(start) as Parsed<'_, Input<'_>> {
        Ok((rest, text)) if NamePattern::is_plain(text.fragment()) => {
            Ok((rest, (*text.fragment()).to_owned()))
        }
        _ => unexpected(start, &["a column"]),
    }
}

/// A log group's name without quotes (4, `bare-log-group`).
pub(super) fn bare_log_group(input: Input<'_>) -> Parsed<'_, String> {
    let (start, ()) = blanks(input)?;
    let in_group = |c: char| c.is_ascii_alphanumeric() || "._-/#".contains(c);
    let (rest, name) = take_while1(in_group).parse(start)?;
    Ok((rest, (*name.fragment()).to_owned()))
}

/// A number of seconds or milliseconds since the epoch.
pub(super) fn epoch(input: Input<'_>) -> Parsed<'_, i64> {
    let (start, ()) = blanks(input)?;
    let (rest, number) = unsigned(start)?;
    match i64::try_from(number) {
        Ok(number) if !rest.fragment().starts_with(continues_name) => Ok((rest, number)),
        _ => unexpected(start, &["a time"]),
    }
}
