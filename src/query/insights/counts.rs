//! How many queries run and how those that do not have ended, for Belfry's own metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use belfry_catalog::queries::QueryStatus;

/// The queries of a node since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryCounts {
    /// Waiting ones included.
    pub running: u64,
    /// With a result.
    pub finished: u64,
    /// Failed, or ended after they ran for too long. Those that were stopped are neither.
    pub failed: u64,
}

/// Counts ends.
#[derive(Debug, Default)]
pub(super) struct Ends {
    finished: AtomicU64,
    failed: AtomicU64,
}

impl Ends {
    pub fn count(&self, status: QueryStatus) {
        let counter = match status {
            QueryStatus::Complete => &self.finished,
            QueryStatus::Failed | QueryStatus::Timeout => &self.failed,
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn with_running(&self, running: usize) -> QueryCounts {
        QueryCounts {
            running: running as u64,
            finished: self.finished.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_apart() {
        let ends = Ends::default();
        for status in [
            QueryStatus::Complete,
            QueryStatus::Failed,
            QueryStatus::Timeout,
            QueryStatus::Cancelled,
        ] {
            ends.count(status);
        }
        let expected = QueryCounts {
            running: 3,
            finished: 1,
            failed: 2,
        };
        assert_eq!(ends.with_running(3), expected);
    }
}
