//! What operations call: the stores, the engines, the catalog.

use std::sync::Arc;

use belfry_alarm::AlarmService;
use belfry_catalog::Catalog;
use belfry_model::Clock;
use belfry_notify::TopicService;
use belfry_query::insights::InsightsService;
use belfry_store::logs::LogsStore;
use belfry_store::metrics::MetricsStore;

use crate::page_token::PageTokens;

/// One set for a node; cheap to clone.
#[derive(Clone)]
pub struct Services {
    pub clock: Arc<dyn Clock>,
    pub catalog: Arc<dyn Catalog>,
    pub metrics: MetricsStore,
    pub logs: LogsStore,
    pub insights: Arc<InsightsService>,
    pub alarms: Arc<AlarmService<dyn Catalog>>,
    pub topics: Arc<TopicService>,
    pub page_tokens: PageTokens,
    pub settings: Settings,
}

/// What the operator decides.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether PutMetricData may write to `AWS/...` (spec metrics.md 1).
    pub allow_aws_namespaces: bool,
}
