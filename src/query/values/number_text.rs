//! Numbers from text and to text.

use std::fmt::Write as _;

/// Integers beyond this are not exact in a 64-bit float.
const EXACT_INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// Decimals of a computed number in a result (spec logs-insights.md 11).
const RESULT_DECIMALS: usize = 4;

/// The number that the whole of `text` spells, ASCII blanks trimmed: optional sign, digits with an
/// optional fraction and exponent (spec logs-insights.md 2.3, 3.1). Zero has no sign.
pub fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let bytes = text.as_bytes();
    let unsigned = match bytes {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    if !is_unsigned_number(unsigned) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    // Adding zero turns -0 into 0, so that columns of numbers compare bit by bit.
    value.is_finite().then_some(value + 0.0)
}

fn is_unsigned_number(bytes: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(bytes);
    let mut rest = bytes.get(whole..).unwrap_or_default();
    if let [b'.', fraction @ ..] = rest {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = fraction.get(count..).unwrap_or_default();
    } else if whole == 0 {
        return false;
    }
    match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
        _ => false,
    }
}

/// How a computed number shows in results and where it becomes text (spec logs-insights.md 11).
pub fn show_number(value: f64) -> String {
    let mut out = String::new();
    write_number(&mut out, value);
    out
}

pub fn write_number(out: &mut String, value: f64) {
    // Writing to a String cannot fail.
    if value.abs() > EXACT_INTEGER_MAX {
        let _ = write!(out, "{}", scientific(value));
    } else if value.fract() == 0.0 {
        let _ = write!(out, "{}", value as i64);
    } else {
        write_rounded(out, value);
    }
}

/// Shortest round-trip digits, capital E, at least one digit after the point.
fn scientific(value: f64) -> String {
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => format!("{mantissa}E{exponent}"),
        Some((mantissa, exponent)) => format!("{mantissa}.0E{exponent}"),
        None => text,
    }
}

/// Rounds the shortest decimal form, half away from zero, and drops trailing zeros.
fn write_rounded(out: &mut String, value: f64) {
    let shortest = format!("{}", value.abs());
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    let kept = fraction.get(..RESULT_DECIMALS).unwrap_or(fraction);
    let round_up = fraction
        .as_bytes()
        .get(RESULT_DECIMALS)
        .is_some_and(|digit| *digit >= b'5');
    // Whole part and kept decimals as one integer: at most 16 + 4 digits.
    let mut scaled: u128 = format!("{whole}{kept:0<RESULT_DECIMALS$}")
        .parse()
        .unwrap_or_default();
    scaled += u128::from(round_up);
    let unit = 10_u128.pow(RESULT_DECIMALS as u32);
    let (whole, fraction) = (scaled / unit, scaled % unit);
    if value < 0.0 && scaled != 0 {
        out.push('-');
    }
    let _ = write!(out, "{whole}");
    if fraction != 0 {
        let digits = format!("{fraction:0RESULT_DECIMALS$}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_texts() {
        for (text, value) in [
            ("0", 0.0_f64),
            (" 12.50\t", 12.5),
            ("+3", 3.0),
            ("-.5", -0.5),
            ("1e3", 1000.0),
            ("1.5E-1", 0.15),
            ("0200", 200.0),
            ("-0", 0.0),
        ] {
            assert_eq!(
                parse_number(text).map(f64::to_bits),
                Some(value.to_bits()),
                "{text}"
            );
        }
        for text in [
            "", "-", ".", "5.", "1e", "1e+", "0x10", "inf", "NaN", "1 2", "12ms", "1,5", "1e999",
            "--1", "\u{a0}1",
        ] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn computed_numbers_show_as_the_specification_says() {
        for (value, text) in [
            (3.0, "3"),
            (-0.0, "0"),
            (1.0 / 3.0, "0.3333"),
            (2.0 / 3.0, "0.6667"),
            (-1e-5, "0"),
            (122.070_312_5, "122.0703"),
            (0.000_05, "0.0001"),
            (-2.5, "-2.5"),
            (0.999_96, "1"),
            (1e15, "1000000000000000"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (18_014_398_509_481_984.0, "1.8014398509481984E16"),
            (1e16, "1.0E16"),
            (-1.2345e19, "-1.2345E19"),
            (1.005, "1.005"),
            (92.50635, "92.5064"),
        ] {
            assert_eq!(show_number(value), text, "{value:?}");
        }
    }
}
