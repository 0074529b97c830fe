//! When a flush that failed is tried again.

use belfry_model::TimestampMs;
use belfry_model::time::{MINUTE_MS, SECOND_MS};
use parking_lot::Mutex;

/// Ours. Each failure in a row doubles the pause, up to [`PAUSE_MS_MAX`].
const PAUSE_MS: i64 = SECOND_MS;
const PAUSE_MS_MAX: i64 = MINUTE_MS;

/// A flush costs a build and objects, so one that cannot be published is not repeated at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    state: Mutex<Option<Failing>>,
}

#[derive(Clone, Copy, Debug)]
struct Failing {
    pause_ms: i64,
    until: TimestampMs,
}

impl Backoff {
    /// Nothing but a caller's wish starts a flush before this.
    pub fn until(&self) -> TimestampMs {
        self.state.lock().map_or(TimestampMs::MIN, |f| f.until)
    }

    pub fn failed(&self, now: TimestampMs) {
        let mut state = self.state.lock();
        let pause_ms = state.map_or(PAUSE_MS, |f| (2 * f.pause_ms).min(PAUSE_MS_MAX));
        *state = Some(Failing {
            pause_ms,
            until: now.saturating_add_ms(pause_ms),
        });
    }

    pub fn succeeded(&self) {
        *self.state.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_until_a_success() {
        let backoff = Backoff::default();
        assert_eq!(backoff.until(), TimestampMs::MIN);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            backoff.failed(TimestampMs(0));
            pauses.push(backoff.until().0 / SECOND_MS);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        backoff.succeeded();
        assert_eq!(backoff.until(), TimestampMs::MIN);
        backoff.failed(TimestampMs(5));
        assert_eq!(backoff.until(), TimestampMs(5 + SECOND_MS));
    }
}
