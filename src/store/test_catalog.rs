//! A catalog for tests: a real one that fails, or lets something else happen, at a chosen moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use belfry_catalog::log_groups::{
    LogGroup, LogGroupFilter, LogGroupId, LogStream, LogStreamId, LogStreamListing, NewLogGroup,
};
use belfry_catalog::objects::{ObjectKind, ObjectRow, Publish};
use belfry_catalog::{Error, LogGroupCatalog, ObjectCatalog, Page, Result, SqliteCatalog};
use belfry_model::{Tenant, TimestampMs};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use ulid::Ulid;

/// When a publication fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing happened.
    Before,
    /// It happened, and the caller is not told.
    After,
}

type Hook = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// See the methods; without them it does what the real one does.
pub(crate) struct TestCatalog {
    pub real: SqliteCatalog,
    publish_fails: Mutex<Option<(Failure, u32)>>,
    publications: AtomicU32,
    reads_fail: Mutex<bool>,
    after_groups: Mutex<Option<Hook>>,
}

impl TestCatalog {
    pub fn new(real: SqliteCatalog) -> Arc<Self> {
        Arc::new(Self {
            real,
            publish_fails: Mutex::default(),
            publications: AtomicU32::new(0),
            reads_fail: Mutex::default(),
            after_groups: Mutex::default(),
        })
    }

    /// The next publication fails.
    pub fn fail_publish(&self, when: Failure) {
        self.fail_publications(when, 1);
    }

    /// The next `count` publications fail.
    pub fn fail_publications(&self, when: Failure, count: u32) {
        *self.publish_fails.lock() = Some((when, count));
    }

    /// How many publications were tried.
    pub fn publications(&self) -> u32 {
        self.publications.load(Ordering::Relaxed)
    }

    /// Listing what is live, and reading checkpoints, fails until told otherwise.
    pub fn fail_reads(&self, fails: bool) {
        *self.reads_fail.lock() = fails;
    }

    /// What happens between the next reading of all log groups and the use of what was read.
    pub fn after_groups<F>(&self, hook: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        *self.after_groups.lock() = Some(Box::new(move || Box::pin(hook())));
    }

    fn check_read(&self) -> Result<()> {
        match *self.reads_fail.lock() {
            true => Err(injected()),
            false => Ok(()),
        }
    }
}

fn injected() -> Error {
    Error::Conflict {
        what: "test",
        name: "injected".to_owned(),
    }
}

#[async_trait]
impl ObjectCatalog for TestCatalog {
    async fn publish(&self, change: Publish, now: TimestampMs) -> Result<()> {
        self.publications.fetch_add(1, Ordering::Relaxed);
        let fails = {
            let mut fails = self.publish_fails.lock();
            let now = fails.filter(|(_, count)| *count > 0);
            *fails = now.map(|(when, count)| (when, count - 1));
            now.map(|(when, _)| when)
        };
        if fails != Some(Failure::Before) {
            self.real.publish(change, now).await?;
        }
        match fails {
            None => Ok(()),
            Some(_) => Err(injected()),
        }
    }
    async fn live_objects(&self, kind: ObjectKind) -> Result<Vec<ObjectRow>> {
        self.check_read()?;
        self.real.live_objects(kind).await
    }
    async fn wal_checkpoint(&self, wal: &str) -> Result<u64> {
        self.check_read()?;
        self.real.wal_checkpoint(wal).await
    }
    async fn removed_objects(
        &self,
        kind: ObjectKind,
        before: TimestampMs,
        limit: usize,
    ) -> Result<Vec<ObjectRow>> {
        self.real.removed_objects(kind, before, limit).await
    }
    async fn forget_objects(&self, ids: &[Ulid]) -> Result<()> {
        self.real.forget_objects(ids).await
    }
    async fn reserve_sequence(&self, name: &str, count: u64) -> Result<u64> {
        self.real.reserve_sequence(name, count).await
    }
    async fn get_setting(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.real.get_setting(name).await
    }
    async fn init_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        self.real.init_setting(name, value).await
    }
}

#[async_trait]
impl LogGroupCatalog for TestCatalog {
    async fn create_log_group(&self, group: NewLogGroup) -> Result<LogGroup> {
        self.real.create_log_group(group).await
    }
    async fn delete_log_group(&self, tenant: &Tenant, name: &str) -> Result<LogGroup> {
        self.real.delete_log_group(tenant, name).await
    }
    async fn log_group(&self, tenant: &Tenant, name: &str) -> Result<Option<LogGroup>> {
        self.real.log_group(tenant, name).await
    }
    async fn log_group_by_id(&self, tenant: &Tenant, id: LogGroupId) -> Result<Option<LogGroup>> {
        self.real.log_group_by_id(tenant, id).await
    }
    async fn log_groups(
        &self,
        tenant: &Tenant,
        filter: &LogGroupFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<LogGroup>> {
        self.real.log_groups(tenant, filter, after, limit).await
    }
    async fn all_log_groups(&self) -> Result<Vec<LogGroup>> {
        let groups = self.real.all_log_groups().await;
        let hook = self.after_groups.lock().take();
        if let Some(hook) = hook {
            hook().await;
        }
        groups
    }
    async fn set_retention(
        &self,
        tenant: &Tenant,
        name: &str,
        days: Option<u32>,
        hidden_before: Option<TimestampMs>,
    ) -> Result<LogGroup> {
        self.real
            .set_retention(tenant, name, days, hidden_before)
            .await
    }
    async fn create_log_stream(
        &self,
        group: LogGroupId,
        name: &str,
        now: TimestampMs,
    ) -> Result<LogStream> {
        self.real.create_log_stream(group, name, now).await
    }
    async fn delete_log_stream(&self, group: LogGroupId, name: &str) -> Result<LogStream> {
        self.real.delete_log_stream(group, name).await
    }
    async fn log_stream(&self, group: LogGroupId, name: &str) -> Result<Option<LogStream>> {
        self.real.log_stream(group, name).await
    }
    async fn log_streams(
        &self,
        group: LogGroupId,
        listing: LogStreamListing<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<LogStream>> {
        self.real.log_streams(group, listing, after, limit).await
    }
    async fn log_streams_by_id(&self, ids: &[LogStreamId]) -> Result<Vec<LogStream>> {
        self.real.log_streams_by_id(ids).await
    }
}
