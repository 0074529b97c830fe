//! Dashboard bodies, stored verbatim. Dashboards belong to an account, not to a region.

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs};

use crate::Page;
use crate::error::Result;

#[derive(Clone, Debug, PartialEq)]
pub struct DashboardRow {
    pub name: String,
    pub body: String,
    pub modified_at: TimestampMs,
}

#[async_trait]
pub trait DashboardCatalog: Send + Sync {
    /// Creates or replaces. `tags` count only on creation.
    async fn put_dashboard(
        &self,
        tenant: &Tenant,
        name: &str,
        body: &str,
        tags: Vec<(String, String)>,
        now: TimestampMs,
    ) -> Result<()>;
    async fn dashboard(&self, tenant: &Tenant, name: &str) -> Result<Option<DashboardRow>>;
    async fn dashboards(
        &self,
        tenant: &Tenant,
        prefix: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DashboardRow>>;
    /// All or nothing.
    ///
    /// # Errors
    /// `NotFound` naming those that do not exist, comma-separated; then none is deleted.
    async fn delete_dashboards(&self, tenant: &Tenant, names: &[String]) -> Result<()>;
}
