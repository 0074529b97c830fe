//! Which alarms this node evaluates: those of the buckets it holds the lease of.
//!
//! A lease saves work, it does not guard anything: a transition is written by compare-and-set,
//! so two nodes that evaluate the same alarm still write it once.

use std::collections::BTreeMap;

use belfry_catalog::LeaseCatalog;
use belfry_catalog::leases::Lease;
use belfry_model::TimestampMs;
use belfry_model::time::SECOND_MS;

/// How long a bucket stays with a node that died.
pub const LEASE_MS: i64 = 20 * SECOND_MS;
/// How long to wait before asking again for a bucket that somebody else holds.
pub const RETRY_MS: i64 = 5 * SECOND_MS;

/// The leases held by one run of one process.
#[derive(Debug)]
pub struct Leases {
    owner: String,
    held: BTreeMap<u32, Lease>,
}

impl Leases {
    /// `owner` names this run of this process.
    pub fn new(owner: String) -> Self {
        Self {
            owner,
            held: BTreeMap::new(),
        }
    }

    pub fn owner(&self) -> &str {
        &self.owner
    }

    pub fn holds(&self, bucket: u32, now: TimestampMs) -> bool {
        self.held
            .get(&bucket)
            .is_some_and(|lease| lease.expires_at > now)
    }

    /// Of `wanted` and those held, the ones that have to be asked for at `now`: not held, or
    /// past half of their time. Leases that ran out are only asked for if wanted.
    pub fn to_ask_for(&self, wanted: impl IntoIterator<Item = u32>, now: TimestampMs) -> Vec<u32> {
        let fresh = |lease: &Lease| lease.expires_at - now > LEASE_MS / 2;
        let mut buckets: Vec<u32> = wanted.into_iter().collect();
        let running = self.held.iter().filter(|(_, lease)| lease.expires_at > now);
        buckets.extend(running.map(|(bucket, _)| *bucket));
        buckets.sort_unstable();
        buckets.dedup();
        buckets.retain(|bucket| !self.held.get(bucket).is_some_and(fresh));
        buckets
    }

    /// What asking came to; `None`: somebody else holds it.
    pub fn record(&mut self, bucket: u32, lease: Option<Lease>) {
        match lease {
            Some(lease) => {
                self.held.insert(bucket, lease);
            }
            None => {
                self.held.remove(&bucket);
            }
        }
    }

    /// All held, to be released.
    pub fn take_all(&mut self) -> Vec<Lease> {
        std::mem::take(&mut self.held).into_values().collect()
    }
}

/// Asks the catalog for one bucket.
///
/// # Errors
/// Those of the catalog.
pub async fn ask(
    catalog: &(impl LeaseCatalog + ?Sized),
    owner: &str,
    bucket: u32,
    now: TimestampMs,
) -> belfry_catalog::Result<Option<Lease>> {
    let name = format!("alarms/{bucket}");
    catalog.acquire_lease(&name, owner, LEASE_MS, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(expires_s: i64) -> Option<Lease> {
        Some(Lease {
            name: String::new(),
            owner: String::new(),
            epoch: 1,
            expires_at: TimestampMs::from_secs(expires_s),
        })
    }

    #[test]
    fn leases_are_renewed_past_half_time() {
        let mut leases = Leases::new("me".to_owned());
        let at = TimestampMs::from_secs;
        assert_eq!(leases.to_ask_for([3, 1], at(0)), [1, 3]);
        leases.record(1, lease(20));
        leases.record(3, None);
        assert!(leases.holds(1, at(19)));
        assert!(!leases.holds(1, at(20)));
        assert!(!leases.holds(3, at(0)));
        assert!(leases.to_ask_for([1], at(9)).is_empty());
        assert_eq!(leases.to_ask_for([], at(10)), [1]);
        // It ran out: whoever needs it may have it.
        assert!(leases.to_ask_for([], at(20)).is_empty());
        assert_eq!(leases.to_ask_for([1], at(20)), [1]);
        assert_eq!(leases.take_all().len(), 1);
        assert!(!leases.holds(1, at(0)));
    }
}
