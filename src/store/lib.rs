//! The store: metrics and logs, durable before they are acknowledged.
//!
//! A write is acknowledged once it is in a synced write-ahead log; it lives in an in-memory head
//! until a flush turns the head into immutable objects and publishes them, together with the
//! log's checkpoint, in one catalog transaction. A crash at any point is repaired by replaying
//! from the checkpoint: an acknowledged write is neither lost nor counted twice.
//!
//! | file | what |
//! |---|---|
//! | `wal/` | the write-ahead log: group commit, replay, torn writes |
//! | `directory` | directories that survive a power cut |
//! | `objects` | the one door to the object store |
//! | `metrics/` | metrics: head, series index, blocks, flush, compaction, retention, reads |
//! | `logs/` | log events: head, segments, text index, ordered reads, scans |
//! | `decoding` | panics of others' decoders as errors |
//! | `backoff` | when a flush that failed is tried again |
//! | `head_room` | the limit of the heads, and what calls reserve of it |
//! | `retried_calls` | calls that were applied: a retried call counts once |
//! | `publishing` | what a store knows of its last publication |
//! | `failpoint` | numbered points at which crash tests kill the process |
//! | `samples` | tests' samples of stored formats |
//! | `test_calls` | tests' calls that come together |
//! | `test_catalog` | tests' catalog that fails at a chosen moment |
//! | `error` | what can go wrong, classified |

mod backoff;
mod decoding;
pub mod directory;
pub mod error;
pub mod failpoint;
mod head_room;
pub mod logs;
pub mod metrics;
pub mod objects;
mod publishing;
mod retried_calls;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod test_calls;
#[cfg(test)]
mod test_catalog;
pub mod wal;

pub use error::{Error, Result};
pub use objects::Objects;
