//! What answers made of stored results take, out of the memory that queries have.

use std::sync::Arc;

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use crate::error::{Error, Result};

/// The rows as they are stored, as they are picked, and encoded: each about as long.
pub(super) const COPIES: usize = 3;

/// A reservation, until it is dropped.
#[derive(Debug)]
pub struct AnswerMemory(MemoryReservation);

impl AnswerMemory {
    /// # Errors
    /// `Busy` when so much is not free.
    pub(super) fn reserve(pool: &Arc<dyn MemoryPool>, stored_bytes: usize) -> Result<Self> {
        let reservation = MemoryConsumer::new("answer").register(pool);
        reservation
            .try_grow(stored_bytes.saturating_mul(COPIES))
            .map_err(|error| Error::Busy(error.to_string()))?;
        Ok(Self(reservation))
    }

    /// Gives back what exceeds `bytes`.
    pub fn shrink_to(&self, bytes: usize) {
        self.0.shrink(self.0.size().saturating_sub(bytes));
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::GreedyMemoryPool;

    use super::*;

    #[test]
    fn answers_share_what_there_is() {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(COPIES * 100));
        let first = AnswerMemory::reserve(&pool, 60).unwrap();
        let refused = AnswerMemory::reserve(&pool, 60);
        assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
        first.shrink_to(60);
        assert_eq!(pool.reserved(), 60);
        first.shrink_to(100);
        assert_eq!(pool.reserved(), 60);
        let second = AnswerMemory::reserve(&pool, 60).unwrap();
        drop((first, second));
        assert_eq!(pool.reserved(), 0);
    }
}
