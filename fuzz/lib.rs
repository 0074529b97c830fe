//! What the targets of cargo-fuzz check. `tests/it/seeds.rs` of the main package runs the seeds
//! through the same functions.

#[cfg(feature = "api")]
#[path = "checks/api.rs"]
pub mod api_checks;
pub mod checks;
#[cfg(feature = "notify")]
#[path = "checks/notify.rs"]
pub mod notify_checks;
#[cfg(feature = "store")]
#[path = "checks/store.rs"]
pub mod store_checks;
