//! The thread that commits in groups.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::record::{self, RECORD_HEADER_BYTES, RecordHeader, SEGMENT_HEADER_BYTES};
use super::survey::{Segment, survey};
use super::{CommitCount, Lsn, WalConfig, WalDir, WalFile, segment};
use crate::error::{Error, Result};
use crate::failpoint;

/// What callers and the writer share.
pub(super) struct Shared {
    pub(super) dir: Arc<dyn WalDir>,
    name: String,
    config: WalConfig,
    queue: Mutex<Queue>,
    queue_changed: Condvar,
    state: Mutex<State>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Payload bytes waiting or in the commit under way.
    bytes: usize,
    closed: bool,
}

struct Waiting {
    kind: u8,
    payload: Bytes,
    done: oneshot::Sender<Result<Lsn>>,
}

struct State {
    /// In order; the last one is written to.
    segments: Vec<Segment>,
    next_lsn: Lsn,
    commits: CommitCount,
    /// Why no more is written.
    stopped: Option<String>,
}

/// The writer's thread.
pub(super) struct Writer {
    thread: JoinHandle<()>,
}

impl Writer {
    pub(super) fn join(self) {
        if self.thread.join().is_err() {
            tracing::error!("write-ahead log writer panicked");
        }
    }
}

/// Reads the directory, mends a torn tail and starts the thread.
pub(super) fn start(
    name: &str,
    dir: Arc<dyn WalDir>,
    checkpoint: Lsn,
    config: WalConfig,
) -> Result<(Arc<Shared>, Writer)> {
    let (segments, file) = open_segments(name, &*dir, checkpoint, config.accept_lost_records)?;
    let next_lsn = segments.last().map_or(Lsn::FIRST, |s| s.end_lsn);
    let shared = Arc::new(Shared {
        dir,
        name: name.to_owned(),
        config,
        queue: Mutex::new(Queue::default()),
        queue_changed: Condvar::new(),
        state: Mutex::new(State {
            segments,
            next_lsn,
            commits: CommitCount::default(),
            stopped: None,
        }),
    });
    let thread = std::thread::Builder::new()
        .name(format!("wal-{name}"))
        .spawn({
            let shared = Arc::clone(&shared);
            move || shared.run(file)
        })
        .map_err(|e| Error::io("write-ahead log", name, e))?;
    Ok((shared, Writer { thread }))
}

/// The segments of a directory, and the last one opened for appending. Removes what a crash left
/// half done.
fn open_segments(
    name: &str,
    dir: &dyn WalDir,
    checkpoint: Lsn,
    accept_lost_records: bool,
) -> Result<(Vec<Segment>, Box<dyn WalFile>)> {
    let io = |e| Error::io("write-ahead log", name, e);
    let found = survey(dir, &mut |_| Ok(()))?;
    match found.reaches(name, checkpoint) {
        Err(lost) if accept_lost_records => {
            tracing::error!(%lost, "going on without the lost records, as asked");
        }
        checked => checked?,
    }
    if let Some(unborn) = &found.unborn {
        tracing::warn!(file = %unborn, "removing a write-ahead log segment whose creation was cut off");
        dir.remove(unborn).map_err(io)?;
        dir.sync().map_err(io)?;
    }
    if let Some(last) = found.segments.last()
        && last.end_lsn >= checkpoint
    {
        if let Some(why) = &found.torn {
            tracing::warn!(
                file = %last.name, offset = last.bytes, %why,
                "cutting off a torn write at the end of the write-ahead log"
            );
        }
        let file = dir
            .open_at(&last.name, last.bytes)
            .map_err(|e| Error::io("write-ahead log", &last.name, e))?;
        return Ok((found.segments, file));
    }
    // A new log, or one that lost its end: then what is left of it is published. Oldest first,
    // so that a crash in between leaves no gap.
    for old in &found.segments {
        dir.remove(&old.name).map_err(io)?;
    }
    let (fresh, file) = create_segment(dir, checkpoint.max(Lsn::FIRST))?;
    Ok((vec![fresh], file))
}

fn create_segment(dir: &dyn WalDir, first: Lsn) -> Result<(Segment, Box<dyn WalFile>)> {
    let name = segment::file_name(first);
    let io = |e| Error::io("write-ahead log", &name, e);
    let mut file = dir.create(&name).map_err(io)?;
    file.append(&record::segment_header(first)).map_err(io)?;
    file.sync().map_err(io)?;
    dir.sync().map_err(io)?;
    failpoint::hit("wal.after_segment_create");
    let segment = Segment {
        name: name.clone(),
        end_lsn: first,
        bytes: SEGMENT_HEADER_BYTES as u64,
    };
    Ok((segment, file))
}

impl Shared {
    pub(super) fn enqueue(
        &self,
        kind: u8,
        payload: Bytes,
    ) -> Result<oneshot::Receiver<Result<Lsn>>> {
        let size = payload.len();
        let limit = self.config.record_bytes_max.min(u32::MAX as usize);
        if size > limit {
            return Err(Error::TooLarge {
                what: "write-ahead log record",
                size: size as u64,
                limit: limit as u64,
            });
        }
        let (done, receiver) = oneshot::channel();
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(Error::Stopped {
                what: "write-ahead log",
            });
        }
        // A lone record is let in whatever the limit, or it could never be written.
        if queue.bytes > 0 && queue.bytes.saturating_add(size) > self.config.queue_bytes_max {
            return Err(Error::Full {
                what: "write-ahead log queue",
                used: queue.bytes as u64,
                limit: self.config.queue_bytes_max as u64,
            });
        }
        queue.bytes += size;
        queue.waiting.push_back(Waiting {
            kind,
            payload,
            done,
        });
        drop(queue);
        self.queue_changed.notify_one();
        Ok(receiver)
    }

    pub(super) fn commit_bytes_max(&self) -> usize {
        self.config.commit_bytes_max
    }

    pub(super) fn close(&self) {
        self.queue.lock().closed = true;
        self.queue_changed.notify_one();
    }

    pub(super) fn next_lsn(&self) -> Lsn {
        self.state.lock().next_lsn
    }

    pub(super) fn segments(&self) -> Vec<Segment> {
        self.state.lock().segments.clone()
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.state.lock().segments.iter().map(|s| s.bytes).sum()
    }

    pub(super) fn commits(&self) -> CommitCount {
        self.state.lock().commits
    }

    pub(super) fn truncate_before(&self, lsn: Lsn) -> Result<()> {
        let old: Vec<String> = {
            let mut state = self.state.lock();
            // The last segment stays: its name carries the numbering over a restart.
            let closed = state.segments.len().saturating_sub(1);
            let count = state.segments[..closed]
                .iter()
                .take_while(|s| s.end_lsn <= lsn)
                .count();
            state.segments.drain(..count).map(|s| s.name).collect()
        };
        if old.is_empty() {
            return Ok(());
        }
        // Oldest first, so that a crash in between leaves no gap.
        for name in &old {
            match self.dir.remove(name) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::io("write-ahead log", name, e)),
            }
        }
        self.dir
            .sync()
            .map_err(|e| Error::io("write-ahead log", &self.name, e))
    }

    fn run(&self, mut file: Box<dyn WalFile>) {
        let mut buffer = Vec::new();
        while let Some(group) = self.next_group() {
            let payload_bytes: usize = group.iter().map(|w| w.payload.len()).sum();
            let outcome = self.commit(&group, &mut file, &mut buffer);
            self.queue.lock().bytes -= payload_bytes;
            if buffer.capacity() > 2 * self.config.commit_bytes_max {
                buffer = Vec::new();
            }
            for (i, waiting) in group.into_iter().enumerate() {
                let answer = match &outcome {
                    Ok(first) => Ok(Lsn(first.0 + i as u64)),
                    Err(e) => Err(e.share()),
                };
                // A caller that went away needs no answer.
                let _ = waiting.done.send(answer);
            }
        }
    }

    /// Waits for records; `None` when the log is closed and nothing waits.
    fn next_group(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue.lock();
        while queue.waiting.is_empty() {
            if queue.closed {
                return None;
            }
            self.queue_changed.wait(&mut queue);
        }
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(front) = queue.waiting.front() {
            let size = front.payload.len() + RECORD_HEADER_BYTES;
            if !group.is_empty() && bytes + size > self.config.commit_bytes_max {
                break;
            }
            bytes += size;
            group.extend(queue.waiting.pop_front());
        }
        Some(group)
    }

    /// Writes and syncs a group; returns the lsn of its first record.
    fn commit(
        &self,
        group: &[Waiting],
        file: &mut Box<dyn WalFile>,
        buffer: &mut Vec<u8>,
    ) -> Result<Lsn> {
        if let Some(why) = &self.state.lock().stopped {
            return Err(self.stopped(why));
        }
        self.rotate_if_full(file)?;
        let first = self.next_lsn();
        buffer.clear();
        for (i, waiting) in group.iter().enumerate() {
            let header = RecordHeader {
                lsn: Lsn(first.0 + i as u64),
                commit: first,
                kind: waiting.kind,
            };
            record::encode(header, &waiting.payload, buffer);
        }

        failpoint::hit("wal.before_write");
        if let Err(e) = file.append(buffer) {
            let good_bytes = self.active_bytes();
            // Cut and sync: a half-written record must not come back after a crash.
            if let Err(undo) = file.truncate(good_bytes).and_then(|()| file.sync()) {
                return Err(self.stop(format!(
                    "write failed ({e}) and so did its undoing ({undo})"
                )));
            }
            return Err(Error::io("write-ahead log", &self.name, e));
        }
        failpoint::hit("wal.after_write");
        if let Err(e) = file.sync() {
            return Err(self.stop(format!("sync failed: {e}")));
        }
        failpoint::hit("wal.after_sync");

        let mut state = self.state.lock();
        state.next_lsn = Lsn(first.0 + group.len() as u64);
        state.commits.commits += 1;
        state.commits.records += group.len() as u64;
        state.commits.bytes += buffer.len() as u64;
        let next_lsn = state.next_lsn;
        if let Some(active) = state.segments.last_mut() {
            active.end_lsn = next_lsn;
            active.bytes += buffer.len() as u64;
        }
        Ok(first)
    }

    fn active_bytes(&self) -> u64 {
        self.state.lock().segments.last().map_or(0, |s| s.bytes)
    }

    fn rotate_if_full(&self, file: &mut Box<dyn WalFile>) -> Result<()> {
        if self.active_bytes() < self.config.segment_bytes {
            return Ok(());
        }
        let next = self.next_lsn();
        match create_segment(&*self.dir, next) {
            Ok((segment, fresh)) => {
                self.state.lock().segments.push(segment);
                *file = fresh;
                Ok(())
            }
            Err(e) => {
                // What a failed creation left must not stand in the way of the next try.
                let _ = self.dir.remove(&segment::file_name(next));
                Err(e)
            }
        }
    }

    fn stop(&self, why: String) -> Error {
        tracing::error!(wal = %self.name, %why, "write-ahead log stopped");
        let error = self.stopped(&why);
        self.state.lock().stopped = Some(why);
        error
    }

    fn stopped(&self, why: &str) -> Error {
        Error::WalStopped {
            name: self.name.clone(),
            why: why.to_owned(),
        }
    }
}
