//! Decoders of others on bytes that may be damaged.
//!
//! Parquet and tantivy trust what a file says of itself: lengths and offsets that contradict each
//! other end in a panic (found by the fuzz targets `log_segment` and `segment_part`). Checksums
//! keep a damaged disk away from them, but not a file that was written wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};

/// Runs a decoder of `engine`, so that a panic in it fails this one read.
///
/// # Errors
/// Those of `work`; [`Error::Engine`] for a panic. What `work` was changing is not to be used then.
pub(crate) fn decoding<T>(engine: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Error::Engine {
            engine,
            why: "the bytes contradict themselves".to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let found = decoding("parquet", || Ok(1)).unwrap();
        assert_eq!(found, 1);
        let failed: Result<()> = decoding("parquet", || panic!("offset before the start"));
        assert!(matches!(
            failed,
            Err(Error::Engine {
                engine: "parquet",
                ..
            })
        ));
    }
}
