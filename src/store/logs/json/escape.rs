//! The two ways of escaping strings that can be undone and redone.
//!
//! A string that was escaped in one of these ways is stored unescaped, because escaping it again
//! gives the very same bytes. Both write `\" \\ \b \f \n \r \t` and other control characters as
//! `\u00xx` in lower case; [`Style::Ascii`] writes everything beyond ASCII as `\uxxxx` too
//! (what Python's `json.dumps` does), [`Style::Utf8`] writes it as it is.

/// How strings are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Utf8,
    Ascii,
}

/// Undoes the escapes of a JSON string's text, appending to `out`. `None` for lone surrogates or
/// broken escapes; `out` then holds garbage beyond its old length.
pub fn unescape(text: &str, out: &mut String) -> Option<()> {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(rest.get(..at)?);
        let (decoded, length) = match rest.as_bytes().get(at + 1)? {
            b'"' => ('"', 2),
            b'\\' => ('\\', 2),
            b'/' => ('/', 2),
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'n' => ('\n', 2),
            b'r' => ('\r', 2),
            b't' => ('\t', 2),
            b'u' => decode_unicode(rest.get(at..)?)?,
            _ => return None,
        };
        out.push(decoded);
        rest = rest.get(at + length..)?;
    }
    out.push_str(rest);
    Some(())
}

/// The character at the start of `text`, which starts with `\u`, and the bytes it takes.
fn decode_unicode(text: &str) -> Option<(char, usize)> {
    let unit = |from: usize| -> Option<u32> {
        let digits = text.get(from..from + 4)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    };
    let first = unit(2)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    if text.get(6..8)? != "\\u" {
        return None;
    }
    let second = unit(8)?;
    let low = second.checked_sub(0xdc00).filter(|&l| l < 0x400)?;
    let code = 0x10000 + ((first - 0xd800) << 10) + low;
    Some((char::from_u32(code)?, 12))
}

/// Whether escaping a text, given as bytes, changes nothing.
pub fn needs_no_escape(text: &[u8], style: Style) -> bool {
    let special =
        |b: u8| b < 0x20 || b == b'"' || b == b'\\' || (style == Style::Ascii && b >= 0x80);
    // Without an early end, so that many bytes are compared at a time.
    !text.iter().fold(false, |found, &b| found | special(b))
}

/// Escapes `text` in the given style, appending to `out`.
pub fn escape(text: &str, style: Style, out: &mut Vec<u8>) {
    if needs_no_escape(text.as_bytes(), style) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if c < ' ' => push_unit(c as u16, out),
            c if style == Style::Ascii && !c.is_ascii() => {
                let mut units = [0; 2];
                for &mut unit in c.encode_utf16(&mut units) {
                    push_unit(unit, out);
                }
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn push_unit(unit: u16, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(HEX[usize::from((unit >> shift) & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decodes_what_json_allows() {
        let mut out = String::new();
        unescape(r#"a\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00z"#, &mut out).unwrap();
        assert_eq!(out, "a\"\\/\u{8}\u{c}\n\r\té😀z");
        for bad in [r"\ud800", r"\ud800\u0041", r"\udc00", r"\x", "\\", r"\u12"] {
            assert_eq!(unescape(bad, &mut String::new()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn unescape_undoes_escape_and_agrees_with_serde_json(text in any::<String>()) {
            for style in [Style::Utf8, Style::Ascii] {
                let mut escaped = Vec::new();
                escape(&text, style, &mut escaped);
                let escaped = String::from_utf8(escaped).unwrap();
                let mut back = String::new();
                prop_assert!(unescape(&escaped, &mut back).is_some());
                prop_assert_eq!(&back, &text);
                let parsed: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
                prop_assert_eq!(&parsed, &text);
            }
        }
    }
}
