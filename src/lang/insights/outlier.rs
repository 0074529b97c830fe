//! `outlier` (spec logs-insights.md 6.21)

use std::fmt;

use super::expression::Literal;
use super::field::FieldPath;
use super::text::commas;

/// The `param` that holds if none is written.
pub const OUTLIER_FACTOR_DEFAULT: f64 = 2.5;

/// `outlier [action=…] [param=…] [uselower=…] [mark=…] a, b`: outliers by interquartile range.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlier {
    pub action: OutlierAction,
    /// Interquartile ranges beyond the quartiles, not negative.
    pub factor: f64,
    /// Whether low values can be outliers; false if not written.
    pub use_lower: bool,
    /// Whether a column `<field>_outlier` is added; false if not written.
    pub mark: bool,
    /// Never empty.
    pub fields: Vec<FieldPath>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutlierAction {
    /// Clamp the value to the fence.
    Transform,
    /// Drop the row.
    Remove,
}

impl fmt::Display for Outlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match self.action {
            OutlierAction::Transform => "transform",
            OutlierAction::Remove => "remove",
        };
        write!(
            f,
            "outlier action={action} param={} uselower={} mark={} {}",
            Literal::Number(self.factor),
            self.use_lower,
            self.mark,
            commas(&self.fields)
        )
    }
}
