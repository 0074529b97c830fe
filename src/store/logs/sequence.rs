//! Numbers for calls: catalog-unique, growing with ingestion time.

use std::sync::Arc;

use belfry_catalog::LogsCatalog;
use belfry_model::{Clock, TimestampMs};
use parking_lot::Mutex;

use crate::error::Result;

/// The catalog's sequence.
const NAME: &str = "log_events";

/// Numbers reserved at once; a restart skips what is left of them.
const RESERVE: u64 = 65_536;

#[derive(Debug, Default)]
struct Range {
    next: u64,
    end: u64,
    last_time: TimestampMs,
}

pub(super) struct Sequence {
    catalog: Arc<dyn LogsCatalog>,
    clock: Arc<dyn Clock>,
    range: Mutex<Range>,
}

impl Sequence {
    /// `last_time` is the latest ingestion time already given: no later one is smaller.
    pub fn new(
        catalog: Arc<dyn LogsCatalog>,
        clock: Arc<dyn Clock>,
        last_time: TimestampMs,
    ) -> Self {
        Self {
            catalog,
            clock,
            range: Mutex::new(Range {
                last_time,
                ..Range::default()
            }),
        }
    }

    /// The next number, with the ingestion time that goes with it: of two calls, the one with the
    /// larger number never has the earlier time.
    pub async fn next(&self) -> Result<(u64, TimestampMs)> {
        loop {
            {
                let mut range = self.range.lock();
                if range.next < range.end {
                    let seq = range.next;
                    range.next += 1;
                    range.last_time = range.last_time.max(self.clock.now());
                    return Ok((seq, range.last_time));
                }
            }
            let first = self.catalog.reserve_sequence(NAME, RESERVE).await?;
            let mut range = self.range.lock();
            // Of two reservations made at once, only growing numbers may be used.
            if range.next >= range.end && first >= range.end {
                range.next = first;
                range.end = first.saturating_add(RESERVE);
            }
        }
    }
}
