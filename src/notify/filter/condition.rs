//! One matcher and the values it looks at.

use std::net::IpAddr;

use ipnet::IpNet;

/// Numbers count to 5 decimals within this (spec notifications.md 7).
const NUMBER_ABS_MAX: f64 = 1e9;
const NUMBER_SCALE: f64 = 1e5;

/// A number in units of 0.00001, so that 301.5 and 3.015e2 are one. `None` outside of the
/// range in which SNS compares numbers.
pub(super) fn scaled(number: f64) -> Option<i64> {
    (number.abs() <= NUMBER_ABS_MAX).then(|| (number * NUMBER_SCALE).round() as i64)
}

/// A value as policies compare it: by type and value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Text(String),
    /// Scaled; `None` for numbers out of range, which equal nothing.
    Number(Option<i64>),
    Bool(bool),
    Null,
}

impl Scalar {
    /// `None` for arrays and objects.
    pub fn of(value: &serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::String(text) => Some(Self::Text(text.clone())),
            serde_json::Value::Number(number) => {
                Some(Self::Number(number.as_f64().and_then(scaled)))
            }
            serde_json::Value::Bool(value) => Some(Self::Bool(*value)),
            serde_json::Value::Null => Some(Self::Null),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn equals(&self, other: &Self) -> bool {
        self == other && *self != Self::Number(None)
    }
}

/// One end of a numeric range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bound {
    pub value: i64,
    pub inclusive: bool,
}

/// One member of a key's array.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Equals(Scalar),
    Prefix(String),
    Suffix(String),
    EqualsIgnoreCase(String),
    Wildcard(String),
    AnythingBut(Vec<Scalar>),
    /// Not what any of these accept.
    AnythingButMatching(Vec<Condition>),
    Exists(bool),
    Numeric {
        low: Option<Bound>,
        high: Option<Bound>,
    },
    Cidr(IpNet),
}

impl Condition {
    /// Whether one present value satisfies it. Absence is the caller's to judge.
    pub fn accepts(&self, value: &Scalar) -> bool {
        match self {
            Self::Equals(wanted) => wanted.equals(value),
            Self::Prefix(prefix) => value.text().is_some_and(|t| t.starts_with(prefix)),
            Self::Suffix(suffix) => value.text().is_some_and(|t| t.ends_with(suffix)),
            Self::EqualsIgnoreCase(wanted) => {
                value.text().is_some_and(|t| equals_ignore_case(t, wanted))
            }
            Self::Wildcard(pattern) => value.text().is_some_and(|t| wildcard(pattern, t)),
            Self::AnythingBut(unwanted) => !unwanted.iter().any(|u| u.equals(value)),
            Self::AnythingButMatching(unwanted) => !unwanted.iter().any(|u| u.accepts(value)),
            Self::Exists(wanted) => *wanted,
            Self::Numeric { low, high } => match value {
                Scalar::Number(Some(number)) => {
                    low.is_none_or(|b| *number > b.value || (b.inclusive && *number == b.value))
                        && high.is_none_or(|b| {
                            *number < b.value || (b.inclusive && *number == b.value)
                        })
                }
                _ => false,
            },
            Self::Cidr(net) => value
                .text()
                .and_then(|t| t.parse::<IpAddr>().ok())
                .is_some_and(|address| net.contains(&address)),
        }
    }

    pub fn accepts_absence(&self) -> bool {
        matches!(self, Self::Exists(false))
    }
}

/// Simple folding, character by character.
fn equals_ignore_case(a: &str, b: &str) -> bool {
    let fold = |text: &'_ str| -> Vec<char> { text.chars().flat_map(char::to_lowercase).collect() };
    a == b || fold(a) == fold(b)
}

/// `*` stands for any run of characters. Linear in the text: the last star takes all slack.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else {
        return text.is_empty();
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_greedily_enough() {
        for (pattern, text, wanted) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acb", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("ab*ba", "aba", false),
            ("abc", "abc", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(wildcard(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn numbers_compare_by_value_to_five_decimals() {
        assert_eq!(scaled(301.5), scaled(3.015e2));
        assert_eq!(scaled(0.000_001), scaled(0.0));
        assert_eq!(scaled(1.1e9), None);
        let huge = Scalar::Number(None);
        assert!(!Condition::Equals(huge.clone()).accepts(&huge));
    }
}
