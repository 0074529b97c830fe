//! SQLite behind the catalog traits: the engine of the single binary.
//!
//! One connection writes, a few read. The file is in WAL mode with `synchronous=FULL`: a
//! method that returned `Ok` survives the death of the process and of the machine, and a
//! reader sees one snapshot per call without waiting for the writer. Writes begin with
//! `BEGIN IMMEDIATE`, so that what a method reads before it writes cannot change meanwhile.
//!
//! The texts keep to what PostgreSQL understands as well (`$1`, `ON CONFLICT`, `RETURNING`).
//!
//! | file | what |
//! |---|---|
//! | `fields` | rows to Rust and back, with errors that name table and row |
//! | `paging` | prefixes, patterns, continuations |
//! | `objects` ... `outbox` | one trait each |
//! | `check` | whether every row can be read and agrees with the others |

mod alarm_history;
mod alarms;
mod check;
mod dashboards;
mod fields;
mod leases;
mod log_groups;
mod log_streams;
mod objects;
mod outbox;
mod paging;
mod queries;
mod tags;
mod topics;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, SqliteConnection, Transaction};

use crate::error::{Error, Result};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");

/// Readers do little and return at once; more of them would only share two or three cores.
const READERS_MAX: u32 = 4;
/// How long SQLite itself waits for a lock. Only a foreign process (a backup, a shell) can
/// hold one: the single writer never waits for itself.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call waits for its turn to write before it fails.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);
/// The write-ahead file is cut back to this after a checkpoint.
const JOURNAL_BYTES_KEPT: &str = "67108864";
/// Rows deleted in one transaction by the methods that trim: keeps each below some 50 ms, so
/// that other writers get their turn.
const TRIM_BATCH_ROWS: i64 = 5_000;
/// SQLite takes 32,766 parameters in a statement; statements over many rows are cut well
/// below that.
const PARAMETERS_MAX: usize = 8_000;

/// A catalog in a SQLite database. Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub struct SqliteCatalog {
    writer: SqlitePool,
    /// In memory this is the writer's pool: such a database belongs to one connection.
    readers: SqlitePool,
}

impl SqliteCatalog {
    /// Opens the database file at `path`, creates it if there is none (its directory must
    /// exist), and brings its schema up to date.
    ///
    /// # Errors
    /// `NewerFormat` if a newer version of the program wrote it, `Migration` if a released
    /// migration is not what was applied, `Database` if it cannot be opened or is no database.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        let writer = writer_pool(
            options
                .clone()
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .pragma("journal_size_limit", JOURNAL_BYTES_KEPT),
        )
        .await?;
        migrate(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(TURN_TIMEOUT)
            .test_before_acquire(false)
            .max_lifetime(None)
            .connect_lazy_with(options.create_if_missing(false).pragma("query_only", "1"));
        Ok(Self { writer, readers })
    }

    /// Opens a database that no other process uses, for reading only: neither the database nor its
    /// write-ahead file changes. (SQLite's index of a write-ahead file that a crash left,
    /// `PATH-shm`, holds no data; it may be written anew.) Methods that write fail.
    ///
    /// # Errors
    /// `NewerFormat` or `OlderFormat` if another version of the program wrote it, `Migration` if a
    /// released migration is not what was applied, `Database` if there is no such database.
    pub async fn open_read_only(path: &Path) -> Result<Self> {
        let mut leftover = path.as_os_str().to_owned();
        leftover.push("-wal");
        let clean = std::fs::metadata(&leftover).map_or(true, |file| file.len() == 0);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            // Without it SQLite wants to create files beside the database.
            .immutable(clean)
            .pragma("query_only", "1");
        let readers = writer_pool(options).await?;
        check_format(&readers).await?;
        Ok(Self {
            writer: readers.clone(),
            readers,
        })
    }

    /// A catalog that is gone with its last clone.
    ///
    /// # Errors
    /// `Database`.
    pub async fn open_in_memory() -> Result<Self> {
        Self::in_memory_with(SqliteConnectOptions::new()).await
    }

    async fn in_memory_with(options: SqliteConnectOptions) -> Result<Self> {
        let writer = writer_pool(options.in_memory(true).foreign_keys(true)).await?;
        migrate(&writer).await?;
        Ok(Self {
            readers: writer.clone(),
            writer,
        })
    }

    /// Waits for running calls, moves the write-ahead file into the database and closes it.
    /// Later calls fail. Without it nothing is lost; the next start replays.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// One connection, for ever: it holds the in-memory database, and prepared statements.
async fn writer_pool(options: SqliteConnectOptions) -> Result<SqlitePool> {
    Ok(SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .acquire_timeout(TURN_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?)
}

async fn migrate(writer: &SqlitePool) -> Result<()> {
    match MIGRATIONS.run(writer).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) => Err(Error::NewerFormat {
            found,
            known: MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0),
        }),
        Err(error) => Err(error.into()),
    }
}

/// What [`migrate`] finds out, without migrating.
async fn check_format(pool: &SqlitePool) -> Result<()> {
    let applied: Vec<(i64, Vec<u8>, bool)> =
        sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(pool)
            .await?;
    let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
    let found = applied.last().map_or(0, |(version, ..)| *version);
    for (version, checksum, success) in applied {
        let Some(migration) = MIGRATIONS.iter().find(|m| m.version == version) else {
            return Err(Error::NewerFormat { found, known });
        };
        if !success {
            return Err(MigrateError::Dirty(version).into());
        }
        if *migration.checksum != *checksum {
            return Err(MigrateError::VersionMismatch(version).into());
        }
    }
    if found < known {
        return Err(Error::OlderFormat { found, known });
    }
    Ok(())
}

/// The next number of one of the catalog's own sequences; see `docs/formats/catalog.md`.
async fn next_number(connection: &mut SqliteConnection, sequence: &'static str) -> Result<u64> {
    objects::reserve(connection, sequence, 1).await
}

#[cfg(test)]
mod query_plans;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
