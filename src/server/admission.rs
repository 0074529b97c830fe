//! How many bytes of request bodies may be in memory at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Ours: how long a request waits for its place before it is told to come back later.
const WAIT: Duration = Duration::from_secs(5);
/// Bytes are reserved in pieces of this size, since a semaphore counts in 32 bits.
const PIECE: usize = 1_024;

/// A byte budget that requests reserve from as their bodies arrive: what a request says it is
/// going to send takes nobody's place.
#[derive(Clone)]
pub struct Admission {
    pieces: Arc<Semaphore>,
    total: usize,
    wait: Duration,
}

/// A reservation; dropping it gives the bytes back.
pub struct Admitted {
    admission: Admission,
    /// `None` while nothing is reserved.
    permit: Option<OwnedSemaphorePermit>,
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

    /// A reservation of nothing, to be grown.
    pub fn begin(&self) -> Admitted {
        Admitted {
            admission: self.clone(),
            permit: None,
        }
    }

    pub fn held_bytes(&self) -> i64 {
        let held = self.total.saturating_sub(self.pieces.available_permits());
        i64::try_from(held.saturating_mul(PIECE)).unwrap_or(i64::MAX)
    }

    #[cfg(test)]
    pub(crate) fn with_wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// A body larger than the whole budget takes all of it and is alone.
    fn pieces_of(&self, bytes: usize) -> usize {
        bytes.div_ceil(PIECE).min(self.total)
    }
}

impl Admitted {
    fn held(&self) -> usize {
        self.permit
            .as_ref()
            .map_or(0, |permit| permit.num_permits())
    }

    /// Waits until `bytes` are reserved altogether. False when there is no room in time: push
    /// back.
    #[must_use]
    pub async fn grow_to(&mut self, bytes: usize) -> bool {
        let more = self.admission.pieces_of(bytes).saturating_sub(self.held());
        if more == 0 {
            return true;
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let acquire = self.admission.pieces.clone().acquire_many_owned(more);
        let Ok(Ok(permit)) = tokio::time::timeout(self.admission.wait, acquire).await else {
            return false;
        };
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        true
    }

    /// Gives back what exceeds `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let excess = self.held().saturating_sub(self.admission.pieces_of(bytes));
        if let Some(permit) = &mut self.permit {
            drop(permit.split(excess));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(pieces: usize) -> Admission {
        Admission::new(pieces * PIECE).with_wait(Duration::ZERO)
    }

    #[tokio::test]
    async fn pushes_back_when_full() {
        let admission = admission(10);
        let mut first = admission.begin();
        assert_eq!(admission.held_bytes(), 0);
        assert!(first.grow_to(8 * PIECE).await);
        assert_eq!(admission.held_bytes(), 8 * PIECE as i64);
        let mut second = admission.begin();
        assert!(second.grow_to(2 * PIECE).await);
        assert!(!second.grow_to(3 * PIECE).await);
        first.shrink_to(7 * PIECE - 1);
        assert!(second.grow_to(3 * PIECE).await);
        drop((first, second));
        assert!(admission.begin().grow_to(1_000 * PIECE).await);
        assert_eq!(admission.held_bytes(), 0);
    }
}
