//! Statistics as requests name them.

use belfry_model::{Statistic, StatisticSet};

use super::two_texts;

/// The statistic on the first line, samples after it: what parses keeps its text, and computes
/// no NaN from samples that PutMetricData takes.
pub fn statistic(data: &[u8]) {
    let Some((text, samples)) = two_texts(data) else {
        return;
    };
    let Ok(statistic) = Statistic::parse(text) else {
        return;
    };
    assert_eq!(statistic.as_str(), text);

    let limit = 2_f64.powi(360);
    let samples: Vec<f64> = samples
        .split_ascii_whitespace()
        .filter_map(|sample| sample.parse().ok())
        .filter(|sample| (-limit..=limit).contains(sample))
        .collect();
    let value = statistic.compute(&StatisticSet::from_values(&samples, None));
    assert!(!value.is_some_and(f64::is_nan), "{text} of {samples:?}");
}
