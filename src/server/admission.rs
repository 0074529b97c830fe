//! How many bytes of request bodies may be in memory at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Ours: how long a request waits for its place before it is told to come back later.
const WAIT: Duration = Duration::from_secs(5);
/// Bytes are reserved in pieces of this size, since a semaphore counts in 32 bits.
const PIECE: usize = 1_024;

/// A byte budget that requests reserve from before their bodies are read.
#[derive(Clone)]
pub struct Admission {
    pieces: Arc<Semaphore>,
    total: usize,
    wait: Duration,
}

/// A reservation; dropping it gives the bytes back.
pub struct Admitted {
    _permit: OwnedSemaphorePermit,
}

impl Admission {
    pub fn new(bytes: usize) -> Self {
        let total = (bytes / PIECE).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            pieces: Arc::new(Semaphore::new(total)),
            total,
            wait: WAIT,
        }
    }

    /// Waits for room. `None` when there is none in time: push back.
    pub async fn reserve(&self, bytes: usize) -> Option<Admitted> {
        // A body larger than the whole budget takes all of it and is alone.
        let pieces = bytes.div_ceil(PIECE).clamp(1, self.total);
        let pieces = u32::try_from(pieces).unwrap_or(u32::MAX);
        let acquire = self.pieces.clone().acquire_many_owned(pieces);
        match tokio::time::timeout(self.wait, acquire).await {
            Ok(Ok(permit)) => Some(Admitted { _permit: permit }),
            _ => None,
        }
    }

    pub fn held_bytes(&self) -> i64 {
        let held = self.total.saturating_sub(self.pieces.available_permits());
        i64::try_from(held.saturating_mul(PIECE)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pushes_back_when_full() {
        let admission = Admission {
            wait: Duration::ZERO,
            ..Admission::new(10 * PIECE)
        };
        let first = admission.reserve(8 * PIECE).await.unwrap();
        assert_eq!(admission.held_bytes(), 8 * PIECE as i64);
        assert!(admission.reserve(3 * PIECE).await.is_none());
        drop(first);
        assert!(admission.reserve(1_000 * PIECE).await.is_some());
    }
}
