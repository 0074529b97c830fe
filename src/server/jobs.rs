//! The periodic work of a node, each as a [`Job`].

use std::sync::Arc;

use async_trait::async_trait;
use belfry_alarm::AlarmRunner;
use belfry_catalog::Catalog;
use belfry_model::time::MINUTE_MS;
use belfry_model::{Tenant, TimestampMs};
use belfry_notify::DeliveryWorker;
use belfry_query::insights::InsightsService;
use belfry_store::logs::LogsStore;
use belfry_store::metrics::{MetricBatch, MetricValue, MetricsStore};
use parking_lot::Mutex;

use crate::own_metrics::{OwnMetrics, Sources};
use crate::schedule::Job;

/// Alarms that have their turn.
pub struct AlarmTurns {
    pub runner: Arc<AlarmRunner<dyn Catalog>>,
    pub own: Arc<OwnMetrics>,
}

#[async_trait]
impl Job for AlarmTurns {
    fn name(&self) -> &'static str {
        "alarms"
    }

    async fn next_due(&self, now: TimestampMs) -> Option<TimestampMs> {
        match self.runner.next_due(now).await {
            Ok(due) => Some(due),
            Err(error) => {
                tracing::error!(%error, "cannot tell when alarms are due");
                None
            }
        }
    }

    async fn run_due(&self, now: TimestampMs) {
        match self.runner.run_due(now).await {
            Ok(report) => self.own.alarms_ran(report),
            Err(error) => tracing::error!(%error, "alarms were not evaluated"),
        }
    }
}

/// Deliveries of notifications that are due.
pub struct Deliveries(pub Arc<DeliveryWorker>);

#[async_trait]
impl Job for Deliveries {
    fn name(&self) -> &'static str {
        "deliveries"
    }

    async fn next_due(&self, _: TimestampMs) -> Option<TimestampMs> {
        self.0.next_due().await.unwrap_or_else(|error| {
            tracing::error!(%error, "cannot tell when deliveries are due");
            None
        })
    }

    async fn woken(&self) {
        self.0.woken().await;
    }

    async fn run_due(&self, now: TimestampMs) {
        if let Err(error) = self.0.run_due(now).await {
            tracing::error!(%error, "deliveries failed");
        }
    }
}

/// Flush, compaction, roll-up and retention of metrics.
pub struct MetricsMaintenance(pub MetricsStore);

#[async_trait]
impl Job for MetricsMaintenance {
    fn name(&self) -> &'static str {
        "metrics"
    }

    async fn next_due(&self, _: TimestampMs) -> Option<TimestampMs> {
        Some(self.0.next_due())
    }

    async fn run_due(&self, now: TimestampMs) {
        if let Err(error) = self.0.run_due(now).await {
            tracing::error!(%error, "maintenance of metrics failed");
        }
    }
}

/// Queries that run for too long or are old.
pub struct Queries(pub Arc<InsightsService>);

#[async_trait]
impl Job for Queries {
    fn name(&self) -> &'static str {
        "queries"
    }

    async fn next_due(&self, _: TimestampMs) -> Option<TimestampMs> {
        Some(self.0.next_due())
    }

    async fn run_due(&self, now: TimestampMs) {
        if let Err(error) = self.0.run_due(now).await {
            tracing::error!(%error, "queries could not be cleaned up");
        }
    }
}

/// Flush, compaction and retention of logs.
pub struct LogsMaintenance(pub LogsStore);

#[async_trait]
impl Job for LogsMaintenance {
    fn name(&self) -> &'static str {
        "logs"
    }

    async fn next_due(&self, _: TimestampMs) -> Option<TimestampMs> {
        Some(self.0.next_due())
    }

    async fn run_due(&self, now: TimestampMs) {
        if let Err(error) = self.0.run_due(now).await {
            tracing::error!(%error, "maintenance of logs failed");
        }
    }
}

/// The namespace of Belfry's metrics of itself.
const OWN_NAMESPACE: &str = "Belfry";

/// Once a minute, what Belfry counted of itself becomes datapoints in its own store, in the
/// operator's account: so that its alarms and dashboards can watch it too.
pub struct SelfObservation {
    pub tenant: Tenant,
    pub own: Arc<OwnMetrics>,
    pub sources: Arc<Sources>,
    due: Mutex<TimestampMs>,
}

impl SelfObservation {
    pub fn new(
        tenant: Tenant,
        own: Arc<OwnMetrics>,
        sources: Arc<Sources>,
        now: TimestampMs,
    ) -> Self {
        Self {
            tenant,
            own,
            sources,
            due: Mutex::new(now.floor_to(MINUTE_MS).saturating_add_ms(MINUTE_MS)),
        }
    }

    fn batch(&self, now: TimestampMs) -> belfry_store::Result<MetricBatch> {
        let values = self.own.take();
        let mut batch = MetricBatch::with_capacity(values.len());
        // The minute that has just ended.
        let minute = now.floor_to(MINUTE_MS).saturating_sub_ms(MINUTE_MS);
        for (declared, value) in values {
            let value = MetricValue::Single(value as f64);
            let (name, unit) = (declared.metric, declared.unit);
            batch.push(OWN_NAMESPACE, name, &[], minute, unit, 60, value)?;
        }
        Ok(batch)
    }
}

#[async_trait]
impl Job for SelfObservation {
    fn name(&self) -> &'static str {
        "self-observation"
    }

    async fn next_due(&self, _: TimestampMs) -> Option<TimestampMs> {
        Some(*self.due.lock())
    }

    async fn run_due(&self, now: TimestampMs) {
        *self.due.lock() = now.floor_to(MINUTE_MS).saturating_add_ms(MINUTE_MS);
        self.sources.read(&self.own).await;
        let stored = match self.batch(now) {
            Ok(batch) => self.sources.metrics.put(&self.tenant, batch, None).await,
            Err(error) => Err(error),
        };
        if let Err(error) = stored {
            tracing::warn!(%error, "Belfry's own metrics were not stored");
        }
    }
}
