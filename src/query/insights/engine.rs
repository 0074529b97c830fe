//! Runs queries: on threads of their own, within a bounded memory, until they are done or
//! cancelled.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use belfry_catalog::queries::QueryStatistics;
use belfry_store::logs::LogSnapshot;
use datafusion::execution::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionConfig;
use futures::StreamExt;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer_memory::AnswerMemory;
use super::compiled::{CompiledQuery, QueryScope};
use super::result::{Cell, ResultSet};
use crate::error::{Error, Result};
use crate::scan::ScanCounters;
use crate::scan::exec::EventScanExec;
use crate::values::number_text::show_number;

/// Sizes of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Threads that compute.
    pub threads: usize,
    /// Bytes that all running queries may use together.
    pub memory_bytes: usize,
    /// Where sorts and groups go that do not fit; `None`: nowhere, the query fails.
    pub spill_directory: Option<PathBuf>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            // Half of the memory floor of the whole server at rest (issue 2: 650 MB).
            memory_bytes: 320 << 20,
            spill_directory: None,
        }
    }
}

/// Tells a running query to stop.
#[derive(Clone, Debug)]
pub struct Cancellation(Arc<watch::Sender<bool>>);

impl Default for Cancellation {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Cancellation {
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    async fn cancelled(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = receiver.wait_for(|cancelled| *cancelled).await;
    }
}

/// The engine of a node.
#[derive(Debug)]
pub struct InsightsEngine {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    state: SessionState,
}

impl InsightsEngine {
    pub fn new(config: EngineConfig) -> Result<Self> {
        let threads = config.threads.max(1);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("query")
            .enable_all()
            .build()
            .map_err(|error| Error::Internal(format!("cannot start query threads: {error}")))?;
        let disk = match config.spill_directory {
            Some(directory) => DiskManagerMode::Directories(vec![directory]),
            None => DiskManagerMode::Disabled,
        };
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(config.memory_bytes)))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(disk))
            .build_arc()?;
        let session = SessionConfig::new()
            .with_target_partitions(threads)
            .with_create_default_catalog_and_schema(false)
            .with_information_schema(false);
        let state = SessionStateBuilder::new()
            .with_config(session)
            .with_runtime_env(environment)
            .build();
        Ok(Self {
            runtime: Some(runtime),
            state,
        })
    }

    /// Runs a query over a snapshot. `counters` tell what it read, also while it runs. When the
    /// returned future is dropped, the query stops.
    ///
    /// # Errors
    /// `Cancelled`; `OutOfMemory`; what reading the logs reports.
    pub async fn run(
        &self,
        query: CompiledQuery,
        scope: QueryScope,
        snapshot: LogSnapshot,
        counters: Arc<ScanCounters>,
        cancellation: Cancellation,
    ) -> Result<ResultSet> {
        let Some(runtime) = &self.runtime else {
            return Err(Error::Cancelled);
        };
        let state = self.state.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn_on(
            async move { execute(&state, &query, &scope, &snapshot, &counters).await },
            runtime.handle(),
        );
        tokio::select! {
            () = cancellation.cancelled() => Err(Error::Cancelled),
            done = tasks.join_next() => match done {
                Some(Ok(result)) => result,
                Some(Err(error)) => Err(Error::Internal(format!("the query broke off: {error}"))),
                None => Err(Error::Cancelled),
            },
        }
    }

    /// Memory for an answer made of so many bytes of stored rows, from what queries have.
    ///
    /// # Errors
    /// `Busy`.
    pub fn reserve_answer(&self, stored_bytes: usize) -> Result<AnswerMemory> {
        AnswerMemory::reserve(&self.state.runtime_env().memory_pool, stored_bytes)
    }
}

impl Drop for InsightsEngine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // An async thread must not wait for others to end.
            runtime.shutdown_background();
        }
    }
}

async fn execute(
    state: &SessionState,
    query: &CompiledQuery,
    scope: &QueryScope,
    snapshot: &LogSnapshot,
    counters: &Arc<ScanCounters>,
) -> Result<ResultSet> {
    if let Some((column, scan)) = query.count(scope)
        && let Some(rows) = snapshot.count(&scan).await?
    {
        return Ok(counted(column, rows, scope));
    }
    let lowered = query.plan(scope, snapshot, counters)?;
    let state = &state_for(state, query.rows_wanted(scope));
    let plan = state.create_physical_plan(&lowered.plan).await?;
    let mut batches = execute_stream(Arc::clone(&plan), state.task_ctx())?;
    let mut result = ResultSet::new(lowered.columns);
    result.reserve_in(&state.runtime_env().memory_pool);
    while let Some(batch) = batches.next().await {
        result.add(&batch?)?;
    }
    drop(batches);
    let read = counters.get();
    result.statistics = QueryStatistics {
        records_matched: rows_matched(&plan).unwrap_or(read.rows_returned) as f64,
        records_scanned: read.rows_scanned as f64,
        bytes_scanned: read.bytes_scanned as f64,
        estimated_records_skipped: read.rows_skipped as f64,
        estimated_bytes_skipped: 0.0,
        log_groups_scanned: scope.groups.len() as f64,
    };
    Ok(result)
}

/// Rows of a batch between the nodes of a plan are at least so many.
const BATCH_ROWS_MIN: usize = 128;

/// A filter gathers a whole batch of matches before it hands them on. A query that wants few rows
/// would then read thousands of matches it does not need before its sort says when to stop.
fn state_for(state: &SessionState, rows: Option<usize>) -> Cow<'_, SessionState> {
    let batch_rows = state.config().batch_size();
    match rows.map(|rows| rows.max(BATCH_ROWS_MIN)) {
        Some(rows) if rows < batch_rows => {
            let config = state.config().clone().with_batch_size(rows);
            let state = SessionStateBuilder::new_from_existing(state.clone()).with_config(config);
            Cow::Owned(state.build())
        }
        _ => Cow::Borrowed(state),
    }
}

/// The answer of a query that an index counted.
fn counted(column: String, rows: u64, scope: &QueryScope) -> ResultSet {
    let mut result = ResultSet::new(vec![column]);
    let field = result.columns.first().cloned();
    let cell = field.map(|field| Cell {
        field,
        value: show_number(rows as f64),
    });
    result.rows.push(cell.into_iter().collect());
    result.statistics = QueryStatistics {
        records_matched: rows as f64,
        records_scanned: rows as f64,
        log_groups_scanned: scope.groups.len() as f64,
        ..QueryStatistics::default()
    };
    result
}

/// Rows that passed the filters right above the scan: those before the first aggregation, sort or
/// limit (spec logs-insights.md 10.3). `None` where nothing filters.
fn rows_matched(plan: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    let mut path = vec![plan];
    while let [only] = path.last()?.children().as_slice() {
        path.push(only);
    }
    path.last()?.downcast_ref::<EventScanExec>()?;
    let row_by_row = path
        .iter()
        .rev()
        .skip(1)
        .take_while(|node| passes_rows(node.as_ref()));
    let last_filter = row_by_row
        .filter(|node| node.downcast_ref::<FilterExec>().is_some())
        .last()?;
    let rows = last_filter.metrics()?.output_rows()?;
    u64::try_from(rows).ok()
}

/// Whether a node neither aggregates, sorts nor limits.
fn passes_rows(node: &dyn ExecutionPlan) -> bool {
    const PASSING: [&str; 6] = [
        "FilterExec",
        "ProjectionExec",
        "RepartitionExec",
        "CoalesceBatchesExec",
        "CooperativeExec",
        "CoalescePartitionsExec",
    ];
    PASSING.contains(&node.name())
}
