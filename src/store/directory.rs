//! Directories that are still there after a power cut: an entry is durable once the directory it stands
//! in was synced.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes creations, removals and renames inside `path` durable. Blocks.
pub fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The directory that `path` stands in.
pub fn parent(path: &Path) -> Option<&Path> {
    path.parent().map(|parent| match parent.as_os_str() {
        empty if empty.is_empty() => Path::new("."),
        _ => parent,
    })
}

/// Creates `path`, and what is missing above it, and makes the new entries durable by `sync`
/// ([`sync`], unless somebody watches). Blocks.
pub fn create(path: &Path, sync: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent(path);
    if let Some(parent) = parent {
        create(parent, sync)?;
    }
    match std::fs::create_dir(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        done => done?,
    }
    parent.map_or(Ok(()), sync)
}
