//! The data directory: who owns it, and the root key inside.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rand::Rng;
use rand::distr::{Alphanumeric, SampleString};

use crate::credentials::{Credentials, Key};

/// An opened data directory. One process at a time: dropping it releases the lock.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("cannot use data directory {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("data directory {path} is in use by another belfry")]
    Locked { path: PathBuf },
    #[error("{path}: {why}")]
    Credentials { path: PathBuf, why: String },
}

impl DataDir {
    /// Creates the directory if needed and locks it.
    ///
    /// # Errors
    /// `Locked` while another process has it open.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Io {
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(path).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("LOCK"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(std::fs::TryLockError::WouldBlock) => Err(DataDirError::Locked {
                path: path.to_owned(),
            }),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn catalog_path(&self) -> PathBuf {
        self.path.join("catalog.db")
    }

    pub fn objects_path(&self) -> PathBuf {
        self.path.join("objects")
    }

    pub fn wal_path(&self, name: &str) -> PathBuf {
        self.path.join("wal").join(name)
    }

    /// Reads the keys; on the first start creates the root key of `account`, as an AWS
    /// shared-credentials file that only the owner may read.
    ///
    /// # Errors
    /// When the file cannot be written, or is not a credentials file.
    pub fn credentials(&self, account: &str, region: &str) -> Result<Credentials, DataDirError> {
        let path = credentials_path(&self.path);
        if !path.exists() {
            write_root_key(&path, account, region).map_err(|source| DataDirError::Io {
                path: path.clone(),
                source,
            })?;
        }
        read_credentials(&self.path, account)
    }
}

/// `DATA_DIR/credentials`.
pub fn credentials_path(data_dir: &Path) -> PathBuf {
    data_dir.join("credentials")
}

/// Reads the keys without owning the directory: for commands that talk to a running server.
///
/// # Errors
/// As [`DataDir::credentials`].
pub fn read_credentials(data_dir: &Path, account: &str) -> Result<Credentials, DataDirError> {
    let path = credentials_path(data_dir);
    let text = std::fs::read_to_string(&path).map_err(|source| DataDirError::Io {
        path: path.clone(),
        source,
    })?;
    Credentials::parse(&text, account).map_err(|why| DataDirError::Credentials { path, why })
}

fn write_root_key(path: &Path, account: &str, region: &str) -> io::Result<()> {
    let key = new_key(account);
    let text = format!(
        "# The root key of this Belfry. AWS clients read this file by\n\
         # AWS_SHARED_CREDENTIALS_FILE; further profiles add further keys.\n\
         [default]\n\
         aws_access_key_id = {}\n\
         aws_secret_access_key = {}\n\
         aws_account_id = {account}\n\
         region = {region}\n",
        key.access_key_id, key.secret_access_key,
    );
    // Write aside, sync, rename: a crash leaves no half key.
    let aside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&aside, path)?;
    if let Some(parent) = path.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// A random key in AWS's shape: `AKIA` and 16 capitals or digits; a secret of 40 characters.
fn new_key(account: &str) -> Key {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut random = rand::rng();
    let id: String = (0..16)
        .map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]))
        .collect();
    Key {
        access_key_id: format!("AKIA{id}"),
        secret_access_key: Alphanumeric.sample_string(&mut random, 40),
        account: account.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_key_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(dir.path()).unwrap();
        let first = data_dir.credentials("000000000000", "us-east-1").unwrap();
        let again = data_dir.credentials("000000000000", "us-east-1").unwrap();
        assert_eq!(first.default_key(), again.default_key());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(credentials_path(dir.path()))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_directory_has_one_owner() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        assert!(matches!(
            DataDir::open(dir.path()),
            Err(DataDirError::Locked { .. })
        ));
        drop(first);
        DataDir::open(dir.path()).unwrap();
    }
}
