//! The one door to the object store.
//!
//! Objects are immutable: written once under a key that follows from kind and id, read in
//! ranges, deleted. Which of them count is the catalog's business; an object nobody published is
//! an orphan for the sweep.
//!
//! `object_store`'s local file system renames into place but never syncs, so that a power cut
//! after the catalog's commit could leave an empty object. Local puts are therefore our own:
//! write a staging file, sync it, rename, sync the directory. Staging files carry the `#` suffix that
//! `object_store` hides from listings. Everything else goes through `object_store`, except for
//! [`Objects::read_range_blocking`], the fast path of readers that run off the async threads.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use belfry_catalog::objects::ObjectKind;
use belfry_model::TimestampMs;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use ulid::Ulid;

use crate::directory;
use crate::error::{Error, Result};
use crate::failpoint;

/// An object as a listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedObject {
    pub id: Ulid,
    pub bytes: u64,
    pub modified: TimestampMs,
}

/// The object store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    root: Arc<FsPath>,
}

impl Objects {
    /// Opens the directory `root`, creating it if need be, and clears away the staging files of
    /// puts that a crash cut off. Blocks on I/O.
    pub fn open_local(root: &FsPath) -> Result<Self> {
        let io = |e| Error::io("object store", root.display().to_string(), e);
        for kind in [
            ObjectKind::MetricsBlock,
            ObjectKind::LogSegment,
            ObjectKind::QueryResult,
        ] {
            let directory = root.join(kind.as_str());
            std::fs::create_dir_all(&directory).map_err(io)?;
            for entry in std::fs::read_dir(&directory).map_err(io)? {
                let entry = entry.map_err(io)?;
                if is_staging(&entry) {
                    std::fs::remove_file(entry.path()).map_err(io)?;
                }
            }
        }
        directory::sync(root).map_err(io)?;
        Self::open_existing(root)
    }

    /// Opens the directory `root` for reading only: nothing is created or cleared away.
    pub fn open_existing(root: &FsPath) -> Result<Self> {
        let store = LocalFileSystem::new_with_prefix(root).map_err(|source| Error::Object {
            key: root.display().to_string(),
            source,
        })?;
        Ok(Self {
            store: Arc::new(store),
            root: Arc::from(root),
        })
    }

    /// How many puts of a kind a crash cut off: [`Objects::open_local`] clears their staging files
    /// away. Blocks on I/O.
    pub fn cut_off_puts(&self, kind: ObjectKind) -> Result<u64> {
        let directory = self.root.join(kind.as_str());
        let io = |e| Error::io("object store", directory.display().to_string(), e);
        let entries = match std::fs::read_dir(&directory) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            entries => entries.map_err(io)?,
        };
        let mut count = 0;
        for entry in entries {
            count += u64::from(is_staging(&entry.map_err(io)?));
        }
        Ok(count)
    }

    /// Where an object of this kind and id lies.
    pub fn key(kind: ObjectKind, id: Ulid) -> Path {
        Path::from_iter([kind.as_str(), &id.to_string()])
    }

    /// The store behind the door, for readers that speak `object_store` (Parquet, DataFusion).
    pub fn inner(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// Stores the concatenation of `parts`; durable on return.
    pub async fn put(&self, kind: ObjectKind, id: Ulid, parts: Vec<Bytes>) -> Result<u64> {
        let target = self.local_path(kind, id);
        tokio::task::spawn_blocking(move || {
            put_local(&target, &parts)
                .map_err(|e| Error::io("object", target.display().to_string(), e))
        })
        .await
        .map_err(|_| Error::Stopped {
            what: "object writer",
        })?
    }

    /// The whole object.
    pub async fn get(&self, kind: ObjectKind, id: Ulid) -> Result<Bytes> {
        let key = Self::key(kind, id);
        let found = self.store.get(&key).await;
        match found {
            Ok(found) => found.bytes().await.map_err(|e| object_error(&key, e)),
            Err(e) => Err(object_error(&key, e)),
        }
    }

    /// Bytes `range` of the object; an error if it is shorter.
    pub async fn get_range(&self, kind: ObjectKind, id: Ulid, range: Range<u64>) -> Result<Bytes> {
        let key = Self::key(kind, id);
        let expected = range.end.saturating_sub(range.start);
        let bytes = self
            .store
            .get_range(&key, range.clone())
            .await
            .map_err(|e| object_error(&key, e))?;
        if bytes.len() as u64 != expected {
            return Err(Error::ObjectCorrupt {
                key: key.to_string(),
                offset: range.start.saturating_add(bytes.len() as u64),
                why: "object is shorter than its directory says".to_owned(),
            });
        }
        Ok(bytes)
    }

    /// As [`Objects::get_range`], for threads that may block.
    pub fn read_range_blocking(
        &self,
        kind: ObjectKind,
        id: Ulid,
        range: Range<u64>,
    ) -> Result<Bytes> {
        use std::os::unix::fs::FileExt;

        let key = || Self::key(kind, id).to_string();
        let path = self.local_path(kind, id);
        let file = File::open(&path).map_err(|e| local_error(key(), range.start, e))?;
        let size = file
            .metadata()
            .map_err(|e| local_error(key(), range.start, e))?
            .len();
        // The length may come from a damaged directory: never allocate more than there is.
        if range.start > range.end || range.end > size {
            return Err(Error::ObjectCorrupt {
                key: key(),
                offset: size,
                why: format!("bytes {range:?} lie beyond the end of the object"),
            });
        }
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut buffer = vec![0; length];
        file.read_exact_at(&mut buffer, range.start)
            .map_err(|e| local_error(key(), range.start, e))?;
        Ok(Bytes::from(buffer))
    }

    /// The size of an object in bytes.
    pub async fn size(&self, kind: ObjectKind, id: Ulid) -> Result<u64> {
        let key = Self::key(kind, id);
        let meta = self
            .store
            .head(&key)
            .await
            .map_err(|e| object_error(&key, e))?;
        Ok(meta.size)
    }

    /// Deletes an object; fine if there is none.
    pub async fn delete(&self, kind: ObjectKind, id: Ulid) -> Result<()> {
        let key = Self::key(kind, id);
        match self.store.delete(&key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(object_error(&key, e)),
        }
    }

    /// All objects of a kind, in order of id. Files with other names are ignored.
    pub async fn list(&self, kind: ObjectKind) -> Result<Vec<ListedObject>> {
        let prefix = Path::from(kind.as_str());
        let mut listed: Vec<ListedObject> = self
            .store
            .list(Some(&prefix))
            .try_filter_map(|meta| async move {
                let id = meta.location.filename().and_then(|n| n.parse().ok());
                Ok(id.map(|id| ListedObject {
                    id,
                    bytes: meta.size,
                    modified: TimestampMs(meta.last_modified.timestamp_millis()),
                }))
            })
            .try_collect()
            .await
            .map_err(|e| object_error(&prefix, e))?;
        listed.sort_unstable_by_key(|o| o.id);
        Ok(listed)
    }

    fn local_path(&self, kind: ObjectKind, id: Ulid) -> PathBuf {
        self.root.join(kind.as_str()).join(id.to_string())
    }
}

fn is_staging(entry: &std::fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().contains('#')
}

fn put_local(target: &FsPath, parts: &[Bytes]) -> std::io::Result<u64> {
    let mut staging = target.as_os_str().to_owned();
    staging.push("#1");
    let staging = PathBuf::from(staging);
    let written = write_and_rename(&staging, target, parts);
    if written.is_err() {
        // The error that counts is the first one; an orphan is cleared at the next start.
        let _ = std::fs::remove_file(&staging);
    }
    written
}

fn write_and_rename(staging: &FsPath, target: &FsPath, parts: &[Bytes]) -> std::io::Result<u64> {
    let mut file = File::create(staging)?;
    let mut bytes = 0;
    for part in parts {
        file.write_all(part)?;
        bytes += part.len() as u64;
    }
    file.sync_all()?;
    failpoint::hit("object.after_temp_write");
    std::fs::rename(staging, target)?;
    if let Some(parent) = target.parent() {
        directory::sync(parent)?;
    }
    failpoint::hit("object.after_rename");
    Ok(bytes)
}

fn object_error(key: &Path, source: object_store::Error) -> Error {
    match source {
        object_store::Error::NotFound { .. } => Error::ObjectMissing {
            key: key.to_string(),
        },
        source => Error::Object {
            key: key.to_string(),
            source,
        },
    }
}

fn local_error(key: String, offset: u64, e: std::io::Error) -> Error {
    match e.kind() {
        std::io::ErrorKind::NotFound => Error::ObjectMissing { key },
        std::io::ErrorKind::UnexpectedEof => Error::ObjectCorrupt {
            key,
            offset,
            why: "object is shorter than its directory says".to_owned(),
        },
        _ => Error::io("object", key, e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: ObjectKind = ObjectKind::MetricsBlock;

    #[tokio::test]
    async fn stores_reads_lists_and_deletes() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::open_local(dir.path()).unwrap();
        let (a, b) = (Ulid::from_parts(1, 1), Ulid::from_parts(2, 1));
        let parts = vec![Bytes::from_static(b"hello "), Bytes::from_static(b"world")];
        assert_eq!(objects.put(KIND, b, parts).await.unwrap(), 11);
        objects.put(KIND, a, vec![]).await.unwrap();

        assert_eq!(&objects.get(KIND, b).await.unwrap()[..], b"hello world");
        assert_eq!(
            &objects.get_range(KIND, b, 6..11).await.unwrap()[..],
            b"world"
        );
        assert_eq!(
            &objects.read_range_blocking(KIND, b, 0..5).unwrap()[..],
            b"hello"
        );
        assert_eq!(objects.size(KIND, b).await.unwrap(), 11);
        let listed = objects.list(KIND).await.unwrap();
        assert_eq!(listed.iter().map(|o| o.id).collect::<Vec<_>>(), [a, b]);
        assert!(
            objects
                .list(ObjectKind::LogSegment)
                .await
                .unwrap()
                .is_empty()
        );

        objects.delete(KIND, b).await.unwrap();
        objects.delete(KIND, b).await.unwrap();
        assert!(matches!(
            objects.get(KIND, b).await,
            Err(Error::ObjectMissing { .. })
        ));
    }

    #[tokio::test]
    async fn refuses_ranges_beyond_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::open_local(dir.path()).unwrap();
        let id = Ulid::from_parts(1, 1);
        objects
            .put(KIND, id, vec![Bytes::from_static(b"abc")])
            .await
            .unwrap();
        assert!(objects.get_range(KIND, id, 1..9).await.is_err());
        assert!(matches!(
            objects.read_range_blocking(KIND, id, 1..u64::MAX),
            Err(Error::ObjectCorrupt { offset: 3, .. })
        ));
    }

    #[tokio::test]
    async fn clears_staging_files_and_never_lists_them() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::open_local(dir.path()).unwrap();
        let staging = dir
            .path()
            .join(KIND.as_str())
            .join(format!("{}#1", Ulid::from_parts(1, 1)));
        std::fs::write(&staging, b"half").unwrap();
        assert!(objects.list(KIND).await.unwrap().is_empty());
        drop(objects);
        let reader = Objects::open_existing(dir.path()).unwrap();
        assert_eq!(reader.cut_off_puts(KIND).unwrap(), 1);
        assert_eq!(reader.cut_off_puts(ObjectKind::LogSegment).unwrap(), 0);
        assert!(staging.exists());
        Objects::open_local(dir.path()).unwrap();
        assert!(!staging.exists());
    }
}
