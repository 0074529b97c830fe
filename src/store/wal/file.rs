//! The door between the log and the file system.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::directory;

/// A directory of segment files. Names are plain file names.
pub trait WalDir: Send + Sync + 'static {
    /// Names of all files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// The whole content of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Creates an empty file; fails if there is one.
    fn create(&self, name: &str) -> io::Result<Box<dyn WalFile>>;
    /// Opens a file for appending after its first `len` bytes; the rest is cut off.
    fn open_at(&self, name: &str, len: u64) -> io::Result<Box<dyn WalFile>>;
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes creations and removals durable.
    fn sync(&self) -> io::Result<()>;
}

/// A segment that is being written.
pub trait WalFile: Send {
    /// Writes all of `bytes` at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// `fdatasync`: returns when content and length are durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to its first `len` bytes.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
}

/// A directory of the local file system.
#[derive(Debug)]
pub struct LocalWalDir {
    path: PathBuf,
}

impl LocalWalDir {
    /// Creates the directory, durably, if it is not there.
    pub fn create(path: &Path) -> io::Result<Self> {
        directory::create(path, &mut directory::sync)?;
        // An earlier start may have died between creation and sync.
        if let Some(parent) = directory::parent(path) {
            directory::sync(parent)?;
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// For reading only: a directory that is not there has no files.
    pub fn existing(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }
}

impl WalDir for LocalWalDir {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let entries = match std::fs::read_dir(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(names),
            entries => entries?,
        };
        for entry in entries {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.path.join(name))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn WalFile>> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(self.path.join(name))?;
        Ok(Box::new(LocalWalFile { file }))
    }

    fn open_at(&self, name: &str, len: u64) -> io::Result<Box<dyn WalFile>> {
        let file = OpenOptions::new().append(true).open(self.path.join(name))?;
        if file.metadata()?.len() != len {
            file.set_len(len)?;
            file.sync_all()?;
        }
        Ok(Box::new(LocalWalFile { file }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        directory::sync(&self.path)
    }
}

#[derive(Debug)]
struct LocalWalFile {
    file: File,
}

impl WalFile for LocalWalFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
}
