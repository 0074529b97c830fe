//! Numbers as a Java double prints: how alarm texts and documents write them (spec alarms.md 8).

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// From here upwards Java writes `1.0E7` instead of `10000000.0`.
const SCIENTIFIC_FROM: f64 = 1e7;
/// Below this Java writes `1.0E-4` instead of `0.0001`.
const SCIENTIFIC_BELOW: f64 = 1e-3;

/// The shortest text that reads back as `value`, in the shape of `Double.toString`:
/// `0.0`, `65.0`, `1.0E7`, `Infinity`.
pub fn java_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (SCIENTIFIC_BELOW..SCIENTIFIC_FROM).contains(&size) {
        return with_fraction(&value.to_string());
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((mantissa, exponent)) => format!("{}E{exponent}", with_fraction(mantissa)),
        None => text,
    }
}

fn with_fraction(digits: &str) -> String {
    if digits.contains('.') {
        digits.to_owned()
    } else {
        format!("{digits}.0")
    }
}

/// A number that serialises to JSON the way [`java_double`] prints it; what JSON has no number
/// for becomes a string.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JavaDouble(pub f64);

impl Serialize for JavaDouble {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = java_double(self.0);
        if !self.0.is_finite() {
            return serializer.serialize_str(&text);
        }
        RawValue::from_string(text)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_like_java() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (65.0, "65.0"),
            (8.5, "8.5"),
            (0.001, "0.001"),
            (0.0009, "9.0E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (12_345_678.9, "1.23456789E7"),
            (-2.5e-9, "-2.5E-9"),
            (1e300, "1.0E300"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in cases {
            assert_eq!(java_double(value), text);
        }
    }

    #[test]
    fn json_keeps_the_spelling() {
        let text = serde_json::to_string(&[JavaDouble(1e7), JavaDouble(2.0)]).expect("serialises");
        assert_eq!(text, "[1.0E7,2.0]");
        let text = serde_json::to_string(&JavaDouble(f64::INFINITY)).expect("serialises");
        assert_eq!(text, "\"Infinity\"");
    }

    proptest! {
        #[test]
        fn reads_back_as_the_same_number(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
            let text = java_double(value);
            prop_assert!(text.contains('.'));
            prop_assert_eq!(text.parse::<f64>().expect("a number").to_bits(), value.to_bits());
        }
    }
}
