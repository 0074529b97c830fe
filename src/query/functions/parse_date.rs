//! `parseDate(text, format [, zone])` with the patterns of Java's DateTimeFormatter
//! (spec logs-insights.md 7.4).

use chrono::{FixedOffset, NaiveDate};

use super::zone::{Zone, parse_offset};
use crate::values::Value;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Epoch milliseconds; no match is missing. Parts that the format lacks are those of
/// 1970-01-01 00:00.
pub fn parse_date<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let (Some(text), Some(format)) = (
        arguments.first().and_then(Value::to_cow),
        arguments.get(1).and_then(Value::to_cow),
    ) else {
        return Value::Missing;
    };
    let zone = match arguments.get(2) {
        None => Some(Zone::utc()),
        Some(zone) => zone.to_text().and_then(|zone| Zone::parse(&zone)),
    };
    let Some(zone) = zone else {
        return Value::Missing;
    };
    let mut pattern = format.chars().peekable();
    let ms = parse_pattern(&mut pattern, false).and_then(|tokens| epoch_ms(&text, &tokens, zone));
    Value::from_number(ms.map(|ms| ms as f64))
}

#[derive(Debug, PartialEq)]
enum Token {
    Literal(char),
    /// A letter, as often as it stands there.
    Letter(char, usize),
    Optional(Vec<Token>),
}

/// `None` for a pattern that is not well-formed. `nested`: up to the closing bracket.
fn parse_pattern(
    pattern: &mut std::iter::Peekable<std::str::Chars<'_>>,
    nested: bool,
) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    while let Some(c) = pattern.next() {
        match c {
            '\'' => parse_quoted(pattern, &mut tokens)?,
            // One level is what patterns use; deeper ones would nest without bound.
            '[' if !nested => tokens.push(Token::Optional(parse_pattern(pattern, true)?)),
            '[' => return None,
            ']' if nested => return Some(tokens),
            ']' => return None,
            c if c.is_ascii_alphabetic() => {
                let mut count = 1;
                while pattern.next_if_eq(&c).is_some() {
                    count += 1;
                }
                if !"yuMLdHhmsSnaEzVZXx".contains(c) {
                    return None;
                }
                tokens.push(Token::Letter(c, count));
            }
            c => tokens.push(Token::Literal(c)),
        }
    }
    (!nested).then_some(tokens)
}

/// After the opening quote; `''` is a quote itself.
fn parse_quoted(
    pattern: &mut std::iter::Peekable<std::str::Chars<'_>>,
    tokens: &mut Vec<Token>,
) -> Option<()> {
    if pattern.next_if_eq(&'\'').is_some() {
        tokens.push(Token::Literal('\''));
        return Some(());
    }
    loop {
        match pattern.next()? {
            '\'' if pattern.next_if_eq(&'\'').is_some() => tokens.push(Token::Literal('\'')),
            '\'' => return Some(()),
            c => tokens.push(Token::Literal(c)),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Parts {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    hour: Option<u32>,
    hour12: Option<u32>,
    afternoon: Option<bool>,
    minute: Option<u32>,
    second: Option<u32>,
    nanosecond: Option<u32>,
    offset: Option<FixedOffset>,
    zone: Option<Zone>,
}

fn epoch_ms(text: &str, tokens: &[Token], zone: Zone) -> Option<i64> {
    let mut parts = Parts::default();
    let rest = consume(text, tokens, &mut parts)?;
    if !rest.is_empty() {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(
        parts.year.unwrap_or(1970),
        parts.month.unwrap_or(1),
        parts.day.unwrap_or(1),
    )?;
    let hour = match (parts.hour, parts.hour12) {
        (Some(hour), _) => hour,
        (None, Some(12)) => parts.afternoon.map_or(0, |pm| u32::from(pm) * 12),
        (None, Some(hour)) => hour + u32::from(parts.afternoon.unwrap_or(false)) * 12,
        (None, None) => 0,
    };
    let local = date.and_hms_nano_opt(
        hour,
        parts.minute.unwrap_or(0),
        parts.second.unwrap_or(0),
        parts.nanosecond.unwrap_or(0),
    )?;
    let zone = match parts.offset {
        Some(offset) => Zone::Fixed(offset),
        None => parts.zone.unwrap_or(zone),
    };
    Some(zone.instant(local)?.timestamp_millis())
}

/// What is left of `text` after `tokens`.
fn consume<'t>(mut text: &'t str, tokens: &[Token], parts: &mut Parts) -> Option<&'t str> {
    for (i, token) in tokens.iter().enumerate() {
        text = match token {
            Token::Literal(c) => text.strip_prefix(*c)?,
            Token::Optional(inner) => {
                let mut tried = parts.clone();
                match consume(text, inner, &mut tried) {
                    Some(rest) => {
                        *parts = tried;
                        rest
                    }
                    None => text,
                }
            }
            Token::Letter(letter, count) => {
                // Digits right after digits: then the count of letters is the width.
                let adjacent = matches!(
                    tokens.get(i + 1),
                    Some(Token::Letter(next, width))
                        if "yudHhmsSn".contains(*next) || (*next == 'M' && *width <= 2)
                );
                consume_letter(text, *letter, *count, adjacent, parts)?
            }
        };
    }
    Some(text)
}

fn consume_letter<'t>(
    text: &'t str,
    letter: char,
    count: usize,
    adjacent: bool,
    parts: &mut Parts,
) -> Option<&'t str> {
    let number = |min: usize, max: usize| digits(text, min, max);
    // Two letters ask for two digits, one letter for one or more.
    let field = || match count {
        1 if adjacent => number(1, 1),
        1 => number(1, 2),
        n => number(n, n),
    };
    match (letter, count) {
        ('y' | 'u', 2) => {
            let (value, rest) = number(2, 2)?;
            parts.year = Some(2000 + i32::try_from(value).ok()?);
            Some(rest)
        }
        ('y' | 'u', n) => {
            let (value, rest) = number(n.min(9), if adjacent { n } else { 9 })?;
            parts.year = Some(i32::try_from(value).ok()?);
            Some(rest)
        }
        ('M' | 'L', 3..) => {
            let (month, rest) = month_name(text, count == 3)?;
            parts.month = Some(month);
            Some(rest)
        }
        ('E', _) => {
            let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
            (length >= 3).then(|| text.get(length..)).flatten()
        }
        ('a', _) => {
            let (half, rest) = text.split_at_checked(2)?;
            parts.afternoon = Some(match half.to_ascii_uppercase().as_str() {
                "AM" => false,
                "PM" => true,
                _ => return None,
            });
            Some(rest)
        }
        ('S', n) => {
            let (value, rest) = number(n, n)?;
            let scale = 10_u64.checked_pow(9_u32.checked_sub(u32::try_from(n).ok()?)?)?;
            parts.nanosecond = Some(u32::try_from(value * scale).ok()?);
            Some(rest)
        }
        ('X' | 'Z' | 'x', _) => {
            if letter != 'x'
                && let Some(rest) = text.strip_prefix('Z')
            {
                parts.offset = FixedOffset::east_opt(0);
                return Some(rest);
            }
            let (offset, rest) = parse_offset(text)?;
            parts.offset = Some(offset);
            Some(rest)
        }
        ('z' | 'V', _) => {
            let name = |c: char| c.is_ascii_alphanumeric() || "/_+-:".contains(c);
            let length = text.find(|c| !name(c)).unwrap_or(text.len());
            parts.zone = Some(Zone::parse(text.get(..length)?)?);
            text.get(length..)
        }
        _ => {
            let (value, rest) = match letter {
                'n' => number(1, 9)?,
                _ => field()?,
            };
            let value = Some(u32::try_from(value).ok()?);
            match letter {
                'M' | 'L' => parts.month = value,
                'd' => parts.day = value,
                'H' => parts.hour = value,
                'h' => parts.hour12 = value.filter(|h| (1..=12).contains(h)),
                'm' => parts.minute = value,
                's' => parts.second = value,
                'n' => parts.nanosecond = value,
                _ => return None,
            }
            Some(rest)
        }
    }
}

fn digits(text: &str, min: usize, max: usize) -> Option<(u64, &str)> {
    let found = text
        .bytes()
        .take(max)
        .take_while(u8::is_ascii_digit)
        .count();
    if found < min || found == 0 {
        return None;
    }
    Some((text.get(..found)?.parse().ok()?, text.get(found..)?))
}

fn month_name(text: &str, short: bool) -> Option<(u32, &str)> {
    for (number, name) in (1..).zip(MONTHS) {
        let name = if short { name.get(..3)? } else { name };
        if let Some(head) = text.get(..name.len())
            && head.eq_ignore_ascii_case(name)
        {
            return Some((number, text.get(name.len()..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, format: &str) -> Option<String> {
        let value = parse_date(&[Value::text(text), Value::text(format)]);
        let ms = value.to_number()?;
        Some(belfry_model::TimestampMs(ms as i64).to_insights_text())
    }

    #[test]
    fn formats() {
        for (text, format, expected) in [
            (
                "2026-03-04 05:06:07",
                "yyyy-MM-dd HH:mm:ss",
                "2026-03-04 05:06:07.000",
            ),
            (
                "20260304050607123",
                "yyyyMMddHHmmssSSS",
                "2026-03-04 05:06:07.123",
            ),
            (
                "04/Mar/2026:05:00:30 +0200",
                "dd/MMM/yyyy:HH:mm:ss Z",
                "2026-03-04 03:00:30.000",
            ),
            (
                "Wed, 4 March 2026 1:02 PM",
                "EEE, d MMMM yyyy h:mm a",
                "2026-03-04 13:02:00.000",
            ),
            (
                "2026-03-04T05:06:07Z",
                "yyyy-MM-dd'T'HH:mm:ssX",
                "2026-03-04 05:06:07.000",
            ),
            (
                "2026-03-04T05:06",
                "yyyy-MM-dd'T'HH:mm[:ss]",
                "2026-03-04 05:06:00.000",
            ),
            (
                "2026-07-04 12:00 Europe/Berlin",
                "yyyy-MM-dd HH:mm VV",
                "2026-07-04 10:00:00.000",
            ),
            ("26", "yy", "2026-01-01 00:00:00.000"),
        ] {
            assert_eq!(
                parse(text, format).as_deref(),
                Some(expected),
                "{text} {format}"
            );
        }
    }

    #[test]
    fn no_match_is_missing() {
        for (text, format) in [
            ("2026-02-30", "yyyy-MM-dd"),
            ("2026-03-04x", "yyyy-MM-dd"),
            ("2026-03", "yyyy-MM-dd"),
            ("5", "'"),
            ("5", "q"),
            ("13:00 PM", "hh:mm"),
            ("ä", "MMM"),
        ] {
            assert_eq!(parse(text, format), None, "{text} {format}");
        }
    }
}
