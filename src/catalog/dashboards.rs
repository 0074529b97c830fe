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

/// A line of a listing: all but the body, which may be large.
#[derive(Clone, Debug, PartialEq)]
pub struct DashboardEntry {
    pub name: String,
    /// Length of the body in bytes of UTF-8.
    pub bytes: u64,
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
    /// In order of name, after the name `after`.
    async fn dashboards(
        &self,
        tenant: &Tenant,
        prefix: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DashboardEntry>>;
    /// All or nothing, with their tags.
    ///
    /// # Errors
    /// `NotFound` naming those that do not exist, comma-separated; then none is deleted.
    async fn delete_dashboards(&self, tenant: &Tenant, names: &[String]) -> Result<()>;
}
