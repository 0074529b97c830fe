//! Calls of tests that come together.

use std::fmt;

use belfry_model::{Classified, StatusClass};
use tokio::sync::RwLockWriteGuard;
use tokio::task::JoinHandle;

/// Lets calls that were spawned come as far as the closed gate, opens it, and tells how many were
/// taken. The others must have been throttled.
pub(crate) async fn taken_once_open<T, E>(
    calls: Vec<JoinHandle<Result<T, E>>>,
    gate: RwLockWriteGuard<'_, ()>,
) -> usize
where
    E: Classified + fmt::Display,
{
    for _ in 0..calls.len() {
        tokio::task::yield_now().await;
    }
    drop(gate);
    let mut taken = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => taken += 1,
            Err(error) => assert_eq!(error.class(), StatusClass::Throttled, "{error}"),
        }
    }
    taken
}
