//! Leases: one owner at a time for a piece of periodic work, fenced by an epoch.

use async_trait::async_trait;
use belfry_model::TimestampMs;

use crate::error::Result;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    pub owner: String,
    /// Grows each time the lease changes hands.
    pub epoch: u64,
    pub expires_at: TimestampMs,
}

#[async_trait]
pub trait LeaseCatalog: Send + Sync {
    /// Takes the lease if it is free, expired, or already `owner`'s (then it is renewed and
    /// keeps its epoch). `None` while somebody else holds it. An owner is one run of one
    /// process: a restart takes a new name, or it would share its predecessor's epoch.
    async fn acquire_lease(
        &self,
        name: &str,
        owner: &str,
        ttl_ms: i64,
        now: TimestampMs,
    ) -> Result<Option<Lease>>;
    /// Gives it up, if it is still held with this epoch.
    async fn release_lease(&self, lease: &Lease) -> Result<()>;
    /// Ends all leases, whoever holds them; epochs go on growing. Only for a process that
    /// knows itself to be alone, as the owner of a locked data directory does when it starts:
    /// its predecessor is dead, and neither the rest of that one's time nor a clock that was
    /// turned back since (a test clock is, by a restart) shall keep it waiting.
    async fn void_leases(&self) -> Result<()>;
}
