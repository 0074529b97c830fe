//! Limits and sizes of the logs' store. All of them are ours.

use belfry_model::time::{HOUR_MS, MINUTE_MS, SECOND_MS};

use crate::wal::WalConfig;

/// See the fields; the defaults suit one node.
#[derive(Clone, Debug)]
pub struct LogsConfig {
    /// Memory for events that are not in a segment yet. Beyond it, writes are throttled.
    pub head_bytes_max: u64,
    /// Bytes of the write-ahead log. Beyond it, writes are throttled.
    pub wal_bytes_max: u64,
    /// A flush starts when the head holds this much,
    pub flush_bytes: u64,
    /// or when its oldest event has been there this long.
    pub flush_age_ms: i64,
    /// Segments with fewer rows than this are joined by compaction.
    pub compact_rows_below: u64,
    /// So many of them in one (tenant, retention class, day) make a compaction worth while.
    pub compact_segments_min: usize,
    /// At most so many are joined at once,
    pub compact_segments_max: usize,
    /// and at most so many rows, which bounds the memory of a compaction.
    pub compact_rows_max: u64,
    /// How often retention and compaction look for work.
    pub maintenance_period_ms: i64,
    /// A removed object's bytes stay this long for readers that still hold a snapshot.
    pub sweep_delay_ms: i64,
    /// Memory for opened segments: footers, indexes, file metadata.
    pub cache_bytes: u64,
    pub wal: WalConfig,
}

impl Default for LogsConfig {
    fn default() -> Self {
        Self {
            head_bytes_max: 192 * 1024 * 1024,
            wal_bytes_max: 512 * 1024 * 1024,
            flush_bytes: 64 * 1024 * 1024,
            flush_age_ms: 5 * MINUTE_MS,
            compact_rows_below: 200_000,
            compact_segments_min: 8,
            compact_segments_max: 32,
            compact_rows_max: 1_000_000,
            maintenance_period_ms: 30 * SECOND_MS,
            sweep_delay_ms: HOUR_MS,
            cache_bytes: 128 * 1024 * 1024,
            wal: WalConfig::default(),
        }
    }
}
