//! A query of GetMetricData, which the alarms on several metrics consist of too.

use belfry_wire::{Constrained, Constraints};
use serde::{Deserialize, Serialize};

use super::dimension::Dimension;
use super::limits;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MetricDataQuery {
    pub id: Option<String>,
    pub metric_stat: Option<MetricStat>,
    pub expression: Option<String>,
    pub label: Option<String>,
    pub return_data: Option<bool>,
    pub period: Option<i32>,
    pub account_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MetricStat {
    pub metric: Option<Metric>,
    pub period: Option<i32>,
    pub stat: Option<String>,
    pub unit: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Metric {
    pub namespace: Option<String>,
    pub metric_name: Option<String>,
    pub dimensions: Option<Vec<Dimension>>,
}

impl Constrained for MetricDataQuery {
    fn check(&self, c: &mut Constraints) {
        c.member("Id", &self.id).required().length(1..=255);
        c.member("MetricStat", &self.metric_stat).structure();
        c.member("Expression", &self.expression).length(1..=2_048);
        limits::period(c, &self.period);
        c.member("AccountId", &self.account_id).length(1..=255);
    }
}

impl Constrained for MetricStat {
    fn check(&self, c: &mut Constraints) {
        c.member("Metric", &self.metric).required().structure();
        c.member("Period", &self.period).required().range(1..);
        c.member("Stat", &self.stat).required();
        limits::unit(c, &self.unit);
    }
}

impl Constrained for Metric {
    fn check(&self, c: &mut Constraints) {
        limits::namespace(c, &self.namespace);
        limits::metric_name(c, &self.metric_name);
        limits::dimensions(c, &self.dimensions);
    }
}

impl MetricDataQuery {
    /// Whether the query has the form of an Id: it begins with a lower-case letter, and has
    /// letters, digits and underscores (spec metrics.md 7).
    pub fn has_valid_id(&self) -> bool {
        let id = self.id.as_deref().unwrap_or_default();
        id.starts_with(|c: char| c.is_ascii_lowercase())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    }

    pub fn returns_data(&self) -> bool {
        self.return_data != Some(false)
    }

    /// Of the metric, or of the expression where it has one.
    pub fn period(&self) -> Option<i32> {
        match &self.metric_stat {
            Some(stat) => stat.period,
            None => self.period,
        }
    }
}
