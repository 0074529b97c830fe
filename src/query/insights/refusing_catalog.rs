//! A catalog of queries that refuses to write some rows, for tests.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use belfry_catalog::queries::{QueryCatalog, QueryFilter, QueryRow, ResultPiece};
use belfry_catalog::{Catalog, Error, Page, Result};
use belfry_model::{Tenant, TimestampMs};
use parking_lot::Mutex;
use tokio::sync::{RwLock, RwLockWriteGuard};

pub struct RefusingCatalog {
    real: Arc<dyn Catalog>,
    refuses: Mutex<fn(&QueryRow) -> bool>,
    /// Whoever writes the start of a query holds it shared.
    starts: RwLock<()>,
}

impl RefusingCatalog {
    /// Refuses nothing at first.
    pub fn new(real: Arc<dyn Catalog>) -> Self {
        Self {
            real,
            refuses: Mutex::new(|_| false),
            starts: RwLock::default(),
        }
    }

    /// As long as the guard lives, the starts of queries are not written.
    pub async fn hold_starts(&self) -> RwLockWriteGuard<'_, ()> {
        self.starts.write().await
    }

    /// From now on, rows are not written of which `refuses` is true.
    pub fn refuse(&self, refuses: fn(&QueryRow) -> bool) {
        *self.refuses.lock() = refuses;
    }
}

#[async_trait]
impl QueryCatalog for RefusingCatalog {
    async fn put_query(&self, query: QueryRow, results: Vec<ResultPiece>) -> Result<()> {
        if !query.status.is_final() {
            let _ = self.starts.read().await;
        }
        let refuses = *self.refuses.lock();
        if refuses(&query) {
            return Err(Error::Unstorable {
                what: "query",
                name: query.id,
                why: "refused".to_owned(),
            });
        }
        self.real.put_query(query, results).await
    }

    async fn query(&self, tenant: &Tenant, id: &str) -> Result<Option<QueryRow>> {
        self.real.query(tenant, id).await
    }

    async fn query_results(&self, query: &QueryRow, rows: Range<u64>) -> Result<Vec<ResultPiece>> {
        self.real.query_results(query, rows).await
    }

    async fn query_result_bytes(&self, query: &QueryRow, rows: Range<u64>) -> Result<u64> {
        self.real.query_result_bytes(query, rows).await
    }

    async fn queries(
        &self,
        tenant: &Tenant,
        filter: &QueryFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<QueryRow>> {
        self.real.queries(tenant, filter, after, limit).await
    }

    async fn fail_unfinished_queries(&self, now: TimestampMs, why: &str) -> Result<u64> {
        self.real.fail_unfinished_queries(now, why).await
    }

    async fn trim_queries(&self, before: TimestampMs) -> Result<u64> {
        self.real.trim_queries(before).await
    }
}
