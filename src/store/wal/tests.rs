use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::task::{Context, Poll, Waker};

use belfry_model::{Classified, StatusClass};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::samples;

/// A directory in memory that knows what was synced, can lose the rest, and can fail.
#[derive(Clone, Default)]
struct TearableDir {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    files: BTreeMap<String, Content>,
    operations: u64,
    /// The operation, counted from 1, that fails.
    fails_at: Option<u64>,
    /// Whether all operations after that fail, too.
    stays_broken: bool,
}

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: usize,
}

impl Inner {
    fn operate(&mut self) -> io::Result<()> {
        self.operations += 1;
        match self.fails_at {
            Some(n) if self.operations == n || (self.stays_broken && self.operations > n) => {
                Err(io::Error::other("injected"))
            }
            _ => Ok(()),
        }
    }
}

impl TearableDir {
    /// What is left after a power cut: of the unsynced bytes of each file the first
    /// `kept` survive, and of these the sectors of 8 bytes that `mask` picks are zeroes.
    fn after_power_cut(&self, kept: usize, mask: u64) -> Self {
        let inner = self.inner.lock();
        let files = inner
            .files
            .iter()
            .map(|(name, content)| {
                let mut bytes = content.bytes.clone();
                bytes.truncate(content.synced + kept);
                let synced = content.synced.min(bytes.len());
                for (i, sector) in bytes[synced..].chunks_mut(8).enumerate() {
                    if mask >> (i % 64) & 1 == 1 {
                        sector.fill(0);
                    }
                }
                let synced = bytes.len();
                (name.clone(), Content { bytes, synced })
            })
            .collect();
        Self {
            inner: Arc::new(Mutex::new(Inner {
                files,
                ..Inner::default()
            })),
        }
    }

    fn heal(&self) {
        let mut inner = self.inner.lock();
        inner.fails_at = None;
        inner.stays_broken = false;
    }

    fn edit(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.inner.lock().files.get_mut(name).unwrap().bytes);
    }

    fn names(&self) -> Vec<String> {
        self.inner.lock().files.keys().cloned().collect()
    }
}

impl WalDir for TearableDir {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let inner = self.inner.lock();
        let content = inner.files.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(content.bytes.clone())
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn WalFile>> {
        let mut inner = self.inner.lock();
        inner.operate()?;
        if inner.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        inner.files.insert(name.to_owned(), Content::default());
        Ok(Box::new(TearableFile {
            dir: self.clone(),
            name: name.to_owned(),
        }))
    }
    fn open_at(&self, name: &str, len: u64) -> io::Result<Box<dyn WalFile>> {
        let mut inner = self.inner.lock();
        let content = inner.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        content.bytes.truncate(usize::try_from(len).unwrap());
        content.synced = content.bytes.len();
        Ok(Box::new(TearableFile {
            dir: self.clone(),
            name: name.to_owned(),
        }))
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.lock().files.remove(name);
        Ok(())
    }
    fn sync(&self) -> io::Result<()> {
        self.inner.lock().operate()
    }
}

struct TearableFile {
    dir: TearableDir,
    name: String,
}

impl TearableFile {
    fn operate(&self, change: impl FnOnce(&mut Content)) -> io::Result<()> {
        let mut inner = self.dir.inner.lock();
        inner.operate()?;
        change(inner.files.get_mut(&self.name).unwrap());
        Ok(())
    }
}

impl WalFile for TearableFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A failing write leaves half of its bytes behind.
        let done = self.operate(|c| c.bytes.extend_from_slice(bytes));
        if done.is_err() {
            let half = &bytes[..bytes.len() / 2];
            self.dir.edit(&self.name, |b| b.extend_from_slice(half));
        }
        done
    }
    fn sync(&mut self) -> io::Result<()> {
        self.operate(|c| c.synced = c.bytes.len())
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.operate(|c| {
            c.bytes.truncate(usize::try_from(len).unwrap());
            c.synced = c.synced.min(c.bytes.len());
        })
    }
}

fn small() -> WalConfig {
    WalConfig {
        segment_bytes: 200,
        ..WalConfig::default()
    }
}

fn open(dir: &TearableDir) -> Result<Wal> {
    Wal::open_in("test", Arc::new(dir.clone()), Lsn(0), small())
}

fn open_at(dir: &TearableDir, checkpoint: u64) -> Result<Wal> {
    Wal::open_in("test", Arc::new(dir.clone()), Lsn(checkpoint), small())
}

fn payload(i: u64) -> Bytes {
    Bytes::from(format!("payload {i}").repeat(usize::try_from(i % 7).unwrap()))
}

fn contents(wal: &Wal, from: Lsn) -> Vec<(u64, u8, Bytes)> {
    let mut seen = Vec::new();
    wal.replay(from, |r| {
        seen.push((r.lsn.0, r.kind, r.payload));
        Ok(())
    })
    .unwrap();
    seen
}

#[tokio::test]
async fn replays_what_was_appended_over_segments_and_restarts() {
    let dir = TearableDir::default();
    for round in 0..3 {
        let wal = open(&dir).unwrap();
        for i in 1..=20 {
            let lsn = wal.append(3, payload(i)).await.unwrap();
            assert_eq!(lsn, Lsn(round * 20 + i));
        }
    }
    let wal = open(&dir).unwrap();
    assert!(dir.names().len() > 5, "segments are rotated");
    assert_eq!(wal.next_lsn(), Lsn(61));
    let expected: Vec<_> = (1..=60)
        .map(|n| (n, 3, payload((n - 1) % 20 + 1)))
        .collect();
    assert_eq!(contents(&wal, Lsn(0)), expected);
    assert_eq!(contents(&wal, Lsn(42)), expected[41..]);
}

#[tokio::test]
async fn works_on_the_local_file_system() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wal");
    {
        let wal = Wal::open("test", &path, Lsn(0), small()).unwrap();
        let all = (0..50).map(|i| wal.append(1, payload(i)));
        for done in futures::future::join_all(all).await {
            done.unwrap();
        }
        let commits = wal.commits();
        assert_eq!(commits.records, 50);
        assert!(commits.commits < 50, "waiting records share a commit");
    }
    let mut wal = Wal::open("test", &path, Lsn(0), small()).unwrap();
    assert_eq!(contents(&wal, Lsn(0)).len(), 50);
    wal.close();
    assert!(matches!(
        wal.append(1, Bytes::new()).await,
        Err(Error::Stopped { .. })
    ));
}

#[tokio::test]
async fn records_appended_together_leave_room_in_the_queue() {
    let config = WalConfig {
        commit_bytes_max: 100,
        queue_bytes_max: 200,
        ..WalConfig::default()
    };
    let dir = Arc::new(TearableDir::default());
    let wal = Wal::open_in("test", dir, Lsn(0), config).unwrap();
    let all: Vec<Bytes> = (1..=50).map(payload).collect();
    wal.append_all(7, all.clone()).await.unwrap();
    let expected: Vec<_> = (1..=50).zip(all).map(|(n, p)| (n, 7, p)).collect();
    assert_eq!(contents(&wal, Lsn(0)), expected);
    let large = Bytes::from(vec![0; config.record_bytes_max + 1]);
    let refused = wal.append_all(7, vec![payload(1), large]).await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })));
}

#[tokio::test]
async fn deletes_whole_segments_below_the_checkpoint_and_keeps_the_numbering() {
    let dir = TearableDir::default();
    let wal = open(&dir).unwrap();
    for i in 1..=30 {
        wal.append(0, payload(i)).await.unwrap();
    }
    let before = wal.size_bytes();
    wal.truncate_before(Lsn(15)).unwrap();
    assert!(wal.size_bytes() < before);
    let left = contents(&wal, Lsn(0));
    assert!(left[0].0 > 1 && left[0].0 <= 15);
    assert_eq!(contents(&wal, Lsn(15)).len(), 16);
    wal.truncate_before(Lsn(31)).unwrap();
    assert_eq!(dir.names().len(), 1);
    drop(wal);
    assert_eq!(open_at(&dir, 31).unwrap().next_lsn(), Lsn(31));
}

#[tokio::test]
async fn refuses_a_log_that_lacks_records_the_checkpoint_needs() {
    fn refused(dir: &TearableDir, checkpoint: u64) -> String {
        let files = dir.names();
        match open_at(dir, checkpoint).map(|_| ()) {
            Err(Error::WalIncomplete { why, .. }) => {
                assert_eq!(dir.names(), files, "a refusal changes nothing");
                why
            }
            other => panic!("{other:?}"),
        }
    }

    assert!(open_at(&TearableDir::default(), 0).is_ok(), "a first start");
    refused(&TearableDir::default(), 1);
    refused(&TearableDir::default(), 100);

    let dir = TearableDir::default();
    let wal = open(&dir).unwrap();
    for i in 1..=30 {
        wal.append(0, payload(i)).await.unwrap();
    }
    wal.truncate_before(Lsn(15)).unwrap();
    drop(wal);
    assert!(open_at(&dir, 15).is_ok());
    refused(&dir, 32);
    dir.remove(&dir.names()[0]).unwrap();
    let first = segment::parse_file_name(&dir.names()[0]).unwrap().0;
    assert!(first > 15);
    let why = refused(&dir, 15);
    assert!(why.contains(&format!("15 to {} ", first - 1)), "{why}");
    refused(&dir, 0);
    assert!(open_at(&dir, first).is_ok());
}

#[tokio::test]
async fn verifying_reads_all_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wal");
    let verify = |checkpoint| Wal::verify("test", &path, Lsn(checkpoint), &mut |_| Ok(()));
    assert_eq!(verify(0).unwrap(), ReplaySummary::default());
    assert!(matches!(verify(1), Err(Error::WalIncomplete { .. })));
    assert!(!path.exists());

    let wal = Wal::open("test", &path, Lsn(0), small()).unwrap();
    let mut payload_bytes = 0;
    for i in 1..=30 {
        payload_bytes += payload(i).len() as u64;
        wal.append(0, payload(i)).await.unwrap();
    }
    drop(wal);
    let mut files: Vec<_> = std::fs::read_dir(&path).unwrap().collect();
    files.sort_by_key(|f| f.as_ref().unwrap().file_name());
    let last = files.pop().unwrap().unwrap().path();
    let mut torn = std::fs::read(&last).unwrap();
    torn.extend_from_slice(b"half a record");
    std::fs::write(&last, &torn).unwrap();
    let unborn = path.join(segment::file_name(Lsn(31)));
    std::fs::write(&unborn, b"").unwrap();

    let summary = verify(1).unwrap();
    assert_eq!(
        (summary.records, summary.payload_bytes),
        (30, payload_bytes)
    );
    let mut seen = Vec::new();
    let mut visit = |record: &WalRecord| {
        seen.push(record.lsn.0);
        Ok(())
    };
    Wal::verify("test", &path, Lsn(1), &mut visit).unwrap();
    assert_eq!(seen, (1..=30).collect::<Vec<_>>());
    assert!(matches!(verify(32), Err(Error::WalIncomplete { .. })));
    assert_eq!(std::fs::read(&last).unwrap(), torn);
    assert!(unborn.exists());
}

#[tokio::test]
async fn goes_on_behind_the_checkpoint_when_a_loss_is_accepted() {
    let dir = TearableDir::default();
    let config = WalConfig {
        accept_lost_records: true,
        ..small()
    };
    let reopen = |at| Wal::open_in("test", Arc::new(dir.clone()), Lsn(at), config).unwrap();
    assert_eq!(reopen(100).append(0, payload(1)).await.unwrap(), Lsn(100));
    let wal = reopen(500);
    assert_eq!(wal.append(0, payload(2)).await.unwrap(), Lsn(500));
    assert_eq!(contents(&wal, Lsn(0)), [(500, 0, payload(2))]);
    drop(wal);
    assert_eq!(reopen(500).next_lsn(), Lsn(501));
}

#[tokio::test]
async fn refuses_damage_in_the_middle_and_names_the_place() {
    for (at, why) in [(30, "header"), (60, "payload")] {
        let dir = TearableDir::default();
        let config = WalConfig::default();
        let reopen = || Wal::open_in("test", Arc::new(dir.clone()), Lsn(0), config);
        let wal = reopen().unwrap();
        for i in 4..=8 {
            wal.append(0, payload(i)).await.unwrap();
        }
        drop(wal);
        let name = dir.names().remove(0);
        dir.edit(&name, |bytes| bytes[at] ^= 0x10);
        match reopen().map(|_| ()) {
            Err(Error::WalCorrupt { file, offset, .. }) => {
                assert_eq!((file, offset), (name, 24), "{why}");
            }
            other => panic!("{why}: {other:?}"),
        }
    }
}

/// A record of numbers, cut off: at each of them begins what might be a record of a later commit.
#[tokio::test]
async fn a_large_torn_record_is_cut_off_at_once() {
    let mut numbers = Vec::new();
    for n in 0..100_000_u64 {
        numbers.extend_from_slice(&(1_000_000 + n).to_le_bytes());
        numbers.extend_from_slice(&1_700_000_000_000_u64.to_le_bytes());
        numbers.extend_from_slice(&1_700_000_000_000_u64.to_le_bytes());
        numbers.extend_from_slice(&[0; 8]);
    }
    let dir = TearableDir::default();
    let config = WalConfig::default();
    let reopen = || Wal::open_in("test", Arc::new(dir.clone()), Lsn(0), config).unwrap();
    let wal = reopen();
    wal.append(0, payload(1)).await.unwrap();
    wal.append(0, Bytes::from(numbers)).await.unwrap();
    drop(wal);
    let name = dir.names().remove(0);
    dir.edit(&name, |bytes| bytes.truncate(bytes.len() - 1));
    let started = std::time::Instant::now();
    assert_eq!(reopen().next_lsn(), Lsn(2));
    let took = started.elapsed();
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn refuses_a_missing_and_a_shortened_segment() {
    let dir = TearableDir::default();
    let wal = open(&dir).unwrap();
    for i in 1..=30 {
        wal.append(0, payload(i)).await.unwrap();
    }
    drop(wal);
    let missing = dir.after_power_cut(0, 0);
    missing.remove(&missing.names()[1]).unwrap();
    assert!(matches!(open(&missing), Err(Error::WalCorrupt { .. })));
    let shortened = dir.after_power_cut(0, 0);
    shortened.edit(&shortened.names()[1], |b| b.truncate(b.len() - 1));
    assert!(matches!(open(&shortened), Err(Error::WalCorrupt { .. })));
}

#[tokio::test]
async fn removes_a_segment_whose_creation_was_cut_off() {
    let dir = TearableDir::default();
    let wal = open(&dir).unwrap();
    wal.append(0, payload(1)).await.unwrap();
    drop(wal);
    dir.create(&segment::file_name(Lsn(2))).unwrap();
    let wal = open(&dir).unwrap();
    assert_eq!(wal.append(0, payload(2)).await.unwrap(), Lsn(2));
    assert_eq!(dir.names().len(), 1);
}

#[tokio::test]
async fn throttles_when_too_much_waits_and_refuses_what_never_fits() {
    let dir = TearableDir::default();
    let config = WalConfig {
        queue_bytes_max: 100,
        record_bytes_max: 1000,
        ..WalConfig::default()
    };
    let wal = Wal::open_in("test", Arc::new(dir.clone()), Lsn(0), config).unwrap();
    let first = wal.append(0, Bytes::from(vec![0; 500]));
    let second = wal.append(0, Bytes::from(vec![0; 500]));
    let large = wal.append(0, Bytes::from(vec![0; 1001]));
    tokio::pin!(first, second, large);
    // While the disk stands still, nothing is committed.
    let stalled = dir.inner.lock();
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    match second.as_mut().poll(&mut context) {
        Poll::Ready(Err(e)) => assert_eq!(e.class(), StatusClass::Throttled),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        large.as_mut().poll(&mut context),
        Poll::Ready(Err(Error::TooLarge { .. }))
    ));
    drop(stalled);
    assert_eq!(first.await.unwrap(), Lsn(1));
    assert!(wal.append(0, Bytes::from(vec![0; 500])).await.is_ok());
}

/// Fails the first operation, then the second, and so on: what was acknowledged is there after
/// a power cut, what was refused is not, whether the disk recovers or not.
#[tokio::test]
async fn survives_a_failure_of_any_single_operation() {
    for stays_broken in [false, true] {
        let mut failures = 0;
        for n in 1..200 {
            let dir = TearableDir::default();
            let wal = open(&dir).unwrap();
            {
                let mut inner = dir.inner.lock();
                inner.fails_at = Some(inner.operations + n);
                inner.stays_broken = stays_broken;
            }
            let mut acknowledged = Vec::new();
            let mut unknown = Vec::new();
            let mut failed = false;
            for i in 1..=30 {
                match wal.append(0, payload(i)).await {
                    Ok(_) => acknowledged.push(payload(i)),
                    Err(Error::Io { .. }) => failed = true,
                    Err(Error::WalStopped { .. }) => {
                        failed = true;
                        unknown.push(payload(i));
                    }
                    Err(e) => panic!("{e}"),
                }
            }
            drop(wal);
            dir.heal();
            let after = open(&dir.after_power_cut(0, 0)).unwrap();
            let found: Vec<_> = contents(&after, Lsn(0)).into_iter().map(|r| r.2).collect();
            assert_eq!(found[..acknowledged.len()], acknowledged, "operation {n}");
            assert!(found.len() <= acknowledged.len() + unknown.len());
            if !stays_broken && unknown.is_empty() {
                assert_eq!(found, acknowledged, "operation {n}");
            }
            failures += u32::from(failed);
            if !failed {
                break;
            }
        }
        assert!(failures > 20);
    }
}

/// Every build must open what version 1 wrote.
#[tokio::test]
async fn a_segment_of_version_1_opens() {
    let name = segment::file_name(Lsn(1));
    let sample = samples::path("wal-v1");
    let dir = tempfile::tempdir().unwrap();
    if samples::are_written() {
        let wal = Wal::open("test", dir.path(), Lsn(0), WalConfig::default()).unwrap();
        for i in 1..=5 {
            wal.append(7, payload(i)).await.unwrap();
        }
        drop(wal);
        std::fs::copy(dir.path().join(&name), &sample).unwrap();
    }
    std::fs::copy(&sample, dir.path().join(&name)).unwrap();
    let wal = Wal::open("test", dir.path(), Lsn(0), WalConfig::default()).unwrap();
    let expected: Vec<_> = (1..=5).map(|n| (n, 7, payload(n))).collect();
    assert_eq!(contents(&wal, Lsn(0)), expected);
    assert_eq!(wal.append(7, payload(6)).await.unwrap(), Lsn(6));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a power cut leaves of the last, unacknowledged group commit: the log opens, and
    /// holds every acknowledged record and nothing but a prefix of that commit.
    #[test]
    fn a_torn_tail_is_cut_off(
        acknowledged in 0u64..12,
        last in 1u64..6,
        kept in 0usize..400,
        mask in any::<u64>(),
    ) {
        let mut good = record::segment_header(Lsn(1)).to_vec();
        let record = |n: u64, commit: u64, out: &mut Vec<u8>| {
            let header = record::RecordHeader { lsn: Lsn(n), commit: Lsn(commit), kind: 9 };
            record::encode(header, &payload(n), out);
        };
        for n in 1..=acknowledged {
            record(n, n, &mut good);
        }
        let mut torn = good.clone();
        for n in 1..=last {
            record(acknowledged + n, acknowledged + 1, &mut torn);
        }
        let dir = TearableDir::default();
        dir.inner.lock().files.insert(
            segment::file_name(Lsn(1)),
            Content { bytes: torn, synced: good.len() },
        );
        let wal = open(&dir.after_power_cut(kept, mask)).unwrap();
        let found = contents(&wal, Lsn(0));
        prop_assert!(found.len() as u64 >= acknowledged);
        prop_assert!(found.len() as u64 <= acknowledged + last);
        for (i, (lsn, kind, bytes)) in found.iter().enumerate() {
            prop_assert_eq!((*lsn, *kind), (i as u64 + 1, 9));
            prop_assert_eq!(bytes, &payload(*lsn));
        }
    }

    /// A file of arbitrary bytes is refused or read, never a panic.
    #[test]
    fn arbitrary_bytes_do_no_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), header in any::<bool>()) {
        if header {
            let mut with_header = record::segment_header(Lsn(1)).to_vec();
            with_header.append(&mut bytes);
            bytes = with_header;
        }
        let dir = TearableDir::default();
        let synced = bytes.len();
        dir.inner.lock().files.insert(segment::file_name(Lsn(1)), Content { bytes, synced });
        let _ = open(&dir);
    }
}
