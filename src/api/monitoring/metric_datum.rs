//! A datum of PutMetricData as a tree, and everything it can be refused for (spec metrics.md 2).

use belfry_alarm::number::java_double;
use belfry_model::quota::{
    METRIC_AGE_MS_MAX, METRIC_FUTURE_MS_MAX, METRIC_NAME_CHARS_MAX, METRIC_VALUE_ABS_MAX,
    METRIC_VALUES_MAX,
};
use belfry_model::{TimestampMs, Unit};
use belfry_store::metrics::{MetricBatch, MetricValue};
use belfry_wire::errors::monitoring::{invalid_parameter_combination, invalid_parameter_value};
use belfry_wire::{ApiError, Constrained, Constraints, Timestamp};
use serde::{Deserialize, Serialize};

use super::dimension::{Dimension, DuplicateName};
use super::limits;
use super::metric_text;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MetricDatum {
    pub metric_name: Option<String>,
    pub dimensions: Option<Vec<Dimension>>,
    pub timestamp: Option<Timestamp>,
    pub value: Option<f64>,
    pub statistic_values: Option<StatisticValues>,
    pub values: Option<Vec<f64>>,
    pub counts: Option<Vec<f64>>,
    pub unit: Option<String>,
    pub storage_resolution: Option<i32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StatisticValues {
    pub sample_count: Option<f64>,
    pub sum: Option<f64>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
}

impl Constrained for MetricDatum {
    fn check(&self, c: &mut Constraints) {
        c.member("MetricName", &self.metric_name)
            .required()
            .length(1..=METRIC_NAME_CHARS_MAX);
        limits::dimensions(c, &self.dimensions);
        c.member("StatisticValues", &self.statistic_values)
            .structure();
        limits::unit(c, &self.unit);
    }
}

impl Constrained for StatisticValues {
    fn check(&self, c: &mut Constraints) {
        c.member("SampleCount", &self.sample_count).required();
        c.member("Sum", &self.sum).required();
        c.member("Minimum", &self.minimum).required();
        c.member("Maximum", &self.maximum).required();
    }
}

/// When datums may be.
#[derive(Clone, Copy, Debug)]
pub struct TimeWindow {
    pub now: TimestampMs,
    pub oldest: TimestampMs,
    pub newest: TimestampMs,
}

impl TimeWindow {
    pub fn at(now: TimestampMs) -> Self {
        Self {
            now,
            oldest: now.saturating_sub_ms(METRIC_AGE_MS_MAX),
            newest: now.saturating_add_ms(METRIC_FUTURE_MS_MAX),
        }
    }
}

/// Whether a number can be a value: finite and within ±2^360.
pub fn is_value(number: f64) -> bool {
    number.abs() <= METRIC_VALUE_ABS_MAX
}

/// Whether a number can be a count. Fractions and zero are counts.
pub fn is_count(number: f64) -> bool {
    number.is_finite() && number >= 0.0
}

fn some(numbers: &Option<Vec<f64>>) -> &[f64] {
    numbers.as_deref().unwrap_or_default()
}

impl MetricDatum {
    /// Adds the datum to `batch`. `path` is where it stands: `MetricData.member.1`. An empty
    /// list counts as none: the Query protocol cannot tell them apart.
    ///
    /// # Errors
    /// The first thing the datum is refused for, with the observed text.
    pub fn push(
        &self,
        batch: &mut MetricBatch,
        namespace: &str,
        path: &str,
        window: TimeWindow,
    ) -> Result<(), ApiError> {
        self.check_kind(path)?;
        let name = self.metric_name.as_deref().unwrap_or_default();
        metric_text::check(name, &format!("{path}.MetricName"))?;
        let dimensions = self.checked_dimensions(path)?;
        let resolution = self.storage_resolution.unwrap_or(60);
        if resolution != 1 && resolution != 60 {
            return Err(invalid_parameter_value(format!(
                "The parameter {path}.StorageResolution must be a value in the set [ 1, 60 ]."
            )));
        }
        self.check_numbers(path)?;
        let timestamp = self.checked_timestamp(path, window)?;
        let unit = self.unit.as_deref().and_then(Unit::parse);
        batch
            .push(
                namespace,
                name,
                &dimensions,
                timestamp,
                unit.unwrap_or_default(),
                if resolution == 1 { 1 } else { 60 },
                self.stored_value(),
            )
            // What is left: values and counts that add up beyond what a double can hold.
            .map_err(|error| {
                invalid_parameter_value(format!("The parameter {path} is invalid: {error}"))
            })
    }

    /// The combinations of Value, Values, Counts and StatisticValues.
    fn check_kind(&self, path: &str) -> Result<(), ApiError> {
        let (values, counts) = (some(&self.values), some(&self.counts));
        let exclusive = |other: &str| {
            invalid_parameter_combination(format!(
                "The parameters {path}.Value and {path}.{other} are mutually exclusive and you have specified both."
            ))
        };
        if self.value.is_some() && !values.is_empty() {
            return Err(exclusive("Values"));
        }
        if self.value.is_some() && self.statistic_values.is_some() {
            return Err(exclusive("StatisticValues"));
        }
        if values.is_empty() && !counts.is_empty() {
            return Err(invalid_parameter_combination(
                "The parameter values must appears when the counts parameter is specified.",
            ));
        }
        if !counts.is_empty() && counts.len() != values.len() {
            return Err(invalid_parameter_value(format!(
                "The parameters {path}.Values and {path}.Counts must be of the same size."
            )));
        }
        if self.value.is_none() && values.is_empty() && self.statistic_values.is_none() {
            return Err(invalid_parameter_combination(
                "At least one of the parameters must be specified.",
            ));
        }
        if values.len() > METRIC_VALUES_MAX && distinct(values) > METRIC_VALUES_MAX {
            return Err(invalid_parameter_value(format!(
                "The collection {path}.Values must not have a size greater than {METRIC_VALUES_MAX}."
            )));
        }
        Ok(())
    }

    fn checked_dimensions(&self, path: &str) -> Result<Vec<(&str, &str)>, ApiError> {
        let mut pairs = Vec::new();
        for (index, dimension) in self.dimensions.iter().flatten().enumerate() {
            let name = dimension.name.as_deref().unwrap_or_default();
            let value = dimension.value.as_deref().unwrap_or_default();
            let place = format!("{path}.Dimensions.member.{}", index + 1);
            metric_text::check_dimension_name(name, &format!("{place}.Name"))?;
            metric_text::check(value, &format!("{place}.Value"))?;
            pairs.push((name, value));
        }
        if metric_text::has_duplicate_names(&pairs) {
            return Err(invalid_parameter_value(DuplicateName::TEXT));
        }
        Ok(pairs)
    }

    fn check_numbers(&self, path: &str) -> Result<(), ApiError> {
        let check = |number: f64, member: &str| {
            if is_value(number) {
                return Ok(());
            }
            Err(invalid_parameter_value(format!(
                "The value {} for parameter {path}.{member} is invalid.",
                java_double(number)
            )))
        };
        if let Some(value) = self.value {
            check(value, "Value")?;
        }
        for (index, value) in some(&self.values).iter().enumerate() {
            check(*value, &format!("Values.member.{}", index + 1))?;
        }
        if !some(&self.counts).iter().all(|count| is_count(*count)) {
            return Err(invalid_parameter_value(format!(
                "The parameter {path}.Counts must contain only values greater than 0."
            )));
        }
        let Some(set) = &self.statistic_values else {
            return Ok(());
        };
        let (count, sum, min, max) = set.numbers();
        for (number, member) in [
            (count, "SampleCount"),
            (sum, "Sum"),
            (min, "Minimum"),
            (max, "Maximum"),
        ] {
            check(number, &format!("StatisticValues.{member}"))?;
        }
        if count <= 0.0 {
            return Err(invalid_parameter_value(format!(
                "The parameter {path}.StatisticValues.SampleCount must be greater than 0."
            )));
        }
        if max < min {
            return Err(invalid_parameter_value(format!(
                "The parameter {path}.StatisticValues.Maximum must be greater than {path}.StatisticValues.Minimum."
            )));
        }
        Ok(())
    }

    fn checked_timestamp(&self, path: &str, window: TimeWindow) -> Result<TimestampMs, ApiError> {
        let timestamp = self.timestamp.map_or(window.now, Timestamp::ms);
        let refused = |rule: &str| {
            let text = format!("The parameter {path}.Timestamp must specify a time {rule}.");
            Err(invalid_parameter_value(text))
        };
        if timestamp < window.oldest {
            return refused("within the past two weeks");
        }
        if timestamp > window.newest {
            return refused("no more than two hours in the future");
        }
        Ok(timestamp)
    }

    /// With a statistic set the values are passed over.
    fn stored_value(&self) -> MetricValue<'_> {
        let (values, counts) = (some(&self.values), some(&self.counts));
        match (&self.statistic_values, self.value) {
            (Some(set), _) => set.stored(),
            (None, Some(value)) => MetricValue::Single(value),
            (None, None) => MetricValue::Values {
                values,
                weights: (!counts.is_empty()).then_some(counts),
            },
        }
    }
}

impl StatisticValues {
    /// Count, sum, minimum, maximum, all of which the constraints demand.
    pub fn numbers(&self) -> (f64, f64, f64, f64) {
        let number = |member: Option<f64>| member.unwrap_or_default();
        (
            number(self.sample_count),
            number(self.sum),
            number(self.minimum),
            number(self.maximum),
        )
    }

    pub fn is_complete(&self) -> bool {
        self.sample_count.is_some()
            && self.sum.is_some()
            && self.minimum.is_some()
            && self.maximum.is_some()
    }

    pub fn stored(&self) -> MetricValue<'static> {
        let (count, sum, min, max) = self.numbers();
        MetricValue::Aggregate {
            count,
            sum,
            min,
            max,
        }
    }
}

/// How many different numbers there are.
fn distinct(numbers: &[f64]) -> usize {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.dedup();
    sorted.len()
}
