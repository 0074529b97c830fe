//! `filterIndex` (spec logs-insights.md 6.5)

use std::fmt;

use super::expression::Literal;
use super::field::FieldPath;
use super::text::{commas, joined};

/// `filterIndex field = value and field in [a, b]`: keeps equal rows, skips log groups without an
/// index on the field.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterIndex {
    /// All must hold; never empty.
    pub conditions: Vec<IndexCondition>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct IndexCondition {
    pub field: FieldPath,
    pub test: IndexTest,
}

#[derive(Clone, Debug, PartialEq)]
pub enum IndexTest {
    Equal(Literal),
    /// Never empty.
    In(Vec<Literal>),
}

impl fmt::Display for FilterIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filterIndex {}", joined(&self.conditions, " and "))
    }
}

impl fmt::Display for IndexCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.test {
            IndexTest::Equal(value) => write!(f, "{} = {value}", self.field),
            IndexTest::In(values) => write!(f, "{} in [{}]", self.field, commas(values)),
        }
    }
}
