mod maintenance;
mod properties;
mod samples;

use std::path::Path;
use std::sync::Arc;

use belfry_catalog::objects::ObjectKind;
use belfry_catalog::{ObjectCatalog, SqliteCatalog};
use belfry_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use belfry_model::{
    Classified, Dimension, ManualClock, MetricId, StatisticSet, StatusClass, Tenant, TimestampMs,
    Unit,
};

use super::*;
use crate::error::{Error, Result};
use crate::objects::Objects;
use crate::test_calls::taken_once_open;

const NOW: TimestampMs = TimestampMs(1_790_000_040_000);

/// A store and all it stands on; survives reopening.
struct World {
    dir: tempfile::TempDir,
    catalog: SqliteCatalog,
    clock: Arc<ManualClock>,
    config: MetricsConfig,
}

impl World {
    async fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            catalog: SqliteCatalog::open_in_memory().await.unwrap(),
            clock: ManualClock::new(NOW),
            config: MetricsConfig::default(),
        }
    }

    fn objects(&self) -> Objects {
        Objects::open_local(&self.dir.path().join("objects")).unwrap()
    }

    fn wal_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("wal")
    }

    async fn open(&self) -> MetricsStore {
        self.open_at(&self.wal_dir()).await.unwrap()
    }

    async fn open_at(&self, wal: &Path) -> Result<MetricsStore> {
        self.open_over(wal, Arc::new(self.catalog.clone())).await
    }

    async fn open_over(&self, wal: &Path, catalog: Arc<dyn ObjectCatalog>) -> Result<MetricsStore> {
        MetricsStore::open(
            wal,
            self.objects(),
            catalog,
            Arc::new(Arc::clone(&self.clock)),
            self.config,
        )
        .await
    }
}

fn tenant() -> Tenant {
    Tenant::new("111122223333", "eu-west-1")
}

fn metric(name: &str, host: &str) -> MetricId {
    MetricId::new("Shop/Api", name, vec![Dimension::new("host", host)])
}

fn push(batch: &mut MetricBatch, metric: &MetricId, at: TimestampMs, unit: Unit, value: f64) {
    push_value(batch, metric, at, unit, 60, MetricValue::Single(value));
}

fn push_value(
    batch: &mut MetricBatch,
    metric: &MetricId,
    at: TimestampMs,
    unit: Unit,
    resolution_s: u32,
    value: MetricValue<'_>,
) {
    let dimensions: Vec<(&str, &str)> = metric
        .dimensions()
        .iter()
        .map(|d| (&*d.name, &*d.value))
        .collect();
    batch
        .push(
            &metric.namespace,
            &metric.name,
            &dimensions,
            at,
            unit,
            resolution_s,
            value,
        )
        .unwrap();
}

fn one(metric: &MetricId, at: TimestampMs, value: f64) -> MetricBatch {
    let mut batch = MetricBatch::new();
    push(&mut batch, metric, at, Unit::None, value);
    batch
}

fn read_of(metric: &MetricId) -> MetricRead {
    MetricRead {
        metric: metric.clone(),
        unit: None,
        start: NOW.saturating_sub_ms(15 * DAY_MS).floor_to(MINUTE_MS),
        end: NOW.saturating_add_ms(3 * HOUR_MS),
        period_s: 60,
        want_distribution: true,
    }
}

async fn samples(store: &MetricsStore, metric: &MetricId) -> Vec<UnitBuckets> {
    let mut results = store.read(&tenant(), &[read_of(metric)]).await.unwrap();
    results.pop().unwrap().units
}

async fn total(store: &MetricsStore, metric: &MetricId) -> (f64, f64) {
    let units = samples(store, metric).await;
    let buckets = units.iter().flat_map(|u| &u.buckets);
    buckets.fold((0.0, 0.0), |(n, sum), (_, set)| {
        (n + set.count, sum + set.sum)
    })
}

#[tokio::test]
async fn what_was_put_is_read_before_and_after_flush_and_restart() {
    let world = World::new().await;
    let store = world.open().await;
    let m = metric("Latency", "a");
    for i in 0..10 {
        let at = NOW.saturating_sub_ms(i * MINUTE_MS);
        store
            .put(&tenant(), one(&m, at, i as f64), None)
            .await
            .unwrap();
    }
    store.put(&tenant(), one(&m, NOW, 5.0), None).await.unwrap();
    let before = samples(&store, &m).await;
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].buckets.len(), 10);
    let (at, newest) = before[0].buckets.last().unwrap();
    assert_eq!(*at, NOW.floor_to(MINUTE_MS));
    assert_eq!(newest, &StatisticSet::from_values(&[0.0, 5.0], None));

    drop(store);
    let store = world.open().await;
    assert_eq!(samples(&store, &m).await, before, "after replay");
    store.flush().await.unwrap();
    assert_eq!(samples(&store, &m).await, before, "after flush");
    assert_eq!(store.stats().head_samples, 0);
    assert_eq!(store.stats().block_samples, 10, "equal times were added");
    drop(store);
    let store = world.open().await;
    assert_eq!(samples(&store, &m).await, before, "after flush and restart");
    assert_eq!(
        store.stats().head_samples,
        0,
        "flushed records do not come back"
    );
    let other = Tenant::new("111122223333", "us-east-1");
    assert!(
        store.read(&other, &[read_of(&m)]).await.unwrap()[0]
            .units
            .is_empty()
    );
}

#[tokio::test]
async fn buckets_count_from_the_start_and_end_exclusive() {
    let world = World::new().await;
    let store = world.open().await;
    let m = metric("Latency", "a");
    let start = NOW.floor_to(MINUTE_MS).saturating_sub_ms(7 * MINUTE_MS);
    for minute in 0..7 {
        let at = start.saturating_add_ms(minute * MINUTE_MS);
        store.put(&tenant(), one(&m, at, 1.0), None).await.unwrap();
    }
    let read = MetricRead {
        start,
        end: start.saturating_add_ms(6 * MINUTE_MS),
        period_s: 240,
        want_distribution: false,
        ..read_of(&m)
    };
    for flushed in [false, true] {
        if flushed {
            store.flush().await.unwrap();
        }
        let units = store
            .read(&tenant(), std::slice::from_ref(&read))
            .await
            .unwrap();
        let counts: Vec<_> = units[0].units[0]
            .buckets
            .iter()
            .map(|(at, set)| (*at - start, set.count))
            .collect();
        assert_eq!(counts, [(0, 4.0), (4 * MINUTE_MS, 2.0)]);
    }
}

#[tokio::test]
async fn units_are_kept_apart_and_sorted_by_name() {
    let world = World::new().await;
    let store = world.open().await;
    let m = metric("Latency", "a");
    let mut batch = MetricBatch::new();
    for unit in [Unit::Seconds, Unit::Milliseconds, Unit::Count] {
        push(&mut batch, &m, NOW, unit, f64::from(unit.code()));
    }
    store.put(&tenant(), batch, None).await.unwrap();
    for flushed in [false, true] {
        if flushed {
            store.flush().await.unwrap();
        }
        let units: Vec<Unit> = samples(&store, &m).await.iter().map(|u| u.unit).collect();
        assert_eq!(units, [Unit::Count, Unit::Milliseconds, Unit::Seconds]);
        let read = MetricRead {
            unit: Some(Unit::Milliseconds),
            ..read_of(&m)
        };
        let found = store.read(&tenant(), &[read]).await.unwrap();
        assert_eq!(found[0].units.len(), 1);
        assert_eq!(
            found[0].units[0].buckets[0].1.sum,
            f64::from(Unit::Milliseconds.code())
        );
    }
}

#[tokio::test]
async fn a_retried_call_counts_once_even_over_flush_and_restart() {
    let world = World::new().await;
    let m = metric("Orders", "a");
    let mut store = world.open().await;
    for step in 0..4 {
        let batch = one(&m, NOW, 1.0);
        store.put(&tenant(), batch, Some("call-1")).await.unwrap();
        assert_eq!(total(&store, &m).await, (1.0, 1.0), "step {step}");
        match step {
            0 => {
                drop(store);
                store = world.open().await;
            }
            1 => store.flush().await.unwrap(),
            _ => {
                drop(store);
                store = world.open().await;
            }
        }
    }
    store
        .put(&tenant(), one(&m, NOW, 1.0), Some("call-2"))
        .await
        .unwrap();
    let other = Tenant::new("999999999999", "eu-west-1");
    store
        .put(&other, one(&m, NOW, 1.0), Some("call-2"))
        .await
        .unwrap();
    store.put(&tenant(), one(&m, NOW, 1.0), None).await.unwrap();
    store.put(&tenant(), one(&m, NOW, 1.0), None).await.unwrap();
    assert_eq!(total(&store, &m).await, (4.0, 4.0));
    assert_eq!(
        store.read(&other, &[read_of(&m)]).await.unwrap()[0]
            .units
            .len(),
        1
    );
}

#[tokio::test]
async fn the_calls_of_many_tenants_share_commits() {
    const TENANTS: usize = 100;
    let world = World::new().await;
    let m = metric("Orders", "a");
    let put = async |store: &MetricsStore, i: usize| {
        let tenant = Tenant::new(format!("{i:012}"), "eu-west-1");
        let batch = one(&m, NOW, 1.0);
        store.put(&tenant, batch, Some("call")).await.unwrap();
    };
    let store = world.open().await;
    for i in 0..TENANTS {
        put(&store, i).await;
    }
    let before = store.inner.wal.commits();
    store.flush().await.unwrap();
    let after = store.inner.wal.commits();
    assert_eq!(after.records - before.records, TENANTS as u64);
    let commits = after.commits - before.commits;
    assert!(commits < TENANTS as u64 / 2, "{commits} commits");
    drop(store);
    let store = world.open().await;
    for i in 0..TENANTS {
        put(&store, i).await;
    }
    assert_eq!(store.stats().head_samples, 0, "all are known");
}

#[tokio::test]
async fn a_failed_publication_keeps_the_head_and_the_next_flush_succeeds() {
    let world = World::new().await;
    let store = world.open().await;
    let m = metric("Orders", "a");
    store.put(&tenant(), one(&m, NOW, 2.0), None).await.unwrap();
    // A file in the place of the directory makes storing the object fail.
    let objects = world
        .dir
        .path()
        .join("objects")
        .join(ObjectKind::MetricsBlock.as_str());
    std::fs::remove_dir_all(&objects).unwrap();
    std::fs::write(&objects, b"").unwrap();
    assert!(store.flush().await.is_err());
    assert_eq!(total(&store, &m).await, (1.0, 2.0));
    store.put(&tenant(), one(&m, NOW, 3.0), None).await.unwrap();
    assert_eq!(total(&store, &m).await, (2.0, 5.0));
    std::fs::remove_file(&objects).unwrap();
    std::fs::create_dir(&objects).unwrap();
    store.flush().await.unwrap();
    assert_eq!(total(&store, &m).await, (2.0, 5.0));
    drop(store);
    let store = world.open().await;
    assert_eq!(total(&store, &m).await, (2.0, 5.0));
    assert_eq!(store.stats().head_samples, 0);
}

#[tokio::test]
async fn puts_are_throttled_above_the_limit_and_taken_after_a_flush() {
    let mut world = World::new().await;
    world.config.flush_bytes = usize::MAX;
    world.config.head_bytes_max = 100_000;
    let store = world.open().await;
    let mut accepted = 0;
    let refused = loop {
        let m = metric("Latency", &format!("host-{accepted}"));
        match store.put(&tenant(), one(&m, NOW, 1.0), None).await {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 10_000);
    };
    assert_eq!(refused.class(), StatusClass::Throttled);
    assert!(accepted > 50);
    assert!(store.stats().head_bytes <= 100_000);
    store.flush().await.unwrap();
    store
        .put(&tenant(), one(&metric("Latency", "x"), NOW, 1.0), None)
        .await
        .unwrap();
    let page = store
        .list(&tenant(), &MetricFilter::default(), None, 100_000)
        .await
        .unwrap();
    assert_eq!(page.metrics.len(), accepted + 1);
}

#[tokio::test]
async fn calls_that_come_together_do_not_pass_the_limit_of_the_head() {
    let mut world = World::new().await;
    world.config.flush_bytes = usize::MAX;
    world.config.head_bytes_max = 20_000;
    let store = world.open().await;
    let closed = store.inner.put_gate.write().await;
    let calls: Vec<_> = (0..100)
        .map(|i| {
            let m = metric("Latency", &format!("host-{i}"));
            let (store, batch) = (store.clone(), one(&m, NOW, 1.0));
            tokio::spawn(async move { store.put(&tenant(), batch, None).await })
        })
        .collect();
    let taken = taken_once_open(calls, closed).await;
    assert!((10..50).contains(&taken), "{taken}");
    assert!(store.stats().head_bytes <= 20_000);
    // Nothing stays reserved.
    store.flush().await.unwrap();
    let m = metric("Latency", "x");
    store.put(&tenant(), one(&m, NOW, 1.0), None).await.unwrap();
}

#[tokio::test]
async fn a_head_is_flushed_when_it_is_old() {
    let world = World::new().await;
    let store = world.open().await;
    let m = metric("Latency", "a");
    store.put(&tenant(), one(&m, NOW, 1.0), None).await.unwrap();
    let flush_at = NOW.saturating_add_ms(world.config.flush_age_ms);
    while store.next_due() < flush_at {
        let due = store.next_due();
        world.clock.set(due);
        store.run_due(due).await.unwrap();
        assert_eq!(store.stats().head_samples, 1);
    }
    world.clock.set(flush_at);
    store.run_due(flush_at).await.unwrap();
    assert_eq!(store.stats().head_samples, 0);
    assert!(store.next_due() > flush_at);
    assert_eq!(total(&store, &m).await, (1.0, 1.0));
}

#[tokio::test]
async fn a_damaged_block_fails_the_read_and_names_the_object() {
    let world = World::new().await;
    let store = world.open().await;
    let m = metric("Latency", "a");
    for i in 0..500 {
        let at = NOW.saturating_sub_ms(i * MINUTE_MS);
        store
            .put(&tenant(), one(&m, at, 1.5 + i as f64), None)
            .await
            .unwrap();
    }
    store.flush().await.unwrap();
    let live = world
        .catalog
        .live_objects(ObjectKind::MetricsBlock)
        .await
        .unwrap();
    let id = live[0].id;
    let path = world
        .dir
        .path()
        .join("objects/metrics_block")
        .join(id.to_string());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let key = Objects::key(ObjectKind::MetricsBlock, id).to_string();
    assert!(verify_object(&key, bytes.into()).is_err());
    match store.read(&tenant(), &[read_of(&m)]).await {
        Err(Error::ObjectCorrupt { key: found, .. }) => assert_eq!(found, key),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn listing_filters_pages_and_knows_the_last_datapoint() {
    let world = World::new().await;
    let store = world.open().await;
    let put = |name: &'static str, host: &'static str, age_ms: i64| {
        let store = store.clone();
        async move {
            let at = NOW.saturating_sub_ms(age_ms);
            let batch = one(&metric(name, host), at, 1.0);
            store.put(&tenant(), batch, None).await.unwrap();
        }
    };
    put("B", "h1", 5 * HOUR_MS).await;
    put("B", "h2", 0).await;
    put("A", "h1", 10 * DAY_MS).await;
    store.flush().await.unwrap();
    put("B", "h1", 4 * HOUR_MS).await;
    put("C", "h3", 0).await;
    let mut batch = MetricBatch::new();
    let plain = MetricId::new("Other", "C", vec![]);
    push(&mut batch, &plain, NOW, Unit::None, 1.0);
    store.put(&tenant(), batch, None).await.unwrap();

    let names = |page: &MetricPage| -> Vec<String> {
        page.metrics.iter().map(|m| m.metric.to_string()).collect()
    };
    let all = [
        "Other:C",
        "Shop/Api:A host=h1",
        "Shop/Api:B host=h1",
        "Shop/Api:B host=h2",
        "Shop/Api:C host=h3",
    ];
    let list = |filter: MetricFilter| {
        let store = store.clone();
        async move { store.list(&tenant(), &filter, None, 100).await.unwrap() }
    };
    let page = list(MetricFilter::default()).await;
    assert_eq!(names(&page), all);
    assert_eq!(
        page.metrics[2].last_datapoint,
        NOW.saturating_sub_ms(4 * HOUR_MS).floor_to(MINUTE_MS)
    );

    let filter = |namespace: Option<&str>, name: Option<&str>| MetricFilter {
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        ..MetricFilter::default()
    };
    assert_eq!(
        names(&list(filter(Some("Shop/Api"), Some("B"))).await),
        all[2..4]
    );
    assert_eq!(
        names(&list(filter(None, Some("C"))).await),
        [all[0], all[4]]
    );
    assert!(list(filter(Some("Shop"), None)).await.metrics.is_empty());
    let by_host = |value: Option<&str>| MetricFilter {
        dimensions: vec![("host".to_owned(), value.map(str::to_owned))],
        ..MetricFilter::default()
    };
    assert_eq!(names(&list(by_host(None)).await), all[1..]);
    assert_eq!(names(&list(by_host(Some("h1"))).await), all[1..3]);
    let recent = MetricFilter {
        active_since: Some(NOW.saturating_sub_ms(3 * HOUR_MS)),
        ..MetricFilter::default()
    };
    assert_eq!(names(&list(recent.clone()).await), [all[0], all[3], all[4]]);

    for filter in [MetricFilter::default(), by_host(None), recent] {
        let whole = list(filter.clone()).await;
        for limit in 1..4 {
            let mut paged = Vec::new();
            loop {
                let after = paged.last().map(|m: &ListedMetric| m.metric.clone());
                let page = store
                    .list(&tenant(), &filter, after.as_ref(), limit)
                    .await
                    .unwrap();
                paged.extend(page.metrics);
                if !page.more {
                    break;
                }
            }
            assert_eq!(paged, whole.metrics, "{filter:?} {limit} at a time");
        }
    }

    let (sender, receiver) = std::sync::mpsc::channel();
    let send = move |key: SeriesKey<'_>, _| sender.send(key.name.to_owned()).is_ok();
    store
        .for_each_series(&tenant(), &by_host(None), send)
        .await
        .unwrap();
    assert_eq!(receiver.iter().collect::<Vec<_>>(), ["A", "B", "B", "C"]);
}
