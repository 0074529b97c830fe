//! The only way to learn the time. Nobody below `main` asks the system clock.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::time::TimestampMs;

/// Tells the time of day.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> TimestampMs;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> TimestampMs {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        TimestampMs(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until told; it only moves forward.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<TimestampMs>,
    changed: watch::Sender<TimestampMs>,
}

impl ManualClock {
    pub fn new(start: TimestampMs) -> Arc<Self> {
        Arc::new(Self {
            now: Mutex::new(start),
            changed: watch::Sender::new(start),
        })
    }

    /// Moves to `to`. Returns false, and changes nothing, if that lies in the past.
    pub fn set(&self, to: TimestampMs) -> bool {
        let mut now = self.now.lock();
        if to < *now {
            return false;
        }
        *now = to;
        self.changed.send_replace(to);
        true
    }

    pub fn advance_ms(&self, ms: i64) -> bool {
        let to = self.now().saturating_add_ms(ms);
        self.set(to)
    }

    /// Notified after each move.
    pub fn subscribe(&self) -> watch::Receiver<TimestampMs> {
        self.changed.subscribe()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> TimestampMs {
        *self.now.lock()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> TimestampMs {
        (**self).now()
    }
}
