//! What a query read so far.

use std::sync::atomic::{AtomicU64, Ordering};

use belfry_store::logs::ScanStatistics;

/// Counts what the parts of a scan cost, while they are read.
#[derive(Debug, Default)]
pub struct ScanCounters {
    rows_scanned: AtomicU64,
    bytes_scanned: AtomicU64,
    rows_skipped: AtomicU64,
    rows_returned: AtomicU64,
}

impl ScanCounters {
    pub fn add(&self, statistics: &ScanStatistics) {
        for (counter, n) in [
            (&self.rows_scanned, statistics.rows_scanned),
            (&self.bytes_scanned, statistics.bytes_scanned),
            (&self.rows_skipped, statistics.rows_skipped),
            (&self.rows_returned, statistics.rows_returned),
        ] {
            counter.fetch_add(n, Ordering::Relaxed);
        }
    }

    pub fn get(&self) -> ScanStatistics {
        ScanStatistics {
            rows_scanned: self.rows_scanned.load(Ordering::Relaxed),
            bytes_scanned: self.bytes_scanned.load(Ordering::Relaxed),
            rows_skipped: self.rows_skipped.load(Ordering::Relaxed),
            rows_returned: self.rows_returned.load(Ordering::Relaxed),
        }
    }
}
