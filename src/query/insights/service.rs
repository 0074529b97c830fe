//! Queries that callers start, look at, and stop: the life of StartQuery's answer.
//!
//! Status and results live in the catalog, so that they outlive the process; what is running is
//! known here too, with live statistics. A query that was running when a process died has failed.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use belfry_catalog::Page;
use belfry_catalog::log_groups::LogGroup;
use belfry_catalog::queries::{
    QueryCatalog, QueryFilter, QueryRow, QueryStatistics, QueryStatus, ResultPiece,
};
use belfry_model::time::{DAY_MS, HOUR_MS, SECOND_MS};
use belfry_model::{Classified, Clock, StatusClass, Tenant, TimestampMs};
use belfry_store::logs::{GroupScope, LogsStore};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot, watch};

use super::answer_memory::AnswerMemory;
use super::compile_error::CompileError;
use super::compiled::{CompiledQuery, QueryScope, QueryTimes, compile};
use super::counts::{Ends, QueryCounts};
use super::engine::{Cancellation, InsightsEngine};
use crate::error::{Error, Result};
use crate::off_async::off_async;
use crate::scan::ScanCounters;

/// Queries of one tenant that wait or run at once (spec wire-protocols.md 9).
const QUERIES_PER_TENANT_MAX: usize = 100;
/// Ours: queries that run at once; the others wait as `Scheduled`.
const RUNNING_MAX: usize = 4;
/// Spec wire-protocols.md 9: 60 minutes of run time.
const TIMEOUT_MS: i64 = HOUR_MS;
/// How long results can be fetched (spec logs-insights.md 10): seven days.
const KEPT_MS: i64 = 7 * DAY_MS;
/// Ours: how soon the end of a query is written again that could not be.
const RETRY_AFTER_MS: i64 = 10 * SECOND_MS;
/// Ours: how often old queries are forgotten.
const TRIM_EVERY_MS: i64 = HOUR_MS;

/// What StartQuery asks for, its groups resolved.
#[derive(Clone, Debug)]
pub struct StartRequest {
    pub tenant: Tenant,
    pub text: String,
    /// As the caller named them.
    pub named_groups: Vec<String>,
    /// One that was named more than once is read once.
    pub groups: Vec<LogGroup>,
    /// As the caller gave them, seconds or milliseconds: see [`QueryTimes::of_request`].
    pub start: i64,
    pub end: i64,
    pub limit: Option<u32>,
}

/// Why a query was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Classified for StartError {
    fn class(&self) -> StatusClass {
        match self {
            Self::Compile(error) => error.class(),
            Self::Failed(error) => error.class(),
        }
    }
}

/// What StopQuery did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    Stopped,
    /// It had ended before.
    HadEnded,
    Unknown,
}

struct Running {
    row: QueryRow,
    counters: Arc<ScanCounters>,
    cancellation: Cancellation,
    /// How it ends is decided: by the first of a result, a stop and a timeout. Also while its start
    /// is being written down, so that nothing writes its end before.
    decided: bool,
    /// Tells whoever waits that it has ended; also by going away with the query.
    ended: watch::Sender<()>,
    /// When its end, which could not be written, is written again.
    retry_at: Option<TimestampMs>,
}

impl Running {
    fn next_due(&self) -> TimestampMs {
        match self.retry_at {
            Some(retry_at) => retry_at,
            // Whoever decided how it ends is writing that.
            None if self.decided => TimestampMs::MAX,
            None => self.row.created_at.saturating_add_ms(TIMEOUT_MS),
        }
    }
}

/// The queries of a node. Share it behind an `Arc`.
pub struct InsightsService {
    engine: InsightsEngine,
    logs: LogsStore,
    catalog: Arc<dyn QueryCatalog>,
    clock: Arc<dyn Clock>,
    running: Mutex<HashMap<String, Running>>,
    places: Semaphore,
    trim_due: Mutex<TimestampMs>,
    ends: Ends,
}

impl InsightsService {
    /// Queries that a former process left unfinished have failed now.
    ///
    /// # Errors
    /// Of the catalog.
    pub async fn open(
        engine: InsightsEngine,
        logs: LogsStore,
        catalog: Arc<dyn QueryCatalog>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>> {
        catalog
            .fail_unfinished_queries(clock.now(), "the server was restarted")
            .await?;
        Ok(Arc::new(Self {
            engine,
            logs,
            catalog,
            clock,
            running: Mutex::default(),
            places: Semaphore::new(RUNNING_MAX),
            trim_due: Mutex::new(TimestampMs::MIN),
            ends: Ends::default(),
        }))
    }

    /// Starts a query and returns its id.
    ///
    /// # Errors
    /// `Compile` for a text that cannot run; `TooManyQueries`.
    pub async fn start(
        self: &Arc<Self>,
        request: StartRequest,
    ) -> std::result::Result<String, StartError> {
        let compiled = compile(&request.text)?;
        let now = self.clock.now();
        let times = QueryTimes::of_request(request.start, request.end, now);
        let row = QueryRow {
            id: uuid::Uuid::new_v4().to_string(),
            tenant: request.tenant.clone(),
            query_string: request.text,
            log_groups: request.named_groups,
            start_s: times.start.as_secs(),
            end_s: times.end.as_secs(),
            limit: request.limit,
            created_at: now,
            finished_at: None,
            status: QueryStatus::Scheduled,
            statistics: QueryStatistics::default(),
            error: None,
            row_count: 0,
        };
        let running = Running {
            row: row.clone(),
            counters: Arc::default(),
            cancellation: Cancellation::default(),
            decided: true,
            ended: watch::Sender::new(()),
            retry_at: None,
        };
        {
            let mut all = self.running.lock();
            let counts = |q: &&Running| q.row.tenant == row.tenant && !q.row.status.is_final();
            let of_tenant = all.values().filter(counts).count();
            if of_tenant >= QUERIES_PER_TENANT_MAX {
                return Err(StartError::Failed(Error::TooManyQueries {
                    running: of_tenant,
                    max: QUERIES_PER_TENANT_MAX,
                }));
            }
            all.insert(row.id.clone(), running);
        }
        let mut seen = HashSet::new();
        let groups = request.groups.iter().filter(|group| seen.insert(group.id));
        let scope = QueryScope {
            tenant: request.tenant,
            groups: groups.map(|group| GroupScope::new(group, now)).collect(),
            times,
            limit: request.limit,
        };
        // It runs while its start is written, which takes as long as many a query.
        let (written, start_written) = oneshot::channel();
        let (service, run_row) = (Arc::clone(self), row.clone());
        tokio::spawn(async move { service.run(run_row, compiled, scope, start_written).await });
        let (service, id) = (Arc::clone(self), row.id.clone());
        // A task of its own: a caller that goes away must not leave a query that nothing can end.
        tokio::spawn(async move { service.write_start(row, written).await })
            .await
            .map_err(|error| Error::Internal(error.to_string()))??;
        Ok(id)
    }

    /// Writes down that a query was started. From then on it can be stopped and its end be written;
    /// if that fails, it has never been.
    async fn write_start(&self, row: QueryRow, written: oneshot::Sender<()>) -> Result<()> {
        let id = row.id.clone();
        let put = self.catalog.put_query(row, Vec::new()).await;
        let mut running = self.running.lock();
        if let Err(error) = put {
            if let Some(query) = running.remove(&id) {
                query.cancellation.cancel();
            }
            return Err(error.into());
        }
        if let Some(query) = running.get_mut(&id) {
            query.decided = false;
        }
        // Nobody listens when the query has failed to run at all.
        let _ = written.send(());
        Ok(())
    }

    /// Runs a query whose start is being written; without that its end is not written either.
    async fn run(
        &self,
        mut row: QueryRow,
        query: CompiledQuery,
        scope: QueryScope,
        start_written: oneshot::Receiver<()>,
    ) {
        let (counters, cancellation) = {
            let all = self.running.lock();
            let Some(running) = all.get(&row.id) else {
                return;
            };
            (running.counters.clone(), running.cancellation.clone())
        };
        let Ok(_place) = self.places.acquire().await else {
            return;
        };
        if cancellation.is_cancelled() {
            return;
        }
        if let Some(running) = self.running.lock().get_mut(&row.id) {
            running.row.status = QueryStatus::Running;
        }
        let snapshot = self.logs.snapshot();
        let outcome = self
            .engine
            .run(query, scope, snapshot, counters, cancellation)
            .await;
        row.finished_at = Some(self.clock.now());
        let stored = outcome.and_then(|mut result| {
            let pieces = off_async(|| result.pieces())?;
            Ok((pieces, result))
        });
        // The result holds its memory until it is stored.
        let (pieces, _held) = match stored {
            Ok((pieces, result)) => {
                row.status = QueryStatus::Complete;
                row.statistics = result.statistics.clone();
                row.row_count = pieces.iter().map(|piece| piece.row_count).sum();
                (pieces, Some(result))
            }
            // Whoever cancelled it writes down why.
            Err(Error::Cancelled) => return,
            Err(error) => {
                tracing::warn!(query = %row.id, %error, "query failed");
                row.status = QueryStatus::Failed;
                row.error = Some(error.to_string());
                (Vec::new(), None)
            }
        };
        if start_written.await.is_ok() && self.decide(&row.id, None) {
            self.record(row, pieces).await;
        }
    }

    /// Writes how a query ended, then forgets that it runs, so that there is no moment at which
    /// it is neither running nor ended. A result that cannot be stored makes it fail. What cannot
    /// be written at all is kept here, and tried again by [`Self::run_due`].
    async fn record(&self, mut row: QueryRow, results: Vec<ResultPiece>) {
        let mut recorded = self.catalog.put_query(row.clone(), results).await;
        if let Err(error) = &recorded
            && row.status == QueryStatus::Complete
        {
            tracing::error!(query = %row.id, %error, "the result of a query was not stored");
            row.status = QueryStatus::Failed;
            row.row_count = 0;
            row.error = Some(format!("the result could not be stored: {error}"));
            recorded = self.catalog.put_query(row.clone(), Vec::new()).await;
        }
        let mut running = self.running.lock();
        let counted = running.get(&row.id).is_none_or(|q| q.retry_at.is_some());
        if !counted {
            self.ends.count(row.status);
        }
        match recorded {
            Ok(()) => {
                running.remove(&row.id);
            }
            Err(error) => {
                tracing::error!(query = %row.id, %error, "the end of a query was not recorded");
                let retry_at = self.clock.now().saturating_add_ms(RETRY_AFTER_MS);
                if let Some(running) = running.get_mut(&row.id) {
                    running.row = row;
                    running.retry_at = Some(retry_at);
                    running.ended.send_replace(());
                }
            }
        }
    }

    /// Claims to be the one that decides how a query ends. False if that is decided, or if there
    /// is no such query of the tenant.
    fn decide(&self, id: &str, tenant: Option<&Tenant>) -> bool {
        match self.running.lock().get_mut(id) {
            Some(query) if tenant.is_none_or(|tenant| query.row.tenant == *tenant) => {
                !std::mem::replace(&mut query.decided, true)
            }
            _ => false,
        }
    }

    /// A query. One that has not ended is waited for, but no longer than `patience`; then it comes
    /// with live statistics.
    ///
    /// # Errors
    /// Of the catalog.
    pub async fn query(
        &self,
        tenant: &Tenant,
        id: &str,
        patience: Duration,
    ) -> Result<Option<QueryRow>> {
        if let Some(mut ended) = self.end_of(tenant, id) {
            // Late, ended, or gone: what there is to tell is looked up.
            let _ = tokio::time::timeout(patience, ended.changed()).await;
        }
        if let Some(row) = self.live(tenant, id) {
            return Ok(Some(row));
        }
        Ok(self.catalog.query(tenant, id).await?)
    }

    /// Hears of the end of a query that has not ended.
    fn end_of(&self, tenant: &Tenant, id: &str) -> Option<watch::Receiver<()>> {
        let all = self.running.lock();
        let running = all.get(id).filter(|q| q.row.tenant == *tenant)?;
        (!running.row.status.is_final()).then(|| running.ended.subscribe())
    }

    fn live(&self, tenant: &Tenant, id: &str) -> Option<QueryRow> {
        let all = self.running.lock();
        let running = all.get(id).filter(|q| q.row.tenant == *tenant)?;
        let mut row = running.row.clone();
        if row.status.is_final() {
            return Some(row);
        }
        let read = running.counters.get();
        row.statistics.records_scanned = read.rows_scanned as f64;
        row.statistics.bytes_scanned = read.bytes_scanned as f64;
        row.statistics.records_matched = read.rows_returned as f64;
        Some(row)
    }

    /// The pieces of a result that hold any of those rows, and the memory that an answer made of
    /// them takes: keep it as long as the answer.
    ///
    /// # Errors
    /// `Busy` when queries and other answers hold too much; of the catalog.
    pub async fn results(
        &self,
        query: &QueryRow,
        rows: Range<u64>,
    ) -> Result<(Vec<ResultPiece>, AnswerMemory)> {
        let bytes = self.catalog.query_result_bytes(query, rows.clone()).await?;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let memory = self.engine.reserve_answer(bytes)?;
        let pieces = self.catalog.query_results(query, rows).await?;
        Ok((pieces, memory))
    }

    /// Queries, newest first; see [`belfry_catalog::QueryCatalog::queries`].
    ///
    /// # Errors
    /// Of the catalog.
    pub async fn queries(
        &self,
        tenant: &Tenant,
        filter: &QueryFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<QueryRow>> {
        if filter.status.is_some_and(|status| !status.is_final()) {
            return Ok(self.unfinished(tenant, filter, after, limit));
        }
        let page = self.catalog.queries(tenant, filter, after, limit);
        let mut page = page.await?;
        for row in &mut page.items {
            if let Some(live) = self
                .live(tenant, &row.id)
                .filter(|_| !row.status.is_final())
            {
                *row = live;
            }
        }
        Ok(page)
    }

    /// Queries that wait or run. All of them are known here; the catalog does not know which have
    /// begun.
    fn unfinished(
        &self,
        tenant: &Tenant,
        filter: &QueryFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Page<QueryRow> {
        let ids: Vec<String> = self.running.lock().keys().cloned().collect();
        let mut rows: Vec<QueryRow> = ids
            .iter()
            .filter_map(|id| self.live(tenant, id))
            .filter(|row| filter.takes(row))
            .collect();
        let key = |row: &QueryRow| format!("{:020} {}", row.created_at.0.max(0), row.id);
        rows.sort_by_cached_key(|row| Reverse(key(row)));
        rows.retain(|row| after.is_none_or(|after| *key(row) < *after));
        let more = rows.len() > limit;
        rows.truncate(limit);
        Page {
            next_after: rows.last().filter(|_| more).map(key),
            items: rows,
        }
    }

    /// Stops a query that waits or runs.
    ///
    /// # Errors
    /// Of the catalog.
    pub async fn stop(&self, tenant: &Tenant, id: &str) -> Result<Stopped> {
        if self.end(id, Some(tenant), QueryStatus::Cancelled).await? {
            return Ok(Stopped::Stopped);
        }
        let known = self.catalog.query(tenant, id).await?;
        Ok(known.map_or(Stopped::Unknown, |_| Stopped::HadEnded))
    }

    /// False if it does not run (any more).
    async fn end(&self, id: &str, tenant: Option<&Tenant>, status: QueryStatus) -> Result<bool> {
        if !self.decide(id, tenant) {
            return Ok(false);
        }
        let (mut row, cancellation) = match self.running.lock().get(id) {
            Some(query) => (query.row.clone(), query.cancellation.clone()),
            None => return Ok(false),
        };
        row.status = status;
        row.finished_at = Some(self.clock.now());
        cancellation.cancel();
        self.record(row, Vec::new()).await;
        Ok(true)
    }

    /// Numbers for Belfry's own metrics.
    pub fn counts(&self) -> QueryCounts {
        self.ends.with_running(self.running.lock().len())
    }

    /// When [`Self::run_due`] has something to do.
    pub fn next_due(&self) -> TimestampMs {
        let next = self.running.lock().values().map(Running::next_due).min();
        let next = next.unwrap_or(TimestampMs::MAX);
        next.min(*self.trim_due.lock())
    }

    /// Ends queries that run for too long, and forgets old ones.
    ///
    /// # Errors
    /// Of the catalog.
    pub async fn run_due(&self, now: TimestampMs) -> Result<()> {
        let late: Vec<String> = {
            let all = self.running.lock();
            let is_late = |q: &&Running| !q.decided && q.next_due() <= now;
            let late = all.values().filter(is_late);
            late.map(|q| q.row.id.clone()).collect()
        };
        let unwritten: Vec<QueryRow> = {
            let all = self.running.lock();
            let is_due = |q: &&Running| q.retry_at.is_some_and(|at| at <= now);
            all.values().filter(is_due).map(|q| q.row.clone()).collect()
        };
        for row in unwritten {
            self.record(row, Vec::new()).await;
        }
        for id in late {
            self.end(&id, None, QueryStatus::Timeout).await?;
        }
        let trim = *self.trim_due.lock() <= now;
        if trim {
            *self.trim_due.lock() = now.saturating_add_ms(TRIM_EVERY_MS);
            self.catalog
                .trim_queries(now.saturating_sub_ms(KEPT_MS))
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
