//! The data directory: who owns it, and the root key inside.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use belfry_model::tenant::DEFAULT_ACCOUNT;
use belfry_store::directory;
use rand::Rng;
use rand::distr::{Alphanumeric, SampleString};

use crate::credentials::{Credentials, Key};

const OBJECTS: &str = "objects";
const WAL: &str = "wal";
const LOCK: &str = "LOCK";

/// An opened data directory. One process at a time: dropping it releases the lock.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: Option<File>,
}

#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("cannot use data directory {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("data directory {path} is in use by another belfry")]
    Locked { path: PathBuf },
    #[error("{path}: {why}")]
    Credentials { path: PathBuf, why: String },
    #[error(
        "the root key in {path} is of account {found}, but the server was told --account {asked}: \
         start it with --account {found}, or change aws_account_id in the file"
    )]
    OtherAccount {
        path: PathBuf,
        found: String,
        asked: String,
    },
}

impl DataDir {
    /// Creates the directory if needed, durably, with the places of logs and objects, and locks it.
    ///
    /// # Errors
    /// `Locked` while another process has it open.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        Self::open_with(path, &mut directory::sync)
    }

    fn open_with(
        path: &Path,
        sync: &mut dyn FnMut(&Path) -> io::Result<()>,
    ) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Io {
            path: path.to_owned(),
            source,
        };
        create_durably(path, sync).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK))
            .map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: Some(Self::lock(path, lock)?),
        })
    }

    /// Locks a directory that is only to be read; creates and changes nothing. One without a lock
    /// file, such as a copy of its parts, has no server to keep out.
    ///
    /// # Errors
    /// `Locked` while another process has it open.
    pub fn open_to_read(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Io {
            path: path.to_owned(),
            source,
        };
        if !path.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        let lock = match File::open(path.join(LOCK)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            lock => Some(Self::lock(path, lock.map_err(failed)?)?),
        };
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    fn lock(path: &Path, file: File) -> Result<File, DataDirError> {
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => Err(DataDirError::Locked {
                path: path.to_owned(),
            }),
            Err(std::fs::TryLockError::Error(source)) => Err(DataDirError::Io {
                path: path.to_owned(),
                source,
            }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn catalog_path(&self) -> PathBuf {
        self.path.join("catalog.db")
    }

    pub fn objects_path(&self) -> PathBuf {
        self.path.join(OBJECTS)
    }

    pub fn wal_path(&self, name: &str) -> PathBuf {
        self.path.join(WAL).join(name)
    }

    /// Reads the keys; on the first start creates the root key of `account` (by default
    /// [`DEFAULT_ACCOUNT`]), as an AWS shared-credentials file that only the owner may read.
    ///
    /// # Errors
    /// When the file cannot be written, or is not a credentials file. `OtherAccount` when the
    /// root key is another account's: unsigned requests and Belfry's own metrics would then
    /// work in one account, and the key's owner in another.
    pub fn credentials(
        &self,
        account: Option<&str>,
        region: &str,
    ) -> Result<Credentials, DataDirError> {
        let path = credentials_path(&self.path);
        let new_account = account.unwrap_or(DEFAULT_ACCOUNT);
        if !path.exists() {
            write_root_key(&path, new_account, region).map_err(|source| DataDirError::Io {
                path: path.clone(),
                source,
            })?;
        }
        let credentials = read_credentials(&self.path, new_account)?;
        match (credentials.default_key(), account) {
            (Some(key), Some(asked)) if key.account != asked => Err(DataDirError::OtherAccount {
                path,
                found: key.account.clone(),
                asked: asked.to_owned(),
            }),
            _ => Ok(credentials),
        }
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

/// What stands in these directories is synced by whoever writes it; they themselves are synced here,
/// even if they are there: an earlier start may have died between creation and sync.
fn create_durably(path: &Path, sync: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    directory::create(path, sync)?;
    for place in [OBJECTS, WAL] {
        directory::create(&path.join(place), sync)?;
    }
    sync(path)?;
    let Some(parent) = directory::parent(path) else {
        return Ok(());
    };
    match sync(parent) {
        // Not ours to read: then somebody else created the data directory.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
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
        let first = data_dir.credentials(None, "us-east-1").unwrap();
        let again = data_dir.credentials(None, "us-east-1").unwrap();
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

    /// Keeps the entries that each directory had when it was synced last: what a power cut leaves.
    #[test]
    fn every_directory_survives_a_power_cut() {
        use std::collections::{BTreeMap, BTreeSet};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a").join("b");
        let mut durable: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
        let mut sync = |synced: &Path| {
            let entries = std::fs::read_dir(synced)?.map(|e| Ok(e?.path()));
            let entries = entries.collect::<io::Result<_>>()?;
            durable.insert(synced.to_owned(), entries);
            Ok(())
        };
        let data_dir = DataDir::open_with(&path, &mut sync).unwrap();
        let survives = |path: &Path| durable[path.parent().unwrap()].contains(path);
        for part in [
            dir.path().join("a"),
            path.clone(),
            data_dir.objects_path(),
            path.join("wal"),
        ] {
            assert!(part.is_dir() && survives(&part), "{}", part.display());
        }

        // A directory that was created without a sync, by a start that died.
        drop(data_dir);
        let mut again = Vec::new();
        let mut sync = |synced: &Path| {
            again.push(synced.to_owned());
            Ok(())
        };
        DataDir::open_with(&path, &mut sync).unwrap();
        assert_eq!(again, [path.clone(), dir.path().join("a")]);
    }

    #[test]
    fn the_root_key_is_of_the_account_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(dir.path()).unwrap();
        let account = "111122223333";
        data_dir.credentials(Some(account), "us-east-1").unwrap();
        let refused = data_dir.credentials(Some("000000000000"), "us-east-1");
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("account 111122223333"), "{text}");
        assert!(text.contains("--account 000000000000"), "{text}");
        // Told nothing, the server takes the file's.
        for asked in [Some(account), None] {
            let keys = data_dir.credentials(asked, "us-east-1").unwrap();
            assert_eq!(keys.root_account(), account);
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
        assert!(matches!(
            DataDir::open_to_read(dir.path()),
            Err(DataDirError::Locked { .. })
        ));
        drop(first);
        let reader = DataDir::open_to_read(dir.path()).unwrap();
        assert!(matches!(
            DataDir::open(dir.path()),
            Err(DataDirError::Locked { .. })
        ));
        drop(reader);
        DataDir::open(dir.path()).unwrap();
    }
}
