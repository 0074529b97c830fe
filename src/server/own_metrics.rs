//! Belfry's metrics of itself: declared here, read at `GET /metrics` (Prometheus text) and, once
//! a minute, in the namespace `Belfry` of its own store.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

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
    received_bytes: Counter,
    body_bytes_held: Gauge<i64, AtomicI64>,
    throttled: Counter,
    /// What the last minute's datapoints have told already.
    told: Told,
}

#[derive(Default)]
struct Told {
    requests: AtomicU64,
    failures: AtomicU64,
    received_bytes: AtomicU64,
    throttled: AtomicU64,
}

/// What happened since the last time it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delta {
    pub requests: u64,
    /// Requests answered with a 5xx status.
    pub failures: u64,
    pub received_bytes: u64,
    pub throttled: u64,
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
        let received_bytes = Counter::default();
        registry.register(
            "server_received_bytes",
            "Bytes of request bodies, as received",
            received_bytes.clone(),
        );
        let body_bytes_held = Gauge::default();
        registry.register(
            "server_body_bytes_held",
            "Bytes reserved for request bodies that are being worked on",
            body_bytes_held.clone(),
        );
        let throttled = Counter::default();
        registry.register(
            "server_throttled",
            "Requests refused because a memory limit was reached",
            throttled.clone(),
        );
        Self {
            registry,
            requests,
            request_seconds,
            received_bytes,
            body_bytes_held,
            throttled,
            told: Told::default(),
        }
    }
}

impl OwnMetrics {
    pub fn shared() -> Arc<Self> {
        Arc::default()
    }

    pub fn request_answered(&self, labels: RequestLabels, seconds: f64) {
        let operation = OperationLabels {
            service: labels.service,
            operation: labels.operation,
        };
        self.told.requests.fetch_add(1, Ordering::Relaxed);
        if labels.status >= 500 {
            self.told.failures.fetch_add(1, Ordering::Relaxed);
        }
        self.requests.get_or_create(&labels).inc();
        self.request_seconds
            .get_or_create(&operation)
            .observe(seconds);
    }

    pub fn body_received(&self, bytes: usize) {
        self.told
            .received_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
        self.received_bytes.inc_by(bytes as u64);
    }

    pub fn body_bytes_held(&self, bytes: i64) {
        self.body_bytes_held.set(bytes);
    }

    pub fn request_throttled(&self) {
        self.told.throttled.fetch_add(1, Ordering::Relaxed);
        self.throttled.inc();
    }

    /// What has happened since the last call.
    pub fn take_delta(&self) -> Delta {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Delta {
            requests: take(&self.told.requests),
            failures: take(&self.told.failures),
            received_bytes: take(&self.told.received_bytes),
            throttled: take(&self.told.throttled),
        }
    }

    /// OpenMetrics text.
    ///
    /// # Errors
    /// Never in practice: writing to a string does not fail.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        metrics.body_received(42);
        let delta = metrics.take_delta();
        assert_eq!(
            (delta.requests, delta.failures, delta.received_bytes),
            (1, 1, 42)
        );
        assert_eq!(metrics.take_delta().requests, 0);
        let text = metrics.text().unwrap();
        assert!(
            text.contains(
                "belfry_server_requests_total{service=\"logs\",operation=\"PutLogEvents\",protocol=\"json11\",status=\"500\"} 1"
            ),
            "{text}"
        );
    }
}
