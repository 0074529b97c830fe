//! An alarm for the tests of this package.

use belfry_model::alarm::{ComparisonOperator, MetricAlarm};
use belfry_model::{Dimension, MetricId, Statistic, Tenant};

pub fn tenant() -> Tenant {
    Tenant::new("111122223333", "eu-west-1")
}

pub const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:ops";

/// The alarm of spec alarms.md 18: 2 out of 3 minutes above 7.
pub fn alarm() -> MetricAlarm {
    MetricAlarm {
        name: "checkout-latency".to_owned(),
        description: None,
        actions_enabled: true,
        ok_actions: Vec::new(),
        alarm_actions: vec![TOPIC.to_owned()],
        insufficient_data_actions: Vec::new(),
        metric: MetricId::new("Shop/Api", "Latency", vec![Dimension::new("Route", "/pay")]),
        statistic: Statistic::Average,
        period_s: 60,
        unit: None,
        evaluation_periods: 3,
        datapoints_to_alarm: Some(2),
        threshold: 7.0,
        comparison: ComparisonOperator::GreaterThanThreshold,
        treat_missing_data: None,
        low_sample_percentile: None,
    }
}

pub fn at(text: &str) -> belfry_model::TimestampMs {
    belfry_model::TimestampMs::parse_iso8601(text).expect("a time")
}
