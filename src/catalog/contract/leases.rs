use belfry_model::TimestampMs;

use crate::Catalog;
use crate::leases::Lease;

pub async fn have_one_owner_and_growing_epochs(catalog: &impl Catalog) {
    let acquire = |name, owner, now| async move {
        let lease = catalog
            .acquire_lease(name, owner, 10, TimestampMs(now))
            .await;
        lease.expect("acquire")
    };
    let first = acquire("l", "a", 0).await.expect("free");
    assert_eq!(
        first,
        Lease {
            name: "l".to_owned(),
            owner: "a".to_owned(),
            epoch: 1,
            expires_at: TimestampMs(10),
        }
    );
    assert_eq!(acquire("l", "b", 9).await, None);
    assert_eq!(acquire("m", "b", 9).await.expect("another").epoch, 1);
    let renewed = acquire("l", "a", 9).await.expect("own");
    assert_eq!((renewed.epoch, renewed.expires_at.0), (1, 19));
    let taken = acquire("l", "b", 19).await.expect("expired");
    assert_eq!(taken.epoch, 2);
    // The old owner can neither renew nor release what it lost.
    assert_eq!(acquire("l", "a", 20).await, None);
    catalog.release_lease(&renewed).await.expect("no effect");
    assert_eq!(acquire("l", "a", 20).await, None);
    catalog.release_lease(&taken).await.expect("released");
    // Whoever comes next, and be it the last owner, gets a new epoch.
    assert_eq!(acquire("l", "b", 20).await.expect("free").epoch, 3);
}

pub async fn can_be_voided(catalog: &impl Catalog) {
    let acquire = |owner, now| async move {
        let lease = catalog.acquire_lease("l", owner, 10, TimestampMs(now));
        lease.await.expect("acquire")
    };
    catalog.void_leases().await.expect("none to void");
    assert_eq!(acquire("dead", 1_000).await.expect("free").epoch, 1);
    // Somebody starts anew, on a clock that was turned back.
    assert_eq!(acquire("alive", 5).await, None);
    catalog.void_leases().await.expect("voided");
    assert_eq!(acquire("alive", 5).await.expect("free").epoch, 2);
}
