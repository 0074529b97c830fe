//! Work that would hold up an async thread.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs work that may take more than a few microseconds without holding up the other tasks of
/// this thread. On a runtime of one thread, or on none, it runs in place.
pub fn off_async<T>(work: impl FnOnce() -> T) -> T {
    let is_multi_thread = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_multi_thread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
