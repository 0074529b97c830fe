//! A dimension as requests and answers write it.

use belfry_model::quota::{DIMENSION_NAME_CHARS_MAX, DIMENSION_VALUE_CHARS_MAX};
use belfry_model::{self as model, MetricId};
use belfry_wire::errors::ApiError;
use belfry_wire::{Constrained, Constraints};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Dimension {
    pub name: Option<String>,
    pub value: Option<String>,
}

impl Constrained for Dimension {
    fn check(&self, c: &mut Constraints) {
        c.member("Name", &self.name)
            .required()
            .length(1..=DIMENSION_NAME_CHARS_MAX);
        c.member("Value", &self.value)
            .required()
            .length(1..=DIMENSION_VALUE_CHARS_MAX);
    }
}

/// What is wrong with the dimensions of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateName;

impl DuplicateName {
    /// The observed text (spec metrics.md 1).
    pub const TEXT: &'static str = "No metric may specify the same dimension name twice.";
}

/// The metric that `namespace`, `name` and `dimensions` identify.
///
/// # Errors
/// `fault` with the observed text, if a dimension's name is there twice.
pub fn metric_id(
    namespace: &str,
    name: &str,
    dimensions: &[Dimension],
    fault: fn(String) -> ApiError,
) -> Result<MetricId, ApiError> {
    let listed = dimensions
        .iter()
        .map(|d| {
            model::Dimension::new(
                d.name.as_deref().unwrap_or_default(),
                d.value.as_deref().unwrap_or_default(),
            )
        })
        .collect();
    let id = MetricId::new(namespace, name, listed);
    // They are sorted by name.
    let twice = id.dimensions().windows(2).any(|pair| match pair {
        [a, b] => a.name == b.name,
        _ => false,
    });
    if twice {
        return Err(fault(DuplicateName::TEXT.to_owned()));
    }
    Ok(id)
}

/// As an answer lists them: by name.
pub fn listed(metric: &MetricId) -> Vec<Dimension> {
    metric
        .dimensions()
        .iter()
        .map(|dimension| Dimension {
            name: Some(dimension.name.to_string()),
            value: Some(dimension.value.to_string()),
        })
        .collect()
}
