//! An alarm and its datapoints for the tests of this package.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;

use belfry_model::TimestampMs;
use belfry_model::alarm::{ComparisonOperator, MetricAlarm};
use belfry_model::{Dimension, MetricId, Statistic, Tenant};

use crate::source::{DatapointSource, Datapoints, ReadError, ReadRequest};
use crate::verdict::Datapoint;

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

pub fn at(text: &str) -> TimestampMs {
    TimestampMs::parse_iso8601(text).expect("a time")
}

/// Metrics in memory: each value one sample, averaged by slot.
#[derive(Default)]
pub struct FakeSource {
    samples: Mutex<Vec<(&'static str, TimestampMs, f64)>>,
    reads: AtomicUsize,
}

impl FakeSource {
    /// Reading the metric of this name fails.
    pub const BROKEN: &'static str = "broken";

    pub fn put(&self, metric: &'static str, time: TimestampMs, value: f64) {
        self.samples.lock().push((metric, time, value));
    }

    /// How often it was read.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    pub fn slots(&self, request: &ReadRequest) -> Result<Datapoints, ReadError> {
        if &*request.metric.name == Self::BROKEN {
            return Err("disk on fire".into());
        }
        let samples = self.samples.lock();
        let mut datapoints = Datapoints::new();
        for start in request.window.slot_starts() {
            let end = start + request.window.period_ms();
            let values: Vec<f64> = samples
                .iter()
                .filter(|(metric, time, _)| {
                    *metric == &*request.metric.name && (start..end).contains(time)
                })
                .map(|(_, _, value)| *value)
                .collect();
            if !values.is_empty() {
                let count = values.len() as f64;
                let average = values.iter().sum::<f64>() / count;
                datapoints.insert(start, Datapoint::new(average, count));
            }
        }
        Ok(datapoints)
    }
}

#[async_trait]
impl DatapointSource for FakeSource {
    async fn read(&self, requests: &[ReadRequest]) -> Vec<Result<Datapoints, ReadError>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        requests.iter().map(|request| self.slots(request)).collect()
    }
}
