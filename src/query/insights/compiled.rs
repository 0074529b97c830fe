//! A query that can run.

use std::sync::Arc;

use belfry_lang::insights::{Query, parse};
use belfry_model::{Tenant, TimestampMs};
use belfry_store::logs::{GroupScope, LogScan, LogSnapshot, Prefilter};
use datafusion::catalog::TableProvider;

use super::compile_error::CompileError;
use super::lower::counting::Count;
use super::lower::reading_order::ReadingOrder;
use super::lower::{Lowered, Surroundings, lower};
use crate::error::{Error, Result};
use crate::scan::{EventTable, ScanColumn, ScanCounters};

/// Makes the table of a query for the columns it can ask for, and what its rows must meet.
pub(super) type TableOf<'t> = dyn Fn(Vec<ScanColumn>, Prefilter) -> Arc<dyn TableProvider> + 't;

/// A text that was checked: it parses, and this server runs every command and function in it.
#[derive(Clone, Debug)]
pub struct CompiledQuery {
    text: Arc<str>,
    query: Arc<Query>,
}

/// The window of a query, and the moment it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryTimes {
    pub now: TimestampMs,
    /// As asked for: what `queryStartTime()` and `queryEndTime()` tell.
    pub start: TimestampMs,
    pub end: TimestampMs,
    /// The last millisecond whose events count.
    pub last: TimestampMs,
}

/// Numbers from here on are milliseconds, below they are seconds (spec logs-insights.md 10.1).
const MILLISECONDS_FROM: i64 = 100_000_000_000;

impl QueryTimes {
    /// The window of a request. An end in seconds counts as a whole second; milliseconds count as
    /// they are.
    pub fn of_request(start: i64, end: i64, now: TimestampMs) -> Self {
        let exact = |time: i64| {
            if time >= MILLISECONDS_FROM {
                TimestampMs(time)
            } else {
                TimestampMs::from_secs(time)
            }
        };
        let last = if end >= MILLISECONDS_FROM {
            exact(end)
        } else {
            exact(end).saturating_add_ms(999)
        };
        Self {
            now,
            start: exact(start),
            end: exact(end),
            last,
        }
    }
}

/// Whose events a query sees.
#[derive(Clone, Debug)]
pub struct QueryScope {
    pub tenant: Tenant,
    pub groups: Vec<GroupScope>,
    pub times: QueryTimes,
    /// The API's parameter; the smaller of it and the query's own limits holds.
    pub limit: Option<u32>,
}

/// Checks a query.
///
/// # Errors
/// With `unsupported` set where the query is correct, but uses what this server does not run yet.
pub fn compile(text: &str) -> Result<CompiledQuery, CompileError> {
    let query = parse(text)?;
    let nobody = Surroundings {
        account: Arc::from(""),
        region: Arc::from(""),
        times: QueryTimes::of_request(0, 0, TimestampMs(0)),
        limit: None,
    };
    let no_rows = |columns, prefilter| {
        let scan = LogScan {
            prefilter,
            ..LogScan::new(Vec::new(), TimestampMs(0), TimestampMs(0))
        };
        let counters = Arc::new(ScanCounters::default());
        Arc::new(EventTable::new(None, scan, columns, counters)) as Arc<dyn TableProvider>
    };
    lower(&query, &nobody, &no_rows).map_err(|problem| CompileError::new(text, problem))?;
    Ok(CompiledQuery {
        text: Arc::from(text),
        query: Arc::new(query),
    })
}

impl CompiledQuery {
    pub fn text(&self) -> &str {
        &self.text
    }

    /// If the query only counts: the name of its column, and the scan whose rows it counts.
    pub(super) fn count(&self, scope: &QueryScope) -> Option<(String, LogScan)> {
        let count = Count::of_query(&self.query)?;
        let scan = LogScan {
            prefilter: count.condition,
            ..scope.scan()
        };
        Some((count.column, scan))
    }

    /// How many rows end the query, if it is by time and need not see all rows.
    pub(super) fn rows_wanted(&self, scope: &QueryScope) -> Option<usize> {
        ReadingOrder::of_query(&self.query, scope.limit).rows
    }

    /// The plan over the events of `scope` in `snapshot`.
    pub(super) fn plan(
        &self,
        scope: &QueryScope,
        snapshot: &LogSnapshot,
        counters: &Arc<ScanCounters>,
    ) -> Result<Lowered> {
        let surroundings = Surroundings {
            account: Arc::clone(&scope.tenant.account),
            region: Arc::clone(&scope.tenant.region),
            times: scope.times,
            limit: scope.limit,
        };
        let order = ReadingOrder::of_query(&self.query, scope.limit);
        let table = |columns, prefilter| {
            let scan = LogScan {
                prefilter,
                direction: order.direction,
                limit_hint: order.rows,
                ..scope.scan()
            };
            let snapshot = Some(snapshot.clone());
            Arc::new(EventTable::new(
                snapshot,
                scan,
                columns,
                Arc::clone(counters),
            )) as Arc<dyn TableProvider>
        };
        lower(&self.query, &surroundings, &table)
            .map_err(|problem| Error::Internal(CompileError::new(&self.text, problem).message))
    }
}

impl QueryScope {
    fn scan(&self) -> LogScan {
        LogScan::new(self.groups.clone(), self.times.start, self.times.last)
    }
}
