//! Tests' samples of stored formats, in `tests/formats`: what one build wrote, every later one
//! must read. `BELFRY_WRITE_SAMPLES=1` writes them anew.

use std::path::{Path, PathBuf};

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/formats")
        .join(name)
}

/// Whether the samples are to be written by this build.
pub(crate) fn are_written() -> bool {
    std::env::var_os("BELFRY_WRITE_SAMPLES").is_some()
}

/// The first segment of a write-ahead log that has no second one.
pub(crate) fn only_file(dir: &Path) -> PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().collect();
    assert_eq!(files.len(), 1);
    files.remove(0).unwrap().path()
}
