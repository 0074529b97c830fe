//! The store as its users see it, over a real catalog and a real directory.

mod maintenance;
mod samples;
mod segments;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use belfry_catalog::log_groups::{LogGroup, NewLogGroup};
use belfry_catalog::{LogGroupCatalog, LogsCatalog, ObjectCatalog, SqliteCatalog};
use belfry_model::{Clock, ManualClock, Tenant, TimestampMs};

use super::*;
use crate::error::Error;
use crate::objects::Objects;
use crate::test_calls::taken_once_open;
use crate::test_catalog::TestCatalog;

pub(super) const NOW: TimestampMs = TimestampMs(1_800_000_000_000);

/// A store in a directory, and what it stands on.
pub(super) struct Bench {
    pub directory: tempfile::TempDir,
    pub catalog: Arc<TestCatalog>,
    pub clock: Arc<ManualClock>,
    pub store: LogsStore,
    pub tenant: Tenant,
}

pub(super) async fn open(
    directory: &Path,
    catalog: &Arc<TestCatalog>,
    clock: &Arc<ManualClock>,
    config: LogsConfig,
) -> LogsStore {
    let objects = Objects::open_local(&directory.join("objects")).unwrap();
    LogsStore::open(
        &directory.join("wal"),
        objects,
        Arc::clone(catalog) as Arc<dyn LogsCatalog>,
        Arc::clone(clock) as Arc<dyn Clock>,
        config,
    )
    .await
    .unwrap()
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(LogsConfig::default()).await
    }

    pub async fn with(config: LogsConfig) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let catalog = TestCatalog::new(
            SqliteCatalog::open(&directory.path().join("catalog.db"))
                .await
                .unwrap(),
        );
        let clock = ManualClock::new(NOW);
        let store = open(directory.path(), &catalog, &clock, config).await;
        Self {
            directory,
            catalog,
            clock,
            store,
            tenant: Tenant::new("000000000000", "eu-west-1"),
        }
    }

    /// Closes the store without a flush and opens it again.
    pub async fn reopen(self) -> Self {
        let Self {
            directory,
            catalog,
            clock,
            store,
            tenant,
        } = self;
        drop(store);
        let store = open(directory.path(), &catalog, &clock, LogsConfig::default()).await;
        Self {
            directory,
            catalog,
            clock,
            store,
            tenant,
        }
    }

    pub async fn group(&self, name: &str, streams: &[&str]) -> LogGroup {
        create_group(&self.catalog, &self.tenant, name, streams).await
    }

    pub async fn put(&self, group: &str, stream: &str, events: &[(i64, &str)]) -> PutOutcome {
        self.store
            .put_events(&self.tenant, group, stream, batch(events), None)
            .await
            .unwrap()
    }

    pub fn scope(&self, group: &LogGroup) -> GroupScope {
        GroupScope::new(group, self.clock.now())
    }

    pub fn event_scan(&self, group: &LogGroup) -> EventScan {
        EventScan {
            group: self.scope(group),
            streams: None,
            start: TimestampMs(0),
            end: TimestampMs::MAX,
            direction: Direction::Ascending,
            after: None,
            prefilter: Prefilter::All,
            matcher: None,
            limit: 10_000,
            bytes_max: 1 << 20,
            scan_bytes_max: u64::MAX,
        }
    }

    pub async fn messages(&self, scan: EventScan) -> Vec<String> {
        let page = self.store.snapshot().events(scan).await.unwrap();
        page.events.into_iter().map(|e| e.message).collect()
    }
}

/// A log group with streams.
pub(super) async fn create_group(
    catalog: &TestCatalog,
    tenant: &Tenant,
    name: &str,
    streams: &[&str],
) -> LogGroup {
    let group = catalog
        .create_log_group(NewLogGroup::standard(tenant, name, NOW))
        .await
        .unwrap();
    for stream in streams {
        catalog
            .create_log_stream(group.id, stream, NOW)
            .await
            .unwrap();
    }
    group
}

/// Events at offsets from [`NOW`].
pub(super) fn batch(events: &[(i64, &str)]) -> LogEventBatch {
    let mut batch = LogEventBatch::default();
    for (offset, message) in events {
        batch.push(NOW.saturating_add_ms(*offset), message).unwrap();
    }
    batch
}

#[tokio::test]
async fn events_are_visible_at_once_in_the_order_of_their_keys() {
    let b = Bench::new().await;
    let group = b.group("g", &["s1", "s2"]).await;
    b.put("g", "s1", &[(0, "a"), (5, "d"), (5, "e")]).await;
    b.put("g", "s2", &[(0, "b"), (3, "c"), (5, "f")]).await;
    let scan = b.event_scan(&group);
    assert_eq!(
        b.messages(scan.clone()).await,
        ["a", "b", "c", "d", "e", "f"]
    );
    let newest = EventScan {
        direction: Direction::Descending,
        limit: 2,
        ..scan.clone()
    };
    assert_eq!(b.messages(newest).await, ["f", "e"]);

    // Page by page, in both directions, nothing is lost or repeated.
    for direction in [Direction::Ascending, Direction::Descending] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = b
                .store
                .snapshot()
                .events(EventScan {
                    direction,
                    after,
                    limit: 2,
                    ..scan.clone()
                })
                .await
                .unwrap();
            seen.extend(page.events.iter().map(|e| e.message.clone()));
            if page.reached_end {
                break;
            }
            after = page.next;
        }
        if direction == Direction::Descending {
            seen.reverse();
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e", "f"]);
    }
}

#[tokio::test]
async fn unknown_groups_and_streams_are_told_apart() {
    let b = Bench::new().await;
    b.group("g", &["s"]).await;
    for (group, stream, missing) in [("x", "s", "log group"), ("g", "x", "log stream")] {
        let error = b
            .store
            .put_events(&b.tenant, group, stream, batch(&[(0, "m")]), None)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::NotFound { what, .. } if *what == missing),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_restart_brings_everything_back_and_knows_the_calls() {
    let b = Bench::new().await;
    let group = b.group("g", &["s"]).await;
    let put = |b: &Bench, text: &'static str| {
        let (store, tenant) = (b.store.clone(), b.tenant.clone());
        async move {
            store
                .put_events(&tenant, "g", "s", batch(&[(0, text)]), Some("call-1"))
                .await
                .unwrap()
        }
    };
    let first = put(&b, "once").await;
    assert!(!first.repeated);
    assert!(put(&b, "once").await.repeated);
    let before = b
        .store
        .snapshot()
        .events(b.event_scan(&group))
        .await
        .unwrap();
    let b = b.reopen().await;
    let after = b
        .store
        .snapshot()
        .events(b.event_scan(&group))
        .await
        .unwrap();
    assert_eq!(before.events, after.events);
    let again = put(&b, "once").await;
    assert!(again.repeated);
    assert_eq!((again.seq, again.accepted), (first.seq, 1));
    assert_eq!(b.messages(b.event_scan(&group)).await, ["once"]);
    // New calls get larger numbers than any before the restart.
    assert!(b.put("g", "s", &[(0, "new")]).await.seq > first.seq);
}

/// A flush that begins as soon as an event can be read must know the event's call.
#[tokio::test(flavor = "multi_thread")]
async fn a_flush_waits_until_the_calls_of_its_events_are_noted() {
    let b = Bench::new().await;
    let group = b.group("g", &["s"]).await;
    let put = |b: &Bench| {
        let (store, tenant) = (b.store.clone(), b.tenant.clone());
        async move {
            let events = batch(&[(0, "once")]);
            store
                .put_events(&tenant, "g", "s", events, Some("call"))
                .await
        }
    };
    let inner = Arc::clone(&b.store.inner);
    let closed = inner.gate.write().await;
    let attempt = tokio::spawn(put(&b));
    // Begun already, and waiting at the gate.
    while futures::poll!(std::pin::pin!(inner.calls.begin(&b.tenant, "call"))).is_ready() {
        tokio::task::yield_now().await;
    }
    {
        let _untold = inner.calls.hold();
        drop(closed);
        while b.store.head_bytes() == 0 {
            std::thread::yield_now();
        }
        for _ in 0..10_000 {
            assert!(inner.gate.try_write().is_err(), "a flush may begin");
            std::thread::yield_now();
        }
    }
    assert!(!attempt.await.unwrap().unwrap().repeated);
    drop(inner);

    b.store.flush().await.unwrap();
    let b = b.reopen().await;
    assert!(put(&b).await.unwrap().repeated);
    assert_eq!(b.messages(b.event_scan(&group)).await, ["once"]);
}

#[tokio::test]
async fn refused_events_are_not_stored() {
    let b = Bench::new().await;
    let group = b.group("g", &["s"]).await;
    let hour = belfry_model::time::HOUR_MS;
    let outcome = b
        .put(
            "g",
            "s",
            &[(-15 * 24 * hour, "old"), (0, "now"), (3 * hour, "new")],
        )
        .await;
    assert_eq!(outcome.rejected.too_old_end, Some(1));
    assert_eq!(outcome.rejected.too_new_start, Some(2));
    let page = b
        .store
        .snapshot()
        .events(b.event_scan(&group))
        .await
        .unwrap();
    assert_eq!(page.events.len(), 1);
    assert_eq!(page.events[0].message, "now");
    assert_eq!(page.events[0].key.index, 1, "the index in the call is kept");
}

#[tokio::test]
async fn a_full_head_throttles_and_is_flushed() {
    let b = Bench::with(LogsConfig {
        head_bytes_max: 100,
        ..LogsConfig::default()
    })
    .await;
    b.group("g", &["s"]).await;
    let long = "x".repeat(200);
    // An empty store takes any call.
    b.put("g", "s", &[(0, &long)]).await;
    let error = b
        .store
        .put_events(&b.tenant, "g", "s", batch(&[(0, "x")]), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Full { .. }), "{error}");
    // Far from the size and the age of a flush, but nothing can be put any more.
    while b.store.inner.flush_wanted.load(Ordering::Acquire) {
        tokio::task::yield_now().await;
    }
    assert_eq!(b.store.head_bytes(), 0);
    b.put("g", "s", &[(0, &long)]).await;
}

#[tokio::test]
async fn calls_that_come_together_do_not_pass_the_limit_of_the_head() {
    let limit = 10_000;
    let b = Bench::with(LogsConfig {
        head_bytes_max: limit,
        ..LogsConfig::default()
    })
    .await;
    b.group("g", &["s"]).await;
    // From here on the names are known, and the calls come to the gate at once.
    b.put("g", "s", &[(0, "first")]).await;
    let kilobyte = "x".repeat(1_000);
    let inner = Arc::clone(&b.store.inner);
    let closed = inner.gate.write().await;
    let calls: Vec<_> = (0..100)
        .map(|i| {
            let (store, tenant) = (b.store.clone(), b.tenant.clone());
            let events = batch(&[(i, &kilobyte)]);
            tokio::spawn(async move { store.put_events(&tenant, "g", "s", events, None).await })
        })
        .collect();
    let taken = taken_once_open(calls, closed).await;
    assert!((5..10).contains(&taken), "{taken}");
    assert!(b.store.head_bytes() <= limit);
    // Nothing stays reserved.
    b.store.flush().await.unwrap();
    b.put("g", "s", &[(0, &kilobyte.repeat(9))]).await;
}

#[tokio::test]
async fn streams_restrict_reads_and_deleted_ones_disappear() {
    let b = Bench::new().await;
    let group = b.group("g", &["s1", "s2"]).await;
    b.put("g", "s1", &[(0, "a")]).await;
    b.put("g", "s2", &[(1, "b")]).await;
    let s2 = b.catalog.log_stream(group.id, "s2").await.unwrap().unwrap();
    let only = EventScan {
        streams: Some(BTreeSet::from([s2.id])),
        ..b.event_scan(&group)
    };
    assert_eq!(b.messages(only).await, ["b"]);
    let unflushed = b.store.unflushed_activity(group.id);
    let of_s2 = unflushed.iter().find(|row| row.stream == s2.id);
    assert_eq!(of_s2.unwrap().last_event, NOW.saturating_add_ms(1));
    b.store.delete_log_stream(&group, "s2").await.unwrap();
    assert_eq!(b.messages(b.event_scan(&group)).await, ["a"]);
    b.store.delete_log_group(&b.tenant, "g").await.unwrap();
    assert!(
        b.store
            .put_events(&b.tenant, "g", "s1", batch(&[(0, "m")]), None)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn matchers_and_budgets_end_pages() {
    let b = Bench::new().await;
    let group = b.group("g", &["s"]).await;
    let texts: Vec<String> = (0..10).map(|i| format!("m{i}")).collect();
    let events: Vec<(i64, &str)> = texts
        .iter()
        .enumerate()
        .map(|(i, t)| (i as i64, t.as_str()))
        .collect();
    b.put("g", "s", &events).await;
    let odd = EventScan {
        matcher: Some(Arc::new(|m: &str| m.ends_with(['1', '3', '5', '7', '9']))),
        prefilter: Prefilter::contains("m"),
        ..b.event_scan(&group)
    };
    assert_eq!(
        b.messages(odd.clone()).await,
        ["m1", "m3", "m5", "m7", "m9"]
    );
    let page = b
        .store
        .snapshot()
        .events(EventScan {
            scan_bytes_max: 5,
            ..odd
        })
        .await
        .unwrap();
    assert_eq!(page.events.len(), 1);
    assert!(!page.reached_end);
    assert_eq!(page.next.unwrap().timestamp, NOW.saturating_add_ms(2));
    let two = EventScan {
        bytes_max: 60,
        ..b.event_scan(&group)
    };
    assert_eq!(b.messages(two).await.len(), 2);
    let page = b
        .store
        .snapshot()
        .events(b.event_scan(&group))
        .await
        .unwrap();
    let fifth = &page.events[5];
    let ptr = EventPtr {
        group: group.id,
        key: fifth.key,
    };
    let found = b
        .store
        .snapshot()
        .event(&b.scope(&group), ptr)
        .await
        .unwrap();
    assert_eq!(found.as_ref(), Some(fifth));
}
