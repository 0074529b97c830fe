//! The rows of a result (spec logs-insights.md 11).

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use belfry_catalog::queries::{QueryStatistics, ResultPiece};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::values::ColumnView;

/// Bytes of a result. Beyond it the query fails.
pub const RESULT_BYTES_MAX: usize = 32 << 20;

/// Rows that are stored as one piece: a page reads the pieces it needs.
const PIECE_ROWS: usize = 1_000;

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
    bytes: usize,
    reserved: Reserved,
}

/// Where the memory of a result is accounted for, as long as there is a copy of it. Not a part of
/// what is answered: equal to any other.
#[derive(Clone, Debug, Default)]
struct Reserved(Option<Arc<MemoryReservation>>);

impl PartialEq for Reserved {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl ResultSet {
    pub(super) fn new(columns: Vec<String>) -> Self {
        Self {
            columns: columns.into_iter().map(Arc::from).collect(),
            ..Self::default()
        }
    }

    /// Rows that are added from now on count in `pool`, until the result is dropped.
    pub(super) fn reserve_in(&mut self, pool: &Arc<dyn MemoryPool>) {
        let reservation = MemoryConsumer::new("result").register(pool);
        self.reserved = Reserved(Some(Arc::new(reservation)));
    }

    /// Adds the rows of a batch whose columns are those of the result, and the pointer if there is
    /// one more.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let pointer: Arc<str> = Arc::from(POINTER);
        let names = self.columns.iter().chain([&pointer]);
        let columns: Vec<_> = names
            .zip(batch.columns())
            .map(|(name, column)| (Arc::clone(name), ColumnView::new(column)))
            .collect();
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(columns.len());
            let mut bytes = size_of::<Vec<Cell>>();
            for (name, column) in &columns {
                if let Some(text) = column.value(row).show() {
                    bytes += size_of::<Cell>() + name.len() + stored_len(&text);
                    cells.push(Cell {
                        field: Arc::clone(name),
                        value: text.into_owned(),
                    });
                }
            }
            self.bytes += bytes;
            if self.bytes > RESULT_BYTES_MAX {
                return Err(Error::OutOfMemory(format!(
                    "the result exceeds {RESULT_BYTES_MAX} bytes"
                )));
            }
            if let Some(reservation) = &self.reserved.0 {
                reservation.try_grow(bytes)?;
            }
            self.rows.push(cells);
        }
        Ok(())
    }

    /// The rows as they are stored. Frees them on the way, so that there is about one copy; the
    /// reservation ends with `self`.
    ///
    /// # Errors
    /// `Internal`.
    pub(super) fn pieces(&mut self) -> Result<Vec<ResultPiece>> {
        let mut rows = std::mem::take(&mut self.rows).into_iter();
        let mut pieces = Vec::new();
        let mut first_row = 0;
        loop {
            let piece: Vec<Vec<Cell>> = rows.by_ref().take(PIECE_ROWS).collect();
            if piece.is_empty() {
                return Ok(pieces);
            }
            let text = serde_json::to_string(&piece)
                .map_err(|error| Error::Internal(format!("results: {error}")))?;
            let row_count = piece.len() as u64;
            pieces.push(ResultPiece {
                first_row,
                row_count,
                rows: text,
            });
            first_row += row_count;
        }
    }
}

/// Bytes of a text in JSON, which are not fewer than it has in memory.
fn stored_len(text: &str) -> usize {
    let escapes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | 0x08 | b'\t' | b'\n' | 0x0c | b'\r' => 1,
        0..=0x1f => 5,
        _ => 0,
    });
    text.len() + escapes.sum::<usize>()
}

#[cfg(test)]
#[path = "result_tests.rs"]
mod tests;
