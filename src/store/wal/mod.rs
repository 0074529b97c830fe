//! The write-ahead log (format: `docs/formats/wal.md`).
//!
//! Guarantees:
//! * [`Wal::append`] returns once the record is durable, or with an error and then the record is
//!   not in the log, except after a failed sync: there nobody knows, and the log stops.
//! * [`Wal::replay`] visits every durable record once, in order of its [`Lsn`].
//! * A torn tail, which no caller was told about, is cut off; damage to acknowledged records is
//!   refused with file and offset, and so is a log that lacks records its owner still needs.
//!
//! | file | what |
//! |---|---|
//! | `record` | the bytes of segment headers and records |
//! | `segment` | reading one segment: torn tail or torn middle |
//! | `survey` | all segments of a directory, and whether one is missing |
//! | `file` | the door to the file system, so that tests can tear writes |
//! | `writer` | the thread that commits in groups |

mod file;
mod record;
mod segment;
mod survey;
mod writer;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

pub use file::{LocalWalDir, WalDir, WalFile};
use survey::survey;
use writer::{Shared, Writer};

use crate::error::{Error, Result};

/// The number of a record. The first is 1; a number is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lsn(pub u64);

impl Lsn {
    pub const FIRST: Self = Self(1);

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One durable record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalRecord {
    pub lsn: Lsn,
    /// Chosen by the owner of the log.
    pub kind: u8,
    /// A slice of the segment that was read: holding on to it holds on to the segment.
    pub payload: Bytes,
}

/// Limits of a log. All of them are ours.
#[derive(Clone, Copy, Debug)]
pub struct WalConfig {
    /// A segment that has reached this is closed. Deletion works on whole segments.
    pub segment_bytes: u64,
    /// At most so much goes into one group commit (unless a single record is larger).
    pub commit_bytes_max: usize,
    /// A payload larger than this is refused.
    pub record_bytes_max: usize,
    /// Payloads waiting for their commit; beyond it appends are throttled.
    pub queue_bytes_max: usize,
    /// Whether a log opens that lacks records from the checkpoint on. They are lost then.
    pub accept_lost_records: bool,
}

impl Default for WalConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            commit_bytes_max: 1024 * 1024,
            record_bytes_max: 32 * 1024 * 1024,
            queue_bytes_max: 64 * 1024 * 1024,
            accept_lost_records: false,
        }
    }
}

/// An open write-ahead log. One process has one [`Wal`] per directory. Dropping it commits what
/// waits and ends the writer.
pub struct Wal {
    shared: Arc<Shared>,
    writer: Option<Writer>,
}

impl Wal {
    /// Opens the log in `path`, creating it if need be; cuts off a torn tail.
    ///
    /// `checkpoint` is the catalog's: records below it are in published objects. It is 0 until
    /// the log was created, and at least [`Lsn::FIRST`] from then on. Blocks on I/O.
    ///
    /// # Errors
    /// [`Error::WalIncomplete`] if records from the checkpoint on are missing, or the whole
    /// directory. With `config.accept_lost_records` the log opens nevertheless, and continues at the
    /// checkpoint at least, so that no new record is taken for old. [`Error::WalCorrupt`] if
    /// acknowledged records are damaged.
    pub fn open(name: &str, path: &Path, checkpoint: Lsn, config: WalConfig) -> Result<Self> {
        let dir = LocalWalDir::create(path)
            .map_err(|e| Error::io("write-ahead log", path.display().to_string(), e))?;
        Self::open_in(name, Arc::new(dir), checkpoint, config)
    }

    /// As [`Wal::open`], in any [`WalDir`].
    pub fn open_in(
        name: &str,
        dir: Arc<dyn WalDir>,
        checkpoint: Lsn,
        config: WalConfig,
    ) -> Result<Self> {
        let (shared, writer) = writer::start(name, dir, checkpoint, config)?;
        Ok(Self {
            shared,
            writer: Some(writer),
        })
    }

    /// Reads the whole log in `path`, calls `visit` for each record, in order, and changes nothing.
    /// A torn end, which a crash may leave, is no fault. Blocks on I/O.
    ///
    /// # Errors
    /// As [`Wal::open`], and those of `visit`.
    pub fn verify(
        name: &str,
        path: &Path,
        checkpoint: Lsn,
        visit: &mut dyn FnMut(&WalRecord) -> Result<()>,
    ) -> Result<ReplaySummary> {
        let found = survey(&LocalWalDir::existing(path), visit)?;
        found.reaches(name, checkpoint)?;
        Ok(ReplaySummary {
            records: found.records,
            payload_bytes: found.payload_bytes,
        })
    }

    /// Appends a record; returns when it is durable.
    ///
    /// Dropping the future before that leaves open whether the record is in the log.
    ///
    /// # Errors
    /// [`Error::Full`] (throttled) when too much waits already, [`Error::TooLarge`] for a payload
    /// that can never fit, [`Error::Io`] or [`Error::WalStopped`] when the disk fails.
    pub async fn append(&self, kind: u8, payload: Bytes) -> Result<Lsn> {
        durable(self.shared.enqueue(kind, payload)?).await
    }

    /// Appends records of one kind; returns when all are durable. Those that fit into one group
    /// commit share it. On an error some may be in the log.
    ///
    /// # Errors
    /// As [`Wal::append`].
    pub async fn append_all(&self, kind: u8, payloads: Vec<Bytes>) -> Result<()> {
        let mut waiting = Vec::new();
        let mut bytes = 0;
        for payload in payloads {
            // No more than a commit at once: the queue is for everyone.
            if bytes + payload.len() > self.shared.commit_bytes_max() {
                all_durable(&mut waiting).await?;
                bytes = 0;
            }
            bytes += payload.len();
            waiting.push(self.shared.enqueue(kind, payload)?);
        }
        all_durable(&mut waiting).await
    }

    /// The number that the record after the last durable one gets.
    ///
    /// With no append under way this is the checkpoint that covers every record so far.
    pub fn next_lsn(&self) -> Lsn {
        self.shared.next_lsn()
    }

    /// Visits the durable records from `from` on, in order. Blocks on I/O; reads one segment at a
    /// time into memory. Meant for start-up; records appended meanwhile may be seen or not.
    pub fn replay(
        &self,
        from: Lsn,
        mut visit: impl FnMut(WalRecord) -> Result<()>,
    ) -> Result<ReplaySummary> {
        let mut summary = ReplaySummary::default();
        for segment in self.shared.segments() {
            if segment.end_lsn <= from {
                continue;
            }
            let content = segment::read(&*self.shared.dir, &segment.name)?;
            for record in content.records {
                if record.lsn >= segment.end_lsn {
                    break;
                }
                if record.lsn >= from {
                    summary.records += 1;
                    summary.payload_bytes += record.payload.len() as u64;
                    visit(record)?;
                }
            }
        }
        Ok(summary)
    }

    /// Deletes whole segments that hold only records below `lsn`. Blocks on I/O.
    pub fn truncate_before(&self, lsn: Lsn) -> Result<()> {
        self.shared.truncate_before(lsn)
    }

    /// Bytes in segment files: what a replay would read at most.
    pub fn size_bytes(&self) -> u64 {
        self.shared.size_bytes()
    }

    /// How many group commits and records were written since opening.
    pub fn commits(&self) -> CommitCount {
        self.shared.commits()
    }

    /// Commits what waits and ends the writer. Later appends fail. Blocks.
    pub fn close(&mut self) {
        self.shared.close();
        if let Some(writer) = self.writer.take() {
            writer.join();
        }
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.close();
    }
}

async fn durable(done: oneshot::Receiver<Result<Lsn>>) -> Result<Lsn> {
    done.await.map_err(|_| Error::Stopped {
        what: "write-ahead log",
    })?
}

async fn all_durable(waiting: &mut Vec<oneshot::Receiver<Result<Lsn>>>) -> Result<()> {
    for done in waiting.drain(..) {
        durable(done).await?;
    }
    Ok(())
}

/// What a replay read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplaySummary {
    pub records: u64,
    pub payload_bytes: u64,
}

/// How well commits are shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitCount {
    pub commits: u64,
    pub records: u64,
    pub bytes: u64,
}

#[cfg(test)]
mod tests;
