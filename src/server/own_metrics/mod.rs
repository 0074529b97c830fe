//! Belfry's metrics of itself: declared here, read at `GET /metrics` (Prometheus text) and, once
//! a minute, in the namespace `Belfry` of its own store.
//!
//! | file | what |
//! |---|---|
//! | `declared` | each number's names, unit and meaning |
//! | `sources` | numbers that others keep |
//! | `classic` | Prometheus' text format, version 0.0.4 |

mod classic;
mod declared;
mod sources;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use belfry_alarm::runner::RunReport;
use belfry_model::Tenant;
use belfry_notify::filter;
use belfry_notify::observer::{DeliveryReport, DeliveryStatus, NotifyObserver};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

pub use declared::{DECLARED, Declared, Kind, Own};
pub use sources::Sources;

/// What `Content-Type` says of OpenMetrics text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a request is counted under.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RequestLabels {
    pub service: &'static str,
    pub operation: &'static str,
    pub protocol: &'static str,
    pub status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OperationLabels {
    pub service: &'static str,
    pub operation: &'static str,
}

/// All metrics of one node.
pub struct OwnMetrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<OperationLabels, Histogram>,
    /// One for each of [`DECLARED`], in its order.
    numbers: Vec<Number>,
}

/// One declared number.
struct Number {
    value: Value,
    /// Of counters: what the datapoints in the namespace have told already.
    told: AtomicU64,
}

enum Value {
    Counter(Counter<u64, AtomicU64>),
    Gauge(Gauge<u64, AtomicU64>),
}

impl Number {
    fn new(kind: Kind) -> Self {
        Self {
            value: match kind {
                Kind::Counter => Value::Counter(Counter::default()),
                Kind::Gauge => Value::Gauge(Gauge::default()),
            },
            told: AtomicU64::new(0),
        }
    }

    fn raw(&self) -> &AtomicU64 {
        match &self.value {
            Value::Counter(counter) => counter.inner(),
            Value::Gauge(gauge) => gauge.inner(),
        }
    }

    fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        match &self.value {
            Value::Counter(counter) => registry.register(name, help, counter.clone()),
            Value::Gauge(gauge) => registry.register(name, help, gauge.clone()),
        }
    }
}

impl Default for OwnMetrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("belfry");
        let requests = Family::<RequestLabels, Counter>::default();
        registry.register(
            "server_requests",
            "Requests answered, by operation and status",
            requests.clone(),
        );
        // 0.1 ms to about 13 s.
        let request_seconds = Family::<OperationLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.0001, 2.0, 18))
        });
        registry.register(
            "server_request_seconds",
            "Time from the complete head of a request to its answer",
            request_seconds.clone(),
        );
        let declare = |declared: &Declared| {
            let number = Number::new(declared.kind);
            if let Some(name) = declared.exposed {
                number.register(&mut registry, name, declared.help);
            }
            number
        };
        let numbers = DECLARED.iter().map(declare).collect();
        Self {
            registry,
            requests,
            request_seconds,
            numbers,
        }
    }
}

impl OwnMetrics {
    pub fn shared() -> Arc<Self> {
        Arc::default()
    }

    /// Adds to a counter.
    pub fn add(&self, own: Own, count: u64) {
        if let Some(number) = self.numbers.get(own as usize) {
            number.raw().fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Takes over a number that somebody else counts.
    pub fn set(&self, own: Own, value: u64) {
        if let Some(number) = self.numbers.get(own as usize) {
            number.raw().store(value, Ordering::Relaxed);
        }
    }

    pub fn request_answered(&self, labels: RequestLabels, seconds: f64) {
        let operation = OperationLabels {
            service: labels.service,
            operation: labels.operation,
        };
        self.add(Own::Requests, 1);
        if labels.status >= 500 {
            self.add(Own::FailedRequests, 1);
        }
        self.requests.get_or_create(&labels).inc();
        self.request_seconds
            .get_or_create(&operation)
            .observe(seconds);
    }

    pub fn alarms_ran(&self, report: RunReport) {
        self.add(Own::AlarmEvaluations, report.evaluated as u64);
        self.add(Own::AlarmTransitions, report.transitions as u64);
        self.add(Own::AlarmFailures, report.failed as u64);
    }

    /// The values of a minute: of counters what was added since the last call, of gauges what
    /// they show.
    pub fn take(&self) -> Vec<(&'static Declared, u64)> {
        let take = |(declared, number): (&'static Declared, &Number)| {
            let value = number.raw().load(Ordering::Relaxed);
            let value = match declared.kind {
                Kind::Counter => value.saturating_sub(number.told.swap(value, Ordering::Relaxed)),
                Kind::Gauge => value,
            };
            (declared, value)
        };
        DECLARED.iter().zip(&self.numbers).map(take).collect()
    }

    /// The text of `GET /metrics` with its content type: OpenMetrics for those who name it in
    /// `Accept`, else the format that every Prometheus reads.
    ///
    /// # Errors
    /// Never in practice: writing to a string does not fail.
    pub fn text(&self, accept: &str) -> Result<(&'static str, String), std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        if accept.contains("application/openmetrics-text") {
            return Ok((OPEN_METRICS, text));
        }
        Ok((classic::CONTENT_TYPE, classic::classic(&text)))
    }
}

impl NotifyObserver for OwnMetrics {
    fn published(&self, _: &Tenant, _: &str, _: usize) {}

    fn filtered(&self, _: &Tenant, _: &str, _: filter::Outcome) {}

    fn attempted(&self, report: &DeliveryReport) {
        let own = match report.status {
            DeliveryStatus::Delivered => Own::Delivered,
            DeliveryStatus::Retrying => Own::DeliveriesRetried,
            DeliveryStatus::Failed => Own::DeliveriesFailed,
        };
        self.add(own, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(metrics: &OwnMetrics, own: Own) -> u64 {
        let taken = metrics.take();
        let mut found = taken.iter().filter(|(declared, _)| declared.own == own);
        found.next().unwrap().1
    }

    #[test]
    fn counts_and_tells_each_thing_once() {
        let metrics = OwnMetrics::default();
        let labels = RequestLabels {
            service: "logs",
            operation: "PutLogEvents",
            protocol: "json11",
            status: 500,
        };
        metrics.request_answered(labels, 0.01);
        metrics.add(Own::ReceivedBytes, 42);
        metrics.set(Own::OutboxRows, 7);
        metrics.alarms_ran(RunReport {
            evaluated: 3,
            transitions: 2,
            failed: 1,
        });
        let taken_now = metrics.take();
        for (own, expected) in [
            (Own::Requests, 1),
            (Own::FailedRequests, 1),
            (Own::ReceivedBytes, 42),
            (Own::AlarmEvaluations, 3),
            (Own::OutboxRows, 7),
        ] {
            let value = taken_now.iter().find(|(d, _)| d.own == own).unwrap().1;
            assert_eq!(value, expected, "{own:?}");
        }
        assert_eq!(taken(&metrics, Own::Requests), 0);
        assert_eq!(taken(&metrics, Own::OutboxRows), 7, "a gauge stands");
    }

    #[test]
    fn everybody_gets_a_format_they_read() {
        let metrics = OwnMetrics::default();
        metrics.add(Own::AlarmTransitions, 2);
        metrics.set(Own::LogsSegments, 5);
        for accept in ["", "*/*", "text/plain;version=0.0.4"] {
            let (content_type, text) = metrics.text(accept).unwrap();
            assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
            for line in [
                "# TYPE belfry_alarms_transitions_total counter",
                "belfry_alarms_transitions_total 2",
                "# TYPE belfry_logs_segments gauge",
                "belfry_logs_segments 5",
            ] {
                assert!(text.lines().any(|found| found == line), "{line}: {text}");
            }
            assert!(!text.contains("EOF"), "{text}");
        }
        let accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3";
        let (content_type, text) = metrics.text(accept).unwrap();
        assert!(content_type.starts_with("application/openmetrics-text"));
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
