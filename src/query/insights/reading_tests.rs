//! How much a query reads: parts, and the rest of parts, that cannot matter are left out, and the
//! index never changes an answer.

use std::sync::Arc;

use belfry_catalog::log_groups::{LogGroup, NewLogGroup};
use belfry_catalog::{Catalog, SqliteCatalog};
use belfry_model::{Clock, ManualClock, Tenant, TimestampMs};
use belfry_store::Objects;
use belfry_store::logs::{GroupScope, LogEventBatch, LogsConfig, LogsStore};

use super::{
    Cancellation, EngineConfig, InsightsEngine, QueryScope, QueryTimes, ResultSet, compile,
};
use crate::scan::ScanCounters;

const NOW: TimestampMs = TimestampMs(1_772_600_400_000);

struct Bench {
    _directory: tempfile::TempDir,
    store: LogsStore,
    engine: InsightsEngine,
    tenant: Tenant,
    group: LogGroup,
    clock: Arc<ManualClock>,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.db");
        let catalog: Arc<dyn Catalog> = Arc::new(SqliteCatalog::open(&path).await.unwrap());
        let clock = ManualClock::new(NOW);
        let store = LogsStore::open(
            &directory.path().join("wal"),
            Objects::open_local(&directory.path().join("objects")).unwrap(),
            catalog.clone(),
            Arc::clone(&clock) as Arc<dyn Clock>,
            LogsConfig::default(),
        )
        .await
        .unwrap();
        let tenant = Tenant::new("000000000000", "eu-west-1");
        let group = catalog
            .create_log_group(NewLogGroup::standard(&tenant, "app", NOW))
            .await
            .unwrap();
        catalog.create_log_stream(group.id, "s", NOW).await.unwrap();
        Self {
            _directory: directory,
            store,
            engine: InsightsEngine::new(EngineConfig::default()).unwrap(),
            tenant,
            group,
            clock,
        }
    }

    /// One event a millisecond.
    async fn put(&self, messages: &[String]) {
        for chunk in messages.chunks(10_000) {
            let mut batch = LogEventBatch::default();
            for message in chunk {
                batch.push(self.clock.now(), message).unwrap();
                self.clock.advance_ms(1);
            }
            let put = self.store.put_events(&self.tenant, "app", "s", batch, None);
            put.await.unwrap();
        }
    }

    async fn run(&self, text: &str) -> (ResultSet, u64) {
        let now = self.clock.now();
        let scope = QueryScope {
            tenant: self.tenant.clone(),
            groups: vec![GroupScope::new(&self.group, now)],
            times: QueryTimes::of_request(0, now.as_secs(), now),
            limit: None,
        };
        let counters = Arc::new(ScanCounters::default());
        let result = self
            .engine
            .run(
                compile(text).unwrap(),
                scope,
                self.store.snapshot(),
                Arc::clone(&counters),
                Cancellation::default(),
            )
            .await
            .unwrap();
        (result, counters.get().rows_scanned)
    }
}

fn first_cells(result: &ResultSet) -> Vec<&str> {
    result
        .rows
        .iter()
        .map(|row| row[0].value.as_str())
        .collect()
}

/// Parts that overlap in time, and sorts that go against the direction of the scan: a bound of
/// one end must not cut off the other.
#[tokio::test(flavor = "multi_thread")]
async fn overlapping_parts_and_opposite_sorts() {
    const EVENTS: i64 = 9_000;
    let bench = Bench::new().await;
    let mut all: Vec<i64> = Vec::new();
    for part in 0..8 {
        // The later ones reach further back, and end earlier.
        let (from, to) = (-3_600_000 - part * 10, -60_000 - part * 100);
        let mut batch = LogEventBatch::default();
        for i in 0..EVENTS {
            let time = from + (to - from) * i / (EVENTS - 1);
            let at = TimestampMs(NOW.0 + time);
            batch.push(at, &format!("{{\"t\":{time}}}")).unwrap();
            all.push(time);
        }
        let put = bench
            .store
            .put_events(&bench.tenant, "app", "s", batch, None);
        put.await.unwrap();
    }
    all.sort_unstable();
    let shown = |times: &[i64]| -> Vec<String> { times.iter().map(i64::to_string).collect() };
    let oldest = shown(&all[..8]);
    let newest: Vec<i64> = all.iter().rev().take(20).copied().collect();
    for stage in ["head", "segments"] {
        for (text, expected) in [
            ("fields t | tail 8", &oldest),
            ("fields t | sort @timestamp asc | limit 8", &oldest),
            (
                "fields t | sort @timestamp desc | sort @timestamp asc | limit 8",
                &oldest,
            ),
            (
                "fields t | sort @timestamp asc | sort @timestamp desc | limit 8",
                &shown(&newest[..8]),
            ),
            (
                "fields t | limit 20 | sort @timestamp asc | limit 3",
                &shown(&newest.iter().rev().take(3).copied().collect::<Vec<_>>()),
            ),
        ] {
            let (result, _) = bench.run(text).await;
            let mut found = first_cells(&result);
            let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
            if text.contains("tail") {
                // Which rows, not in which order.
                found.sort_unstable();
                expected.sort_unstable();
            }
            assert_eq!(found, expected, "{text} in the {stage}");
        }
        bench.store.flush().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_and_last_rows_need_not_read_all() {
    let bench = Bench::new().await;
    let messages: Vec<String> = (0..120_000).map(|i| format!("{{\"i\":{i}}}")).collect();
    bench.put(&messages).await;
    for stage in ["head", "segment"] {
        let (newest, read) = bench.run("fields i | limit 3").await;
        assert_eq!(
            first_cells(&newest),
            ["119999", "119998", "119997"],
            "{stage}"
        );
        assert!(read < 100_000, "{stage}: {read} rows read");
        let (oldest, read) = bench.run("fields i | sort @timestamp asc | limit 3").await;
        assert_eq!(first_cells(&oldest), ["0", "1", "2"], "{stage}");
        assert!(read < 100_000, "{stage}: {read} rows read");
        bench.store.flush().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_by_the_index_counts_what_reading_counts() {
    let bench = Bench::new().await;
    let messages: Vec<String> = (0..500)
        .map(|i| match i % 5 {
            0 => format!("{{\"level\":\"ERROR\",\"n\":{i}}}"),
            1 => format!("plain error number {i}"),
            _ => format!("{{\"level\":\"INFO\",\"text\":\"an ERROR of {i}\"}}"),
        })
        .collect();
    bench.put(&messages).await;
    for stage in ["head", "segment"] {
        for (condition, expected) in [
            ("@message like \"ERROR\"", "400"),
            ("@message like \"error\"", "100"),
            (
                "@message like \"rror number 4\" or @message like \"level\\\":\\\"E\"",
                "122",
            ),
            ("@message like \"nowhere\"", "0"),
        ] {
            // The second form cannot be answered by the index.
            for count in ["count(*)", "count(*) + 0"] {
                let text = format!("filter {condition} | stats {count} as n");
                let (result, _) = bench.run(&text).await;
                assert_eq!(first_cells(&result), [expected], "{stage}: {text}");
            }
        }
        bench.store.flush().await.unwrap();
    }
}
