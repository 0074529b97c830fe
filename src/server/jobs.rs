//! The periodic work of a node, each as a [`Job`].

use std::sync::Arc;

use async_trait::async_trait;
use belfry_alarm::AlarmRunner;
use belfry_catalog::Catalog;
use belfry_model::TimestampMs;
use belfry_notify::DeliveryWorker;
use belfry_query::insights::InsightsService;
use belfry_store::logs::LogsStore;
use belfry_store::metrics::MetricsStore;

use crate::schedule::Job;

/// Alarms that have their turn.
pub struct AlarmTurns(pub Arc<AlarmRunner<dyn Catalog>>);

#[async_trait]
impl Job for AlarmTurns {
    fn name(&self) -> &'static str {
        "alarms"
    }

    async fn next_due(&self, now: TimestampMs) -> Option<TimestampMs> {
        match self.0.next_due(now).await {
            Ok(due) => Some(due),
            Err(error) => {
                tracing::error!(%error, "cannot tell when alarms are due");
                None
            }
        }
    }

    async fn run_due(&self, now: TimestampMs) {
        if let Err(error) = self.0.run_due(now).await {
            tracing::error!(%error, "alarms were not evaluated");
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
