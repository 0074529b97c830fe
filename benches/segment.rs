//! What do log segments cost: building one from the head, finding an id in it, counting by the
//! index, reading a column?
//!
//! Budgets (one core of the build machine, 100,000 JSON events of about 340 bytes): accept and
//! flush 1 s; needle 5 ms; count of a common word 2 ms; a numeric column 10 ms.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use belfry_catalog::log_groups::{LogGroup, NewLogGroup};
use belfry_catalog::{Catalog, SqliteCatalog};
use belfry_model::{Clock, ManualClock, Tenant, TimestampMs};
use belfry_store::Objects;
use belfry_store::logs::{
    Direction, EventScan, FieldRef, GroupScope, LogEventBatch, LogScan, LogsConfig, LogsStore,
    Prefilter,
};
use criterion::{BatchSize, Criterion, Throughput};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::runtime::Runtime;

const NOW: TimestampMs = TimestampMs(1_800_000_000_000);
const EVENTS: usize = 100_000;
const EVENTS_PER_CALL: usize = 1_000;
const WORDS: [&str; 16] = [
    "request",
    "completed",
    "cache",
    "miss",
    "timeout",
    "retrying",
    "upstream",
    "session",
    "refreshed",
    "tenant",
    "region",
    "handler",
    "returned",
    "status",
    "published",
    "partition",
];

/// Application logs: two random ids, five enumerations, a latency and a sentence.
fn messages() -> Vec<String> {
    let mut rng = StdRng::seed_from_u64(7);
    (0..EVENTS)
        .map(|i| {
            let sentence: Vec<&str> = (0..9).map(|_| WORDS[rng.random_range(0..16)]).collect();
            let id: u128 = rng.random();
            format!(
                "{{\"ts\":\"2027-01-15T08:{:02}:{:02}.{:03}Z\",\"level\":\"{}\",\"service\":\"svc-{}\",\
                 \"host\":\"host-{}\",\"request_id\":\"{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}\",\
                 \"trace_id\":\"{:032x}\",\"status\":{},\"latency_ms\":{:.3},\"msg\":\"{}\"}}",
                i / 60_000 % 60,
                i / 1000 % 60,
                i % 1000,
                ["info", "info", "info", "warn", "error"][rng.random_range(0..5)],
                rng.random_range(0..20),
                rng.random_range(0..100),
                id as u32,
                (id >> 32) as u16,
                (id >> 48) as u16 & 0xfff,
                (id >> 60) as u16 & 0xfff,
                (id >> 72) as u64 & 0xffff_ffff_ffff,
                rng.random::<u128>(),
                [200, 200, 200, 404, 500][rng.random_range(0..5)],
                rng.random_range(0.0..100.0f64),
                sentence.join(" "),
            )
        })
        .collect()
}

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

struct Bench {
    runtime: Runtime,
    store: LogsStore,
    tenant: Tenant,
    group: LogGroup,
    messages: Vec<String>,
    _directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let runtime = Runtime::new()?;
        let tenant = Tenant::new("000000000000", "eu-west-1");
        let (store, group) = runtime.block_on(open(directory.path(), &tenant))?;
        Ok(Self {
            runtime,
            store,
            tenant,
            group,
            messages: messages(),
            _directory: directory,
        })
    }

    fn put_and_flush(&self) -> Result<()> {
        self.runtime.block_on(async {
            for (call, messages) in self.messages.chunks(EVENTS_PER_CALL).enumerate() {
                let mut batch = LogEventBatch::default();
                for (i, message) in messages.iter().enumerate() {
                    let offset = (call * EVENTS_PER_CALL + i) as i64;
                    batch.push(NOW.saturating_add_ms(offset / 100), message)?;
                }
                self.store
                    .put_events(&self.tenant, "group", "stream", batch, None)
                    .await?;
            }
            Ok(self.store.flush().await?)
        })
    }

    fn scan(&self) -> LogScan {
        let scope = GroupScope::new(&self.group, NOW);
        LogScan::new(vec![scope], TimestampMs(0), TimestampMs::MAX)
    }

    /// How many events hold `id`.
    fn find(&self, id: &str) -> Result<usize> {
        let wanted = id.to_owned();
        let scan = EventScan {
            group: GroupScope::new(&self.group, NOW),
            streams: None,
            start: TimestampMs(0),
            end: TimestampMs::MAX,
            direction: Direction::Ascending,
            after: None,
            prefilter: Prefilter::contains(id),
            matcher: Some(Arc::new(move |m: &str| m.contains(&wanted))),
            limit: 100,
            bytes_max: 1 << 20,
            scan_bytes_max: u64::MAX,
        };
        let snapshot = self.store.snapshot();
        Ok(self.runtime.block_on(snapshot.events(scan))?.events.len())
    }

    fn count(&self, word: &str) -> Result<Option<u64>> {
        let scan = LogScan {
            prefilter: Prefilter::contains(word),
            ..self.scan()
        };
        let snapshot = self.store.snapshot();
        Ok(self.runtime.block_on(snapshot.count(&scan))?)
    }

    /// Reads a column of numbers; how many rows it has.
    fn read(&self, path: &str) -> Result<usize> {
        let scan = LogScan {
            columns: vec![FieldRef::JsonNumber(path.into())],
            ..self.scan()
        };
        let snapshot = self.store.snapshot();
        let mut rows = 0;
        for part in self.runtime.block_on(snapshot.parts(&scan))? {
            for batch in part.read() {
                rows += batch?.num_rows();
            }
        }
        Ok(rows)
    }
}

async fn open(path: &Path, tenant: &Tenant) -> Result<(LogsStore, LogGroup)> {
    let catalog: Arc<dyn Catalog> = Arc::new(SqliteCatalog::open(&path.join("catalog.db")).await?);
    let group = catalog
        .create_log_group(NewLogGroup {
            tenant: tenant.clone(),
            name: "group".to_owned(),
            class: "STANDARD".to_owned(),
            created_at: NOW,
            retention_days: None,
            kms_key_id: None,
            deletion_protection: false,
            tags: Vec::new(),
        })
        .await?;
    catalog.create_log_stream(group.id, "stream", NOW).await?;
    let clock: Arc<dyn Clock> = ManualClock::new(NOW);
    let objects = Objects::open_local(&path.join("objects"))?;
    let config = LogsConfig::default();
    let store = LogsStore::open(&path.join("wal"), objects, catalog, clock, config).await?;
    Ok((store, group))
}

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let bytes: usize = messages().iter().map(String::len).sum();
    let mut group = criterion.benchmark_group("segment");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("accept_and_flush_100k", |b| {
        b.iter_batched_ref(
            Bench::new,
            |bench| {
                bench
                    .as_ref()
                    .is_ok_and(|bench| bench.put_and_flush().is_ok())
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();

    let bench = Bench::new()?;
    bench.put_and_flush()?;
    let message = bench.messages.get(EVENTS / 2);
    let id = message
        .and_then(|m| m.split("\"request_id\":\"").nth(1))
        .and_then(|rest| rest.get(..36))
        .ok_or("messages have a request_id")?;
    // What is measured must be right.
    assert_eq!(bench.find(id)?, 1);
    assert!(bench.count("completed")?.is_some_and(|n| n > 10_000));
    assert_eq!(bench.read("latency_ms")?, EVENTS);
    criterion.bench_function("segment/needle", |b| b.iter(|| bench.find(id)));
    criterion.bench_function("segment/count_common_word", |b| {
        b.iter(|| bench.count("completed"))
    });
    criterion.bench_function("segment/read_latency_column", |b| {
        b.iter(|| bench.read("latency_ms"))
    });
    criterion.final_summary();
    Ok(())
}
