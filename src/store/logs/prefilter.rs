//! Conditions that rows must meet, as far as an index can tell.

use std::sync::Arc;

/// A necessary condition on events. A scan returns all rows that meet it and may return others:
/// the caller still decides each row.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Prefilter {
    /// No condition.
    #[default]
    All,
    /// No row at all.
    Nothing,
    And(Vec<Prefilter>),
    Or(Vec<Prefilter>),
    /// The raw message contains this text (bytes, case-sensitive).
    MessageContains(Arc<str>),
    /// The raw message contains this text in any mix of upper and lower case.
    MessageContainsIgnoreCase(Arc<str>),
    /// The raw message contains this text, or a backslash, with which JSON can spell a text in
    /// other ways. Goes beside a condition on a field: it spares looking for the field in
    /// messages that are not indexed yet.
    MessageSpells(Arc<str>),
    /// The discovered field has exactly this text as a string, number or boolean
    /// ([`super::FieldRef::Json`]).
    FieldEquals {
        path: Arc<str>,
        value: Arc<str>,
    },
    /// The text of the discovered field contains this.
    FieldContains {
        path: Arc<str>,
        text: Arc<str>,
    },
    /// The discovered field is a number, or a text that is entirely one, between these bounds,
    /// both inclusive.
    FieldNumber {
        path: Arc<str>,
        min: f64,
        max: f64,
    },
    /// The message is not one JSON object. Such messages (function logs, flow logs) have fields
    /// that the query layer finds in their text (spec logs-insights.md 5.2), so a condition on a
    /// field is `Or([Field…, NotJson])` there.
    NotJson,
    /// The discovered field is there and not JSON null.
    FieldPresent {
        path: Arc<str>,
    },
}

impl Prefilter {
    pub fn contains(text: impl Into<Arc<str>>) -> Self {
        Self::MessageContains(text.into())
    }

    pub fn field_equals(path: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        Self::FieldEquals {
            path: path.into(),
            value: value.into(),
        }
    }

    /// Both conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, x) | (x, Self::All) => x,
            (Self::And(mut all), x) => {
                all.push(x);
                Self::And(all)
            }
            (a, b) => Self::And(vec![a, b]),
        }
    }
}
