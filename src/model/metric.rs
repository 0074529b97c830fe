//! The identity of a metric: namespace, name, set of dimensions.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One name/value pair.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dimension {
    pub name: Arc<str>,
    pub value: Arc<str>,
}

impl Dimension {
    pub fn new(name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// A metric inside a tenant. Dimensions are kept sorted by name, so that equality
/// does not depend on the order in the request (spec metrics.md 1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MetricId {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    dimensions: Vec<Dimension>,
}

impl MetricId {
    pub fn new(
        namespace: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
        mut dimensions: Vec<Dimension>,
    ) -> Self {
        dimensions.sort_unstable();
        Self {
            namespace: namespace.into(),
            name: name.into(),
            dimensions,
        }
    }

    /// Sorted by name.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    pub fn dimension(&self, name: &str) -> Option<&str> {
        self.dimensions
            .iter()
            .find(|d| &*d.name == name)
            .map(|d| &*d.value)
    }
}

impl fmt::Display for MetricId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, self.name)?;
        for d in &self.dimensions {
            write!(f, " {}={}", d.name, d.value)?;
        }
        Ok(())
    }
}
