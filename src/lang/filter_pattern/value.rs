//! The right side of a comparison (spec filter-patterns.md 2, 4.4, 6.2).

use std::fmt;

use super::pattern_regex::PatternRegex;

/// What a selected value or a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The `number` form, bare.
    Number(Number),
    /// A quoted or bare text without wildcards.
    Text(String),
    /// A quoted or bare text with `*`.
    Wildcard(Wildcard),
    Regex(PatternRegex),
}

/// A number as written, and what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    pub text: String,
    pub value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equality {
    Equal,
    NotEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One comparison of a text that may be a number.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    Equality { equality: Equality, value: Value },
    Order { order: Order, number: Number },
}

impl Order {
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

impl Value {
    /// Whether a text equals this value; numbers in text count as numbers.
    pub fn equals_text(&self, text: &str) -> bool {
        match self {
            Self::Number(number) => match number_form(text) {
                Some(value) => value == number.value,
                None => text == number.text,
            },
            Self::Text(wanted) => text == wanted,
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::Regex(regex) => regex.is_found_in(text),
        }
    }
}

impl Comparison {
    pub fn holds_for_text(&self, text: &str) -> bool {
        match self {
            Self::Equality { equality, value } => {
                value.equals_text(text) == (*equality == Equality::Equal)
            }
            Self::Order { order, number } => {
                number_form(text).is_some_and(|value| order.holds(value, number.value))
            }
        }
    }

    /// A text without which the comparison cannot hold: the longest stretch that must occur.
    pub fn required_literal(&self) -> Option<&str> {
        let Self::Equality {
            equality: Equality::Equal,
            value,
        } = self
        else {
            return None;
        };
        let literal = match value {
            Value::Text(text) => text.as_str(),
            Value::Wildcard(wildcard) => wildcard
                .pieces
                .iter()
                .max_by_key(|piece| piece.len())
                .map_or("", String::as_str),
            Value::Number(_) | Value::Regex(_) => "",
        };
        Some(literal).filter(|literal| !literal.is_empty())
    }
}

/// The worth of a text that is wholly of the form `number`.
pub(super) fn number_form(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let is_mantissa = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(mantissa),
    };
    let is_exponent = exponent
        .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    if is_mantissa && is_exponent {
        text.parse().ok()
    } else {
        None
    }
}

/// A text in which `*` stands for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard {
    /// What stands between the asterisks: one more than there are asterisks, at least two.
    pieces: Vec<String>,
}

impl Wildcard {
    /// From the texts between the asterisks; `None` without an asterisk.
    pub fn new(pieces: Vec<String>) -> Option<Self> {
        (pieces.len() >= 2).then_some(Self { pieces })
    }

    /// Whether the whole text has the shape.
    pub fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return false;
        };
        let Some(rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else {
            return false;
        };
        for piece in middle {
            match memchr::memmem::find(rest.as_bytes(), piece.as_bytes()) {
                Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        true
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for c in text.chars() {
        match c {
            '"' | '\\' | '*' => write!(f, "\\{c}")?,
            other => write!(f, "{other}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Value {
    /// Texts in quotes, so that one which looks like a number stays a text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{}", number.text),
            Self::Text(text) => {
                f.write_str("\"")?;
                write_escaped(f, text)?;
                f.write_str("\"")
            }
            Self::Wildcard(wildcard) => {
                f.write_str("\"")?;
                for (at, piece) in wildcard.pieces.iter().enumerate() {
                    if at > 0 {
                        f.write_str("*")?;
                    }
                    write_escaped(f, piece)?;
                }
                f.write_str("\"")
            }
            Self::Regex(regex) => write!(f, "{regex}"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equality { equality, value } => {
                let sign = match equality {
                    Equality::Equal => "=",
                    Equality::NotEqual => "!=",
                };
                write!(f, "{sign} {value}")
            }
            Self::Order { order, number } => {
                let sign = match order {
                    Order::Less => "<",
                    Order::LessOrEqual => "<=",
                    Order::Greater => ">",
                    Order::GreaterOrEqual => ">=",
                };
                write!(f, "{sign} {}", number.text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_recognised_whole() {
        for (text, value) in [
            ("17", Some(17.0)),
            ("-2.5e-1", Some(-0.25)),
            ("1e+3", Some(1000.0)),
            ("+5", Some(5.0)),
            ("1.", None),
            (".5", None),
            ("1e", None),
            ("", None),
            ("-", None),
            ("inf", None),
            ("NaN", None),
            ("1 ", None),
            ("0x10", None),
        ] {
            assert_eq!(number_form(text), value, "{text}");
        }
    }

    #[test]
    fn wildcards_cover_the_whole_text() {
        let wildcard =
            |text: &str| Wildcard::new(text.split('*').map(str::to_owned).collect()).unwrap();
        assert!(wildcard("ca*").matches("cart"));
        assert!(!wildcard("ca*").matches("scar"));
        assert!(wildcard("*rt").matches("cart"));
        assert!(wildcard("*.html*").matches("GET /index.html HTTP"));
        assert!(wildcard("a*b*c").matches("a-b-c") && !wildcard("a*b*c").matches("acb"));
        assert!(!wildcard("ab*ba").matches("aba"), "ends must not overlap");
        assert!(wildcard("*").matches(""));
    }
}
