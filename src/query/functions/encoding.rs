//! String functions that encode, decode and digest (spec logs-insights.md 7.3).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::values::Value;

/// Standard alphabet; missing padding is accepted.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

fn text_function<'a>(arguments: &[Value<'a>], f: impl Fn(&str) -> Option<String>) -> Value<'a> {
    let text = arguments.first().and_then(Value::to_cow);
    Value::from_text(text.and_then(|t| f(&t)))
}

/// RFC 3986: all but unreserved characters as `%XX`.
pub fn url_encode<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    text_function(arguments, |text| {
        let mut out = String::with_capacity(text.len());
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        Some(out)
    })
}

/// Accepts `+` as a space; malformed escapes stay as they are.
pub fn url_decode<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    text_function(arguments, |text| {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            rest = tail;
            match (first, tail) {
                (b'+', _) => out.push(b' '),
                (b'%', [high, low, after @ ..]) => match hex_byte(*high, *low) {
                    Some(byte) => {
                        out.push(byte);
                        rest = after;
                    }
                    None => out.push(first),
                },
                _ => out.push(first),
            }
        }
        String::from_utf8(out).ok()
    })
}

pub fn base64_encode<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    text_function(arguments, |text| Some(STANDARD.encode(text)))
}

/// The URL-safe alphabet is accepted as well; what is not UTF-8 is missing.
pub fn base64_decode<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    text_function(arguments, |text| {
        let standard = text.replace('-', "+").replace('_', "/");
        String::from_utf8(LENIENT.decode(standard).ok()?).ok()
    })
}

/// Odd length or other characters: missing.
pub fn hex_to_ascii<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    text_function(arguments, |text| {
        let pairs = text.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = pairs
            .map(|pair| match pair {
                [high, low] => hex_byte(*high, *low),
                _ => None,
            })
            .collect();
        String::from_utf8(bytes?).ok()
    })
}

pub fn md5<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    text_function(arguments, |text| Some(hex(&Md5::digest(text.as_bytes()))))
}

pub fn sha256<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    text_function(arguments, |text| {
        Some(hex(&Sha256::digest(text.as_bytes())))
    })
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(f: for<'a> fn(&[Value<'a>]) -> Value<'a>, text: &'static str) -> Option<String> {
        f(&[Value::text(text)]).to_text().map(|t| t.into_owned())
    }

    #[test]
    fn urls() {
        assert_eq!(
            call(url_encode, "a b/ä~").as_deref(),
            Some("a%20b%2F%C3%A4~")
        );
        assert_eq!(call(url_decode, "a+b%2f%zz%").as_deref(), Some("a b/%zz%"));
    }

    #[test]
    fn base64_is_lenient() {
        assert_eq!(call(base64_encode, "hi?>").as_deref(), Some("aGk/Pg=="));
        assert_eq!(call(base64_decode, "aGk_Pg").as_deref(), Some("hi?>"));
        assert_eq!(call(base64_decode, "/w=="), None);
        assert_eq!(call(base64_decode, "*"), None);
    }

    #[test]
    fn hexadecimal_and_digests() {
        assert_eq!(call(hex_to_ascii, "48692E").as_deref(), Some("Hi."));
        assert_eq!(call(hex_to_ascii, "486"), None);
        assert_eq!(call(hex_to_ascii, "4g"), None);
        assert_eq!(
            call(md5, "abc").as_deref(),
            Some("900150983cd24fb0d6963f7d28e17f72")
        );
        assert_eq!(
            call(sha256, "abc").as_deref(),
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
    }
}
