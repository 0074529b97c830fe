//! Logs: head, segments, text index, reads.
//!
//! Reading: `LogsStore::snapshot() -> LogSnapshot` is cheap, and stable while held.
//! * `async LogSnapshot::parts(&self, &LogScan) -> Result<Vec<ScanPart>>`: independent pieces in
//!   the scan's direction; `ScanPart::read(self) -> ScanReader`, a blocking
//!   `Iterator<Item = Result<RecordBatch>>` (for threads that may block; drop it to cancel) with
//!   `statistics()`; batches have the schema `LogScan::schema()`.
//! * `async LogSnapshot::count(&self, &LogScan) -> Result<Option<u64>>`: from the index alone,
//!   `None` where that cannot be exact.
//! * `async LogSnapshot::fields(&self, &LogScan) -> Result<Vec<FieldSummary>>`: discovered fields.
//! * `async LogSnapshot::events(&self, EventScan) -> Result<EventsPage>` and
//!   `async LogSnapshot::event(&self, EventPtr) -> Result<Option<LogEvent>>`: exact order.
//!
//! | file | what |
//! |---|---|
//! | `event` | events, their order and identity, the columnar batch |
//! | `scan` | what a reader may ask for |
//! | `prefilter` | conditions an index can use |

pub mod event;
pub mod prefilter;
pub mod scan;

pub use event::{EventKey, EventPtr, LogEvent, LogEventBatch};
pub use prefilter::Prefilter;
pub use scan::{
    Direction, EventMatcher, EventScan, EventsPage, FieldRef, GroupScope, LogScan, ScanStatistics,
    ValueKind,
};
