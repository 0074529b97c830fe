//! The order of `sort`, `min`, `max` and their kin as bytes: comparing two keys bytewise compares
//! the two values (spec logs-insights.md 6.7). A missing value has no key: nulls sort first.

use super::value::Value;

const TEXT: u8 = 1;
const NUMBER: u8 = 2;

/// Below every digit's neighbours and above none: a digit run compares with a non-digit as its
/// digits would.
const DIGIT_RUN: u8 = b'0';

/// Writes the key of `value`. Returns false, and writes nothing, for missing values and structures.
pub fn write_sort_key(out: &mut Vec<u8>, value: &Value<'_>) -> bool {
    out.clear();
    if let Some(number) = value.to_number() {
        out.push(NUMBER);
        out.extend_from_slice(&number_bits(number).to_be_bytes());
        return true;
    }
    match value {
        Value::Text(text) | Value::Written(text) => {
            out.push(TEXT);
            write_text(out, text.as_bytes());
            true
        }
        _ => false,
    }
}

/// Whether a key is one of a number.
pub fn is_number_key(key: &[u8]) -> bool {
    key.first() == Some(&NUMBER)
}

/// Bits that order as the numbers do.
fn number_bits(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 {
        bits | (1 << 63)
    } else {
        !bits
    }
}

/// Runs of digits compare by length, then by value; all else by code points, which is how UTF-8
/// bytes compare.
fn write_text(out: &mut Vec<u8>, mut text: &[u8]) {
    while let Some(first) = text.first() {
        let in_digits = first.is_ascii_digit();
        let run = text
            .iter()
            .take_while(|b| b.is_ascii_digit() == in_digits)
            .count();
        let (head, rest) = text.split_at(run);
        if in_digits {
            out.push(DIGIT_RUN);
            out.extend_from_slice(&u32::try_from(run).unwrap_or(u32::MAX).to_be_bytes());
        }
        out.extend_from_slice(head);
        text = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: &Value<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(write_sort_key(&mut out, value));
        out
    }

    /// The ascending sample of spec 6.7, and the one of the golden case on texts and numbers.
    #[test]
    fn the_samples_ascend() {
        for sample in [
            &[
                "(none)", "+7x", "7x", "12b", "100k", "=", "Zeta", "disk9", "disk10", "disk10a",
                "-3", "0", "08", "9", "10.5",
            ][..],
            &[
                "!", "#", "*&07", "0#", "6B", "222B", "3456_", "@", "@_", "B", "B98xy", "b12yz",
                "0", "02",
            ],
        ] {
            for pair in sample.windows(2) {
                let [a, b] = pair else { continue };
                assert!(key(&Value::text(*a)) < key(&Value::text(*b)), "{a} < {b}");
            }
        }
    }

    #[test]
    fn numbers_of_equal_value_tie_whatever_their_kind() {
        assert_eq!(key(&Value::text("01")), key(&Value::Number(1.0)));
        assert_eq!(key(&Value::text("-0")), key(&Value::Number(0.0)));
        assert_eq!(key(&Value::Time(7)), key(&Value::Written("7.0".into())));
    }

    #[test]
    fn structures_and_missing_values_have_no_key() {
        let mut out = vec![1];
        assert!(!write_sort_key(&mut out, &Value::Json("[1]".into())) && out.is_empty());
        assert!(!write_sort_key(&mut out, &Value::Missing));
    }

    proptest::proptest! {
        #[test]
        fn number_keys_order_as_numbers(a in -1e300_f64..1e300, b in -1e300_f64..1e300) {
            let (ka, kb) = (key(&Value::Number(a)), key(&Value::Number(b)));
            proptest::prop_assert_eq!(ka.cmp(&kb), a.partial_cmp(&b).unwrap());
        }
    }
}
