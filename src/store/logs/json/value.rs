//! Typed values that render back to exactly the text they were read from.
//!
//! Each [`Kind`] has one canonical rendering. A scalar gets a kind only if its text is that
//! rendering, so nothing but the value has to be kept.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::escape::{Style, escape, unescape};
use super::walk::{Scalar, Token};

/// How a value is stored and rendered. The names stand in segment footers: never change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An integer of 64 bits: `-17`.
    Int,
    /// Shortest decimal notation without exponent: `0.25`, and `3` for the value 3.
    Float,
    /// The same with `.0` after integers: `3.0`.
    FloatPoint,
    /// Any other number, kept as text: `1.10`, `1e3`.
    NumberText,
    /// `true` or `false`.
    Bool,
    /// A string, escaped in UTF-8 style.
    String,
    /// A string, escaped in ASCII style.
    AsciiString,
    /// A lower-case UUID with hyphens.
    Uuid,
    /// A string of lower-case hexadecimal digits, even in number, 16 to 128.
    Hex,
    /// A string like `2026-01-15T12:00:00.123Z`.
    Time,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Int,
        Self::Float,
        Self::FloatPoint,
        Self::NumberText,
        Self::Bool,
        Self::String,
        Self::AsciiString,
        Self::Uuid,
        Self::Hex,
        Self::Time,
    ];

    /// As in column names of segments.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::FloatPoint => "float_point",
            Self::NumberText => "number_text",
            Self::Bool => "bool",
            Self::String => "string",
            Self::AsciiString => "ascii_string",
            Self::Uuid => "uuid",
            Self::Hex => "hex",
            Self::Time => "time",
        }
    }

    pub const fn is_string(self) -> bool {
        matches!(
            self,
            Self::String | Self::AsciiString | Self::Uuid | Self::Hex | Self::Time
        )
    }

    /// Whether values are kept as text.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::NumberText | Self::String | Self::AsciiString)
    }
}

/// A value of some kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Int(i64),
    Float(f64),
    FloatPoint(f64),
    NumberText(&'a str),
    Bool(bool),
    String(&'a str),
    AsciiString(&'a str),
    Uuid([u8; 16]),
    /// The digits.
    Hex(&'a str),
    /// Milliseconds since the epoch.
    Time(i64),
}

impl Value<'_> {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::FloatPoint(_) => Kind::FloatPoint,
            Self::NumberText(_) => Kind::NumberText,
            Self::Bool(_) => Kind::Bool,
            Self::String(_) => Kind::String,
            Self::AsciiString(_) => Kind::AsciiString,
            Self::Uuid(_) => Kind::Uuid,
            Self::Hex(_) => Kind::Hex,
            Self::Time(_) => Kind::Time,
        }
    }

    /// Appends the JSON text of the value, quotes included.
    pub fn render(&self, out: &mut Vec<u8>) {
        match *self {
            Self::String(text) => {
                out.push(b'"');
                escape(text, Style::Utf8, out);
                out.push(b'"');
            }
            Self::AsciiString(text) => {
                out.push(b'"');
                escape(text, Style::Ascii, out);
                out.push(b'"');
            }
            Self::Uuid(_) | Self::Hex(_) | Self::Time(_) => {
                out.push(b'"');
                self.render_plain(out);
                out.push(b'"');
            }
            _ => self.render_plain(out),
        }
    }

    /// Appends the text of the value as a discovered field has it: unescaped, without quotes.
    pub fn render_plain(&self, out: &mut Vec<u8>) {
        // Writing to a vector cannot fail.
        match *self {
            Self::Int(i) => push_integer(i, out),
            Self::Float(f) => {
                let _ = write!(out, "{f}");
            }
            Self::FloatPoint(f) => {
                let _ = write!(out, "{f:?}");
            }
            Self::Bool(b) => out.extend_from_slice(if b { b"true" } else { b"false" }),
            Self::NumberText(text)
            | Self::String(text)
            | Self::AsciiString(text)
            | Self::Hex(text) => out.extend_from_slice(text.as_bytes()),
            Self::Uuid(bytes) => push_uuid(&bytes, out),
            Self::Time(ms) => push_time(ms, out),
        }
    }
}

/// The value of a scalar; `None` for JSON null, and for strings with escapes, which
/// [`unescape_exactly`] reads.
pub fn classify<'a>(scalar: &Scalar<'a>) -> Option<Value<'a>> {
    match scalar.token {
        Token::Null | Token::EscapedString => None,
        Token::True => Some(Value::Bool(true)),
        Token::False => Some(Value::Bool(false)),
        Token::Number => Some(number(scalar.text)),
        Token::PlainString => Some(plain_string(scalar.text)),
    }
}

/// The text of a string with escapes, appended to `out`, and the style that escapes it again to
/// exactly `text`.
///
/// # Errors
/// When no style does; `out` then holds garbage beyond its old length.
pub fn unescape_exactly(text: &str, out: &mut String) -> Result<Style, Unrepresentable> {
    let start = out.len();
    unescape(text, out).ok_or(Unrepresentable)?;
    let plain = out.get(start..).unwrap_or_default();
    let mut again = Vec::with_capacity(text.len());
    for style in [Style::Utf8, Style::Ascii] {
        again.clear();
        escape(plain, style, &mut again);
        if again == text.as_bytes() {
            return Ok(style);
        }
    }
    Err(Unrepresentable)
}

/// A scalar whose text no kind renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unrepresentable;

/// Decimal texts of up to so many significant digits survive the way to `f64` and back.
const EXACT_DIGITS: usize = 15;

fn number(text: &str) -> Value<'_> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        // JSON forbids leading zeros, so only minus zero is not canonical.
        if text != "-0"
            && let Ok(i) = text.parse::<i64>()
        {
            return Value::Int(i);
        }
        return Value::NumberText(text);
    }
    let Some((whole, fraction)) = digits.split_once('.') else {
        return Value::NumberText(text);
    };
    let plain = fraction.bytes().all(|b| b.is_ascii_digit())
        && whole.len() + fraction.len() <= EXACT_DIGITS;
    let Ok(f) = text.parse::<f64>() else {
        return Value::NumberText(text);
    };
    if plain && fraction == "0" {
        return Value::FloatPoint(f);
    }
    if plain && !fraction.ends_with('0') {
        return Value::Float(f);
    }
    // Long or exponential: try the renderings.
    let mut again = Vec::with_capacity(24);
    for value in [Value::Float(f), Value::FloatPoint(f)] {
        again.clear();
        value.render_plain(&mut again);
        if again == text.as_bytes() {
            return value;
        }
    }
    Value::NumberText(text)
}

fn plain_string(text: &str) -> Value<'_> {
    let bytes = text.as_bytes();
    match bytes.len() {
        36 if bytes.get(8) == Some(&b'-') => {
            if let Some(uuid) = parse_uuid(bytes) {
                return Value::Uuid(uuid);
            }
        }
        24 if bytes.get(10) == Some(&b'T') => {
            if let Some(ms) = parse_time(bytes) {
                return Value::Time(ms);
            }
        }
        16..=128 if bytes.len().is_multiple_of(2) && bytes.iter().all(|&b| is_lower_hex(b)) => {
            return Value::Hex(text);
        }
        _ => {}
    }
    Value::String(text)
}

pub const fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

const fn hex_value(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte.wrapping_sub(b'a').wrapping_add(10),
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The bytes of a lower-case UUID with hyphens.
pub fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let mut out = [0; 16];
    let mut at = 0;
    for (i, byte) in out.iter_mut().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            if text.get(at) != Some(&b'-') {
                return None;
            }
            at += 1;
        }
        let (&high, &low) = (text.get(at)?, text.get(at + 1)?);
        if !is_lower_hex(high) || !is_lower_hex(low) {
            return None;
        }
        *byte = hex_value(high) << 4 | hex_value(low);
        at += 2;
    }
    Some(out)
}

pub fn push_uuid(bytes: &[u8; 16], out: &mut Vec<u8>) {
    for (i, &byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        push_hex_byte(byte, out);
    }
}

fn push_hex_byte(byte: u8, out: &mut Vec<u8>) {
    out.push(HEX[usize::from(byte >> 4)]);
    out.push(HEX[usize::from(byte & 15)]);
}

/// The bytes of an even number of lower-case hexadecimal digits, appended to `out`.
pub fn pack_hex(digits: &str, out: &mut Vec<u8>) {
    for pair in digits.as_bytes().chunks_exact(2) {
        if let [high, low] = pair {
            out.push(hex_value(*high) << 4 | hex_value(*low));
        }
    }
}

/// Undoes [`pack_hex`].
pub fn unpack_hex(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        push_hex_byte(byte, out);
    }
}

fn push_integer(value: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

const DAY_MS: i64 = belfry_model::time::DAY_MS;

/// Milliseconds of `2026-01-15T12:00:00.123Z`, years 1970 to 9999.
fn parse_time(text: &[u8]) -> Option<i64> {
    let text: &[u8; 24] = text.try_into().ok()?;
    let number = |from: usize, to: usize| -> Option<i64> {
        text.get(from..to)?.iter().try_fold(0i64, |sum, &b| {
            b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0'))
        })
    };
    let at = |i: usize, b: u8| text.get(i) == Some(&b);
    if !(at(4, b'-') && at(7, b'-') && at(13, b':') && at(16, b':') && at(19, b'.') && at(23, b'Z'))
    {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    let (second, ms) = (number(17, 19)?, number(20, 23)?);
    let valid = year >= 1970
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !valid {
        return None;
    }
    let days = days_from_civil(year, month, day);
    // The 31st of a short month would come back as another day.
    if civil_from_days(days) != (year, month, day) {
        return None;
    }
    Some(days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + ms)
}

fn push_time(ms: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS));
    let rest = ms.rem_euclid(DAY_MS);
    let mut digits = |mut value: i64, width: usize, after: u8| {
        let mut text = [b'0'; 4];
        for digit in text.iter_mut().take(width).rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
        }
        out.extend_from_slice(text.get(..width).unwrap_or_default());
        out.push(after);
    };
    digits(year, 4, b'-');
    digits(month, 2, b'-');
    digits(day, 2, b'T');
    digits(rest / 3_600_000, 2, b':');
    digits(rest / 60_000 % 60, 2, b':');
    digits(rest / 1000 % 60, 2, b'.');
    digits(rest % 1000, 3, b'Z');
}

/// Days since the epoch of a date of the proleptic Gregorian calendar
/// (Howard Hinnant, "chrono-compatible low-level date algorithms").
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Undoes [`days_from_civil`].
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::walk::Dissection;
    use super::*;

    fn kind_of(json: &str) -> Result<Option<Kind>, Unrepresentable> {
        let text = format!("{{\"a\":{json}}}");
        let mut d = Dissection::default();
        assert!(d.dissect(&text), "{json}");
        let scalar = d.scalars(&text).next().unwrap();
        let mut unescaped = String::new();
        let value = if scalar.token == Token::EscapedString {
            Some(match unescape_exactly(scalar.text, &mut unescaped)? {
                Style::Utf8 => Value::String(&unescaped),
                Style::Ascii => Value::AsciiString(&unescaped),
            })
        } else {
            classify(&scalar)
        };
        if let Some(value) = value {
            let mut again = Vec::new();
            value.render(&mut again);
            assert_eq!(String::from_utf8(again).unwrap(), json);
        }
        Ok(value.map(|v| v.kind()))
    }

    #[test]
    fn each_text_gets_the_kind_that_renders_it() {
        for (json, kind) in [
            ("0", Kind::Int),
            ("-9223372036854775808", Kind::Int),
            ("9223372036854775808", Kind::NumberText),
            ("-0", Kind::NumberText),
            ("0.25", Kind::Float),
            ("-12.345", Kind::Float),
            ("3.0", Kind::FloatPoint),
            ("1.10", Kind::NumberText),
            ("1e3", Kind::NumberText),
            ("0.1234567890123456789", Kind::NumberText),
            ("3.141592653589793", Kind::Float),
            ("-0.0", Kind::FloatPoint),
            ("true", Kind::Bool),
            ("\"\"", Kind::String),
            ("\"a\\nb\\u0001\"", Kind::String),
            ("\"é\"", Kind::String),
            ("\"\\u00e9\\ud83d\\ude00\"", Kind::AsciiString),
            ("\"0123456789abcdef\"", Kind::Hex),
            ("\"0123456789abcdeF\"", Kind::String),
            ("\"0123456789abcde\"", Kind::String),
            ("\"01234567-89ab-cdef-0123-456789abcdef\"", Kind::Uuid),
            ("\"01234567-89ab-cdef-0123-456789abcdeg\"", Kind::String),
            ("\"2026-02-28T23:59:59.999Z\"", Kind::Time),
            ("\"2026-02-29T23:59:59.999Z\"", Kind::String),
            ("\"2026-02-28T24:00:00.000Z\"", Kind::String),
            ("\"1969-12-31T23:59:59.999Z\"", Kind::String),
        ] {
            assert_eq!(kind_of(json), Ok(Some(kind)), "{json}");
        }
        assert_eq!(kind_of("null"), Ok(None));
        for lossy in [
            "\"a\\/b\"",
            "\"\\u00E9\"",
            "\"\\u0041\"",
            "\"é\\u00e9\"",
            "\"\\ud800\"",
        ] {
            assert_eq!(kind_of(lossy), Err(Unrepresentable), "{lossy}");
        }
    }

    proptest! {
        #[test]
        fn numbers_render_back(
            text in prop_oneof![
                "-?(0|[1-9][0-9]{0,20})",
                "-?(0|[1-9][0-9]{0,9})\\.[0-9]{1,12}",
                "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
            ],
        ) {
            prop_assert!(kind_of(&text).is_ok());
        }

        #[test]
        fn floats_as_programs_print_them_are_not_kept_as_text(f in -1e12f64..1e12) {
            prop_assume!(f.abs() > 1e-4);
            prop_assert_ne!(kind_of(&format!("{f:?}")), Ok(Some(Kind::NumberText)));
        }

        #[test]
        fn times_render_back(days in 0i64..2_932_000, ms in 0i64..DAY_MS) {
            let mut text = Vec::new();
            push_time(days * DAY_MS + ms, &mut text);
            prop_assert_eq!(parse_time(&text), Some(days * DAY_MS + ms));
        }
    }
}
