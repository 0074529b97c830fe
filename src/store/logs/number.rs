//! Texts that are entirely a number (spec logs-insights.md 2.3 and 3.1).

/// The value of `text` if it is, blanks around it trimmed, an optional sign and a number.
pub fn parse_number(text: &str) -> Option<f64> {
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r']);
    let unsigned = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let bytes = unsigned.as_bytes();
    let digits_from = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let whole = digits_from(0);
    let mut at = whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits_from(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    } else if whole == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        let exponent = digits_from(at);
        if exponent == 0 {
            return None;
        }
        at += exponent;
    }
    if at != bytes.len() {
        return None;
    }
    trimmed.parse().ok().filter(|f: &f64| f.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_whole_numbers_only() {
        for (text, value) in [
            ("0", 0.0),
            ("0200", 200.0),
            (" -1.5e3 ", -1500.0),
            ("+7", 7.0),
            (".5", 0.5),
        ] {
            assert_eq!(parse_number(text), Some(value), "{text}");
        }
        for text in [
            "", " ", "-", "1.", "1e", "abc", "1 2", "0x10", "inf", "NaN", "1e999", "--1", ".",
        ] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }
}
