//! Limits and times of the metrics store. All are ours; spec metrics.md sets none of them.

use belfry_model::time::{HOUR_MS, MINUTE_MS};

use super::tier::Retention;
use crate::wal::WalConfig;

/// How the store behaves.
#[derive(Clone, Copy, Debug)]
pub struct MetricsConfig {
    pub wal: WalConfig,
    /// A head of this size is flushed.
    pub flush_bytes: usize,
    /// A head whose first datum is this old is flushed.
    pub flush_age_ms: i64,
    /// When heads together would pass this, puts are throttled. The room that lists of samples take
    /// when they grow is not reserved, and may pass it.
    pub head_bytes_max: usize,
    /// A write-ahead log above this throttles puts; those that come together may pass it by their
    /// own size. Bounds the time of a replay, too.
    pub wal_bytes_max: u64,
    /// Indexes of blocks kept in memory.
    pub index_cache_bytes: usize,
    pub retention: Retention,
    /// How often compaction, retention and the sweep are looked at.
    pub maintenance_every_ms: i64,
    /// Blocks that were replaced stay for readers that began before.
    pub sweep_delay_ms: i64,
    /// Objects that no catalog row names are deleted when they are this old.
    pub orphan_age_ms: i64,
    /// A compaction's result is at most about so large.
    pub block_bytes_max: u64,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            wal: WalConfig::default(),
            flush_bytes: 64 * MIB,
            flush_age_ms: 10 * MINUTE_MS,
            head_bytes_max: 256 * MIB,
            wal_bytes_max: 1024 * MIB as u64,
            index_cache_bytes: 128 * MIB,
            retention: Retention::default(),
            maintenance_every_ms: MINUTE_MS,
            sweep_delay_ms: 10 * MINUTE_MS,
            orphan_age_ms: HOUR_MS,
            block_bytes_max: 128 * MIB as u64,
        }
    }
}
