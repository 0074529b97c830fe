//! The rows of a result (spec logs-insights.md 11).

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use belfry_catalog::queries::QueryStatistics;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::values::ColumnView;

/// Bytes of all texts of a result. Beyond it the query fails: a result is kept as one piece.
pub const RESULT_BYTES_MAX: usize = 256 << 20;

/// The name of the pointer of an event, last in its row.
pub const POINTER: &str = "@ptr";

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    pub field: Arc<str>,
    pub value: String,
}

/// What a query answers. A missing value is left out of its row; rows of events end with their
/// pointer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultSet {
    /// In order, without the pointer.
    pub columns: Vec<Arc<str>>,
    pub rows: Vec<Vec<Cell>>,
    pub statistics: QueryStatistics,
}

impl ResultSet {
    pub(super) fn new(columns: Vec<String>) -> Self {
        Self {
            columns: columns.into_iter().map(Arc::from).collect(),
            ..Self::default()
        }
    }

    /// Adds the rows of a batch whose columns are those of the result, and the pointer if there is
    /// one more. `bytes` is the size of all texts so far.
    pub(super) fn add(&mut self, batch: &RecordBatch, bytes: &mut usize) -> Result<()> {
        let pointer: Arc<str> = Arc::from(POINTER);
        let names = self.columns.iter().chain([&pointer]);
        let columns: Vec<_> = names
            .zip(batch.columns())
            .map(|(name, column)| (Arc::clone(name), ColumnView::new(column)))
            .collect();
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(columns.len());
            for (name, column) in &columns {
                if let Some(text) = column.value(row).show() {
                    *bytes += text.len() + size_of::<Cell>();
                    cells.push(Cell {
                        field: Arc::clone(name),
                        value: text.into_owned(),
                    });
                }
            }
            if *bytes > RESULT_BYTES_MAX {
                return Err(Error::OutOfMemory(format!(
                    "the result exceeds {RESULT_BYTES_MAX} bytes"
                )));
            }
            self.rows.push(cells);
        }
        Ok(())
    }
}
