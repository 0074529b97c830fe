//! Tells the runner of this process that an alarm was changed here, so that it need not ask the
//! catalog all the time.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the changes a service made.
#[derive(Debug, Default)]
pub struct AlarmChanges(AtomicU64);

impl AlarmChanges {
    /// Called after a change is in the catalog.
    pub fn note(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// Grows with every change.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}
