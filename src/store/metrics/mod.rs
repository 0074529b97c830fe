//! Metrics: durable puts, reads in buckets, listing, and the blocks behind them.
//!
//! A put is answered when its datums are in the synced write-ahead log and visible to reads. Every
//! sample is in exactly one place: the active head, a frozen head on its way out, or one live
//! block; a read takes all three in one snapshot. Datapoints are statistic sets that add, so
//! late data, flush, compaction and roll-up change no answer (up to the rounding of sums).
//!
//! | file | what |
//! |---|---|
//! | `store` | [`MetricsStore`]: opening, putting, limits |
//! | `config` | limits and times, each with its reason |
//! | `batch` | the datums of one call, in columns; their write-ahead record |
//! | `calls_record` | the write-ahead record of applied calls |
//! | `key` | the bytes that identify a series |
//! | `head` | samples not yet in blocks, by series |
//! | `postings` | which series have a dimension, in head and block |
//! | `block/` | immutable blocks: writing, reading, verifying |
//! | `column` | numbers in columns: decimals as whole numbers, then pco |
//! | `live` | the snapshot a read works on; cached block indexes |
//! | `aggregate` | adding samples up in buckets |
//! | `read` | datapoints of many metrics in one pass |
//! | `list` | which series there are, and since when |
//! | `flush` | head to blocks, publication, checkpoint |
//! | `publish` | publications, none of them twice |
//! | `compact` | small blocks to larger ones, fine data to coarse |
//! | `retain` | retention, sweep of removed blocks and orphans |
//! | `tier` | the ladder of resolutions and its retention |
//! | `varint` | numbers in few bytes |

mod aggregate;
mod batch;
mod block;
mod calls_record;
mod column;
mod compact;
mod config;
mod flush;
mod head;
mod key;
mod list;
mod live;
mod postings;
mod publish;
mod read;
mod retain;
mod store;
mod tier;
mod varint;

pub use batch::MetricBatch;
pub use block::{
    BlockPart, BlockSummary, BlockWriter, BuiltBlock, Effort, VerifiedBlock, verify_object,
};
pub use config::MetricsConfig;
pub use key::{SeriesKey, of as series_key};
pub use list::{ListedMetric, MetricFilter, MetricPage};
pub use read::{MetricRead, MetricReadResult, UnitBuckets};
pub use store::{MetricsStats, MetricsStore, verify_record};
pub use tier::{Retention, Tier};

/// What one datum says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricValue<'a> {
    Single(f64),
    /// Several values, with weights or one each.
    Values {
        values: &'a [f64],
        weights: Option<&'a [f64]>,
    },
    /// A statistic set the client made.
    Aggregate {
        count: f64,
        sum: f64,
        min: f64,
        max: f64,
    },
}

#[cfg(test)]
mod tests;
