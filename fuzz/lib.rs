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

/// For targets of code that catches the panics of libraries (`src/store/decoding.rs`): libFuzzer's
/// hook aborts at any panic, caught or not. One that nobody catches still ends the run.
pub fn abort_on_escaped_panics_only() {
    std::panic::set_hook(Box::new(|_| {}));
}
