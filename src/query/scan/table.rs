//! The table of one query.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use belfry_store::logs::{FieldRef, LogScan, LogSnapshot};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::column::ScanColumn;
use super::counters::ScanCounters;
use super::exec::EventScanExec;
use crate::error::Error;

/// The events of a query's log groups and time range, with the columns the query can use.
pub struct EventTable {
    /// `None` is a table without rows, for checking a query.
    snapshot: Option<LogSnapshot>,
    scan: LogScan,
    columns: Vec<ScanColumn>,
    schema: SchemaRef,
    counters: Arc<ScanCounters>,
}

impl EventTable {
    /// `scan` says which rows; its columns are chosen here.
    pub fn new(
        snapshot: Option<LogSnapshot>,
        scan: LogScan,
        columns: Vec<ScanColumn>,
        counters: Arc<ScanCounters>,
    ) -> Self {
        let fields: Vec<_> = columns.iter().map(ScanColumn::field).collect();
        Self {
            snapshot,
            scan,
            schema: Arc::new(Schema::new(fields)),
            columns,
            counters,
        }
    }
}

impl fmt::Debug for EventTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventTable")
            .field("scan", &self.scan)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// The columns of the store that `columns` are made from.
fn inputs(columns: &[ScanColumn]) -> Vec<FieldRef> {
    let mut inputs = Vec::new();
    for input in columns.iter().flat_map(ScanColumn::inputs) {
        if !inputs.contains(&input) {
            inputs.push(input);
        }
    }
    inputs
}

#[async_trait]
impl TableProvider for EventTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns: Vec<ScanColumn> = match projection {
            None => self.columns.clone(),
            Some(indices) => indices
                .iter()
                .filter_map(|i| self.columns.get(*i).cloned())
                .collect(),
        };
        let scan = LogScan {
            columns: inputs(&columns),
            ..self.scan.clone()
        };
        let parts = match &self.snapshot {
            Some(snapshot) => snapshot.parts(&scan).await.map_err(Error::from)?,
            None => Vec::new(),
        };
        Ok(Arc::new(EventScanExec::new(
            &scan,
            columns,
            parts,
            state.config().target_partitions(),
            Arc::clone(&self.counters),
        )))
    }
}
