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
//! | `store` | opening, replay, accepting events |
//! | `config` | limits and sizes |
//! | `event` | events, their order and identity, the columnar batch |
//! | `put` | which events of a call are refused, what a call did |
//! | `sequence` | numbers for calls |
//! | `wal_record` | the bytes of write-ahead records |
//! | `names` | a cache of names in front of the catalog |
//! | `head` | events that are not in a segment yet |
//! | `head_filter` | conditions on those events |
//! | `live` | the live segments, as the catalog lists them |
//! | `flush` | from the head to segments |
//! | `publish` | publications, none of them twice |
//! | `builder_thread` | the thread that builds segments |
//! | `segment/` | segments: building, reading |
//! | `index/` | the index of a segment |
//! | `row_set` | sets of row numbers |
//! | `scan` | what a reader may ask for |
//! | `prefilter` | conditions an index can use |
//! | `snapshot` | what is visible at one moment |
//! | `part` | independent pieces of a scan |
//! | `columns` | batches built from messages |
//! | `count` | counting by the index alone |
//! | `events` | pages of events in exact order |
//! | `fields` | discovered fields, stored bytes |
//! | `maintain` | what falls due: flush by age, retention, compaction, sweep |
//! | `verify` | checking stored segments |
//! | `parts` | the decoders of a segment's parts by themselves, for fuzzing |
//! | `number` | texts that are numbers |
//! | `json/` | JSON messages taken apart and put together again |

mod builder_thread;
mod columns;
pub mod config;
mod count;
pub mod event;
mod events;
mod fields;
mod flush;
mod head;
mod head_filter;
mod index;
pub mod json;
mod live;
mod maintain;
mod names;
mod number;
mod part;
mod parts;
pub mod prefilter;
mod publish;
mod put;
mod row_set;
pub mod scan;
mod segment;
mod sequence;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;
mod verify;
mod wal_record;

pub use config::LogsConfig;
pub use event::{EventKey, EventPtr, LogEvent, LogEventBatch};
pub use fields::FieldSummary;
pub use head::StreamBounds;
pub use maintain::Maintenance;
pub use number::parse_number;
pub use part::{ScanPart, ScanReader};
pub use parts::SegmentPart;
pub use prefilter::Prefilter;
pub use put::{PutOutcome, RejectedRanges, retention_start};
pub use scan::{
    Direction, EventMatcher, EventScan, EventsPage, FieldRef, GroupScope, LogScan, ScanStatistics,
    ValueKind,
};
pub use snapshot::LogSnapshot;
pub use store::{LogsStats, LogsStore, verify_record};
pub use verify::verify_object;
