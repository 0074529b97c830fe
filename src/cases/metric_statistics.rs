//! One bucket of samples, one statistic (spec metrics.md 4).

use belfry_model::{Statistic, StatisticSet};
use serde::Deserialize;
use serde_json::Value;

use super::{Outcome, numbers_agree};

#[derive(Deserialize)]
struct Case {
    samples: Vec<Sample>,
    statistic: String,
    expect: Expectation,
}

/// As the datums of PutMetricData.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sample {
    value: Option<f64>,
    values: Option<Vec<f64>>,
    counts: Option<Vec<f64>>,
    statistic_values: Option<StatisticValues>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatisticValues {
    sample_count: f64,
    sum: f64,
    minimum: f64,
    maximum: f64,
}

#[derive(Deserialize)]
struct Expectation {
    value: Option<f64>,
    error: Option<String>,
}

impl Sample {
    fn set(&self) -> Option<StatisticSet> {
        if let Some(v) = &self.statistic_values {
            let (count, sum) = (v.sample_count, v.sum);
            return Some(StatisticSet::from_aggregate(
                count, sum, v.minimum, v.maximum,
            ));
        }
        if let Some(values) = &self.values {
            return Some(StatisticSet::from_values(values, self.counts.as_deref()));
        }
        self.value.map(StatisticSet::from_value)
    }
}

pub fn run(case: &Value) -> Outcome {
    let case: Case = match Case::deserialize(case) {
        Ok(case) => case,
        Err(error) => return Outcome::Failed(format!("unreadable case: {error}")),
    };
    let statistic = match (Statistic::parse(&case.statistic), &case.expect.error) {
        (Err(_), Some(_)) => return Outcome::Passed,
        (Err(error), None) => return Outcome::Failed(format!("refused: {error}")),
        (Ok(_), Some(error)) => return Outcome::Failed(format!("accepted, expected {error}")),
        (Ok(statistic), None) => statistic,
    };
    let bucket = case
        .samples
        .iter()
        .filter_map(Sample::set)
        .reduce(|mut bucket, set| {
            bucket.merge(&set);
            bucket
        });
    // A bucket without samples has no datapoint, whatever the statistic.
    let got = bucket.and_then(|bucket| statistic.compute(&bucket));
    match (got, case.expect.value) {
        (None, None) => Outcome::Passed,
        (Some(got), Some(want)) if numbers_agree(got, want) => Outcome::Passed,
        (got, want) => Outcome::Failed(format!("- expected {want:?}\n+ got      {got:?}")),
    }
}
