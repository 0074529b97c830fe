//! Room in the heads of a store for calls that are taken and still on their way through the log.
//!
//! A call's bytes are in a head only when its record is durable. Until then they are reserved
//! here, so that calls that come together do not pass the limit together.

use parking_lot::Mutex;

/// The limit of the heads of one store.
#[derive(Debug)]
pub(crate) struct HeadRoom {
    limit: u64,
    reserved: Mutex<u64>,
}

/// Bytes that nobody else can have. To be dropped when the head has them.
#[derive(Debug)]
#[must_use]
pub(crate) struct Reservation<'a> {
    room: &'a HeadRoom,
    bytes: u64,
}

/// There is no room.
#[derive(Debug, PartialEq)]
pub(crate) struct NoRoom {
    /// What the heads and the calls that were taken hold.
    pub used: u64,
    pub limit: u64,
}

impl HeadRoom {
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            reserved: Mutex::default(),
        }
    }

    /// Reserves `bytes`; `in_heads` tells what the heads hold. A store that holds nothing takes
    /// any call, or a large one could never be stored.
    pub fn reserve(
        &self,
        bytes: u64,
        in_heads: impl FnOnce() -> u64,
    ) -> Result<Reservation<'_>, NoRoom> {
        // Under the lock, so that a call is never between the heads and the reservations.
        let mut reserved = self.reserved.lock();
        let used = in_heads().saturating_add(*reserved);
        if used > 0 && used.saturating_add(bytes) > self.limit {
            return Err(NoRoom {
                used,
                limit: self.limit,
            });
        }
        *reserved = reserved.saturating_add(bytes);
        Ok(Reservation { room: self, bytes })
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut reserved = self.room.reserved.lock();
        *reserved = reserved.saturating_sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_counts_until_it_is_dropped() {
        let room = HeadRoom::new(100);
        let first = room.reserve(40, || 20).unwrap();
        let no_room = |used| NoRoom { used, limit: 100 };
        assert_eq!(room.reserve(41, || 20).unwrap_err(), no_room(60));
        let second = room.reserve(40, || 20).unwrap();
        assert_eq!(room.reserve(1, || 20).unwrap_err(), no_room(100));
        drop(first);
        drop(room.reserve(40, || 20).unwrap());
        drop(second);
        assert!(room.reserve(80, || 20).is_ok());
        assert_eq!(room.reserve(81, || 20).unwrap_err(), no_room(20));
    }

    #[test]
    fn a_store_that_holds_nothing_takes_any_call_but_one() {
        let room = HeadRoom::new(100);
        let large = room.reserve(1_000, || 0).unwrap();
        assert!(room.reserve(1, || 0).is_err());
        drop(large);
        assert!(room.reserve(1, || 0).is_ok());
    }
}
