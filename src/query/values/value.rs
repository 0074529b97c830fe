//! One value of a row.

use std::borrow::Cow;

use arrow::datatypes::{DataType, TimeUnit};
use belfry_model::TimestampMs;

use super::number_text::{parse_number, show_number};

/// What is known about the values of a column when the query is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValueType {
    Bool,
    /// A computed number.
    Number,
    /// Milliseconds since the epoch.
    Time,
    Text,
    /// Depends on the row.
    Dynamic,
}

impl ValueType {
    /// The Arrow type of such a column; distinct for each.
    pub const fn arrow(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Number => DataType::Float64,
            Self::Time => DataType::Timestamp(TimeUnit::Millisecond, None),
            Self::Text => DataType::Utf8View,
            Self::Dynamic => DataType::Binary,
        }
    }

    pub const fn from_arrow(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Bool),
            DataType::Float64 => Some(Self::Number),
            DataType::Timestamp(TimeUnit::Millisecond, None) => Some(Self::Time),
            DataType::Utf8View => Some(Self::Text),
            DataType::Binary => Some(Self::Dynamic),
            _ => None,
        }
    }

    /// The type that holds values of both.
    pub const fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bool, Self::Bool) => Self::Bool,
            (Self::Number, Self::Number) => Self::Number,
            (Self::Time, Self::Time) => Self::Time,
            (Self::Text, Self::Text) => Self::Text,
            _ => Self::Dynamic,
        }
    }
}

/// A value, borrowed from a column where it can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Missing,
    Text(Cow<'a, str>),
    /// A number as an event spells it; it shows as it was written.
    Written(Cow<'a, str>),
    /// A computed number, finite.
    Number(f64),
    Bool(bool),
    /// Milliseconds since the epoch.
    Time(i64),
    /// A map or a list, as compact JSON text.
    Json(Cow<'a, str>),
}

impl<'a> Value<'a> {
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Not finite: missing. Zero has no sign.
    pub fn number(value: f64) -> Self {
        if value.is_finite() {
            Self::Number(value + 0.0)
        } else {
            Self::Missing
        }
    }

    pub fn from_number(value: Option<f64>) -> Self {
        value.map_or(Self::Missing, Self::number)
    }

    pub fn from_text(text: Option<impl Into<Cow<'a, str>>>) -> Self {
        text.map_or(Self::Missing, Self::text)
    }

    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// A number by kind: neither a text that spells one nor a time.
    pub const fn is_number_kind(&self) -> bool {
        matches!(self, Self::Written(_) | Self::Number(_) | Self::Bool(_))
    }

    /// To number (spec logs-insights.md 3.2).
    pub fn to_number(&self) -> Option<f64> {
        match self {
            Self::Missing | Self::Json(_) => None,
            Self::Text(text) | Self::Written(text) => parse_number(text),
            Self::Number(v) => Some(*v),
            Self::Bool(b) => Some(f64::from(u8::from(*b))),
            Self::Time(ms) => Some(*ms as f64),
        }
    }

    /// To string inside of functions (spec logs-insights.md 3.2): structures count as missing.
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Missing | Self::Json(_) => None,
            Self::Text(text) | Self::Written(text) => Some(Cow::Borrowed(text)),
            Self::Number(v) => Some(Cow::Owned(show_number(*v))),
            Self::Bool(b) => Some(Cow::Borrowed(if *b { "1" } else { "0" })),
            Self::Time(ms) => Some(Cow::Owned(TimestampMs(*ms).to_insights_text())),
        }
    }

    /// [`Value::to_text`], borrowing from where the value does.
    pub fn to_cow(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) | Self::Written(text) => Some(text.clone()),
            Self::Bool(b) => Some(Cow::Borrowed(if *b { "1" } else { "0" })),
            other => other.to_text().map(|text| Cow::Owned(text.into_owned())),
        }
    }

    /// As a result shows it (spec logs-insights.md 11); `None` is left out of the row.
    pub fn show(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Json(text) => Some(Cow::Borrowed(text)),
            other => other.to_text(),
        }
    }

    /// Used as a condition (spec logs-insights.md 3.4).
    pub fn to_condition(&self) -> Option<bool> {
        match self {
            Self::Missing => None,
            Self::Bool(b) => Some(*b),
            Self::Number(v) => Some(*v != 0.0),
            Self::Time(ms) => Some(*ms != 0),
            Self::Json(_) => Some(false),
            Self::Text(text) | Self::Written(text) => Some(
                text.eq_ignore_ascii_case("true") || parse_number(text).is_some_and(|v| v != 0.0),
            ),
        }
    }

    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Missing => Value::Missing,
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Written(text) => Value::Written(Cow::Owned(text.into_owned())),
            Self::Number(v) => Value::Number(v),
            Self::Bool(b) => Value::Bool(b),
            Self::Time(ms) => Value::Time(ms),
            Self::Json(text) => Value::Json(Cow::Owned(text.into_owned())),
        }
    }

    /// The bytes of a dynamic column: a tag, then the payload. Never for a missing value, which is
    /// a null of the column.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.clear();
        match self {
            Self::Missing => {}
            Self::Text(text) => tagged(out, b's', text.as_bytes()),
            Self::Written(text) => tagged(out, b'w', text.as_bytes()),
            Self::Number(v) => tagged(out, b'n', &v.to_le_bytes()),
            Self::Bool(b) => tagged(out, b'b', &[u8::from(*b)]),
            Self::Time(ms) => tagged(out, b't', &ms.to_le_bytes()),
            Self::Json(text) => tagged(out, b'j', text.as_bytes()),
        }
    }

    /// Bytes that [`Value::encode`] did not write are missing.
    pub fn decode(bytes: &'a [u8]) -> Self {
        let Some((tag, payload)) = bytes.split_first() else {
            return Self::Missing;
        };
        let text = || std::str::from_utf8(payload).ok().map(Cow::Borrowed);
        match tag {
            b's' => text().map_or(Self::Missing, Self::Text),
            b'w' => text().map_or(Self::Missing, Self::Written),
            b'j' => text().map_or(Self::Missing, Self::Json),
            b'n' => payload
                .try_into()
                .map_or(Self::Missing, |b| Self::Number(f64::from_le_bytes(b))),
            b't' => payload
                .try_into()
                .map_or(Self::Missing, |b| Self::Time(i64::from_le_bytes(b))),
            b'b' => Self::Bool(payload.first() == Some(&1)),
            _ => Self::Missing,
        }
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, payload: &[u8]) {
    out.push(tag);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dynamic_bytes_read_back() {
        let mut bytes = Vec::new();
        for value in [
            Value::text("200"),
            Value::Written("1.10".into()),
            Value::Number(-2.5),
            Value::Bool(true),
            Value::Bool(false),
            Value::Time(-1),
            Value::Json("[1]".into()),
            Value::text(""),
        ] {
            value.encode(&mut bytes);
            assert_eq!(Value::decode(&bytes), value);
        }
        assert_eq!(Value::decode(b""), Value::Missing);
        assert_eq!(Value::decode(b"n123"), Value::Missing);
    }

    #[test]
    fn conditions() {
        for (value, truth) in [
            (Value::text("TRUE"), Some(true)),
            (Value::text("0.0"), Some(false)),
            (Value::text("7"), Some(true)),
            (Value::text("yes"), Some(false)),
            (Value::Missing, None),
            (Value::Json("[1]".into()), Some(false)),
        ] {
            assert_eq!(value.to_condition(), truth, "{value:?}");
        }
    }
}
