//! How many requests a second a receiver wants (spec notifications.md 9).

use std::collections::BTreeMap;

use belfry_model::TimestampMs;
use parking_lot::Mutex;

/// Ours: receivers remembered at one time; idle ones are forgotten first.
const BUCKETS_MAX: usize = 10_000;
const TOKEN: i64 = 1_000;

/// A token bucket for each subscription; its burst is one second's worth.
#[derive(Default)]
pub struct Throttles {
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

struct Bucket {
    /// In thousandths: what a rate of one gives in a millisecond.
    millitokens: i64,
    at: TimestampMs,
}

impl Throttles {
    /// Takes one token, or says after how many milliseconds one will be there.
    ///
    /// # Errors
    /// The wait in milliseconds, at least 1.
    pub fn take(&self, subscription: &str, per_second: u32, now: TimestampMs) -> Result<(), i64> {
        let rate = i64::from(per_second.max(1));
        let full = rate.saturating_mul(TOKEN);
        let mut buckets = self.buckets.lock();
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(subscription) {
            // A bucket that was not used for a second is full: as good as none.
            buckets.retain(|_, bucket| now - bucket.at < 1_000);
        }
        let bucket = buckets.entry(subscription.to_owned()).or_insert(Bucket {
            millitokens: full,
            at: now,
        });
        let gained = (now - bucket.at).max(0).saturating_mul(rate);
        bucket.millitokens = bucket.millitokens.saturating_add(gained).min(full);
        bucket.at = bucket.at.max(now);
        if bucket.millitokens >= TOKEN {
            bucket.millitokens -= TOKEN;
            return Ok(());
        }
        let missing = TOKEN.saturating_sub(bucket.millitokens);
        Err(missing.saturating_add(rate - 1) / rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_its_rate() {
        let throttles = Throttles::default();
        let at = |ms| throttles.take("s", 2, TimestampMs(ms));
        assert_eq!(at(0), Ok(()));
        assert_eq!(at(0), Ok(()));
        assert_eq!(at(0), Err(500));
        assert_eq!(at(499), Err(1));
        assert_eq!(at(500), Ok(()));
        assert_eq!(at(500), Err(500));
        assert_eq!(throttles.take("other", 2, TimestampMs(500)), Ok(()));
    }
}
