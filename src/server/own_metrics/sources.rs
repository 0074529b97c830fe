//! Numbers that others keep, read when somebody asks.

use std::sync::Arc;

use belfry_catalog::Catalog;
use belfry_query::insights::InsightsService;
use belfry_store::logs::LogsStore;
use belfry_store::metrics::MetricsStore;

use super::{Own, OwnMetrics};
use crate::admission::Admission;

/// Where they are read.
pub struct Sources {
    pub admission: Admission,
    pub metrics: MetricsStore,
    pub logs: LogsStore,
    pub insights: Arc<InsightsService>,
    pub catalog: Arc<dyn Catalog>,
}

impl Sources {
    /// Brings `own` up to date. What cannot be read keeps its value.
    pub async fn read(&self, own: &OwnMetrics) {
        let held = u64::try_from(self.admission.held_bytes()).unwrap_or(0);
        own.set(Own::BodyBytesHeld, held);
        let metrics = self.metrics.stats();
        own.set(Own::MetricsWalBytes, metrics.wal_bytes);
        own.set(Own::MetricsHeadBytes, metrics.head_bytes);
        own.set(Own::MetricsHeadSeries, metrics.head_series);
        own.set(Own::MetricsHeadSamples, metrics.head_samples);
        own.set(Own::MetricsBlocks, metrics.blocks);
        own.set(Own::MetricsBlockBytes, metrics.block_bytes);
        let logs = self.logs.stats();
        own.set(Own::LogsWalBytes, logs.wal_bytes);
        own.set(Own::LogsHeadBytes, logs.head_bytes);
        own.set(Own::LogsSegments, logs.segments);
        own.set(Own::LogsSegmentBytes, logs.segment_bytes);
        let queries = self.insights.counts();
        own.set(Own::QueriesRunning, queries.running);
        own.set(Own::QueriesFinished, queries.finished);
        own.set(Own::QueriesFailed, queries.failed);
        match self.catalog.outbox_len().await {
            Ok(rows) => own.set(Own::OutboxRows, rows),
            Err(error) => tracing::warn!(%error, "the length of the outbox is not known"),
        }
    }
}
