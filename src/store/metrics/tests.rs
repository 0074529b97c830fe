use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use belfry_catalog::objects::{ObjectKind, ObjectRow, Publish};
use belfry_catalog::{ObjectCatalog, SqliteCatalog};
use belfry_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use belfry_model::{
    Classified, Dimension, ManualClock, MetricId, StatisticSet, StatusClass, Tenant, TimestampMs,
    Unit,
};
use proptest::prelude::*;

use super::*;
use crate::error::{Error, Result};
use crate::objects::Objects;

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
        MetricsStore::open(
            wal,
            self.objects(),
            Arc::new(self.catalog.clone()),
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

/// A catalog whose next publication fails, before or after it happened.
struct FailingCatalog {
    catalog: SqliteCatalog,
    fails: parking_lot::Mutex<Option<Failure>>,
}

#[derive(Clone, Copy, Debug)]
enum Failure {
    Before,
    After,
}

#[async_trait::async_trait]
impl ObjectCatalog for FailingCatalog {
    async fn publish(&self, change: Publish, now: TimestampMs) -> belfry_catalog::Result<()> {
        let fails = self.fails.lock().take();
        if !matches!(fails, Some(Failure::Before)) {
            self.catalog.publish(change, now).await?;
        }
        match fails {
            None => Ok(()),
            Some(_) => Err(belfry_catalog::Error::Conflict {
                what: "test",
                name: "injected".to_owned(),
            }),
        }
    }
    async fn live_objects(&self, kind: ObjectKind) -> belfry_catalog::Result<Vec<ObjectRow>> {
        self.catalog.live_objects(kind).await
    }
    async fn wal_checkpoint(&self, wal: &str) -> belfry_catalog::Result<u64> {
        self.catalog.wal_checkpoint(wal).await
    }
    async fn removed_objects(
        &self,
        before: TimestampMs,
        limit: usize,
    ) -> belfry_catalog::Result<Vec<ObjectRow>> {
        self.catalog.removed_objects(before, limit).await
    }
    async fn forget_objects(&self, ids: &[ulid::Ulid]) -> belfry_catalog::Result<()> {
        self.catalog.forget_objects(ids).await
    }
    async fn reserve_sequence(&self, name: &str, count: u64) -> belfry_catalog::Result<u64> {
        self.catalog.reserve_sequence(name, count).await
    }
    async fn get_setting(&self, name: &str) -> belfry_catalog::Result<Option<Vec<u8>>> {
        self.catalog.get_setting(name).await
    }
    async fn init_setting(&self, name: &str, value: &[u8]) -> belfry_catalog::Result<Vec<u8>> {
        self.catalog.init_setting(name, value).await
    }
}

#[tokio::test]
async fn a_publication_of_unknown_outcome_counts_once() {
    let world = World::new().await;
    let catalog = Arc::new(FailingCatalog {
        catalog: world.catalog.clone(),
        fails: parking_lot::Mutex::default(),
    });
    let store = MetricsStore::open(
        &world.wal_dir(),
        world.objects(),
        Arc::clone(&catalog) as Arc<dyn ObjectCatalog>,
        Arc::new(Arc::clone(&world.clock)),
        world.config,
    )
    .await
    .unwrap();
    let m = metric("Orders", "a");
    let mut sum = 0.0;
    for (i, failure) in [
        Failure::Before,
        Failure::After,
        Failure::Before,
        Failure::After,
    ]
    .into_iter()
    .enumerate()
    {
        sum += i as f64;
        store
            .put(&tenant(), one(&m, NOW, i as f64), None)
            .await
            .unwrap();
        *catalog.fails.lock() = Some(failure);
        let flushed = store.flush().await;
        assert_eq!(flushed.is_ok(), matches!(failure, Failure::After));
        assert_eq!(total(&store, &m).await.1, sum, "{failure:?}");
    }
    for failure in [Failure::Before, Failure::After] {
        *catalog.fails.lock() = Some(failure);
        let compacted = store
            .inner
            .compact(NOW.saturating_add_ms(4 * HOUR_MS))
            .await;
        assert_eq!(compacted.is_ok(), matches!(failure, Failure::After));
        assert_eq!(total(&store, &m).await.1, sum, "{failure:?}");
    }
    assert_eq!(store.stats().head_samples, 0);
    drop(store);
    let store = world.open().await;
    assert_eq!(total(&store, &m).await, (4.0, sum));
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

    let mut after = None;
    let mut paged = Vec::new();
    loop {
        let filter = MetricFilter::default();
        let page = store
            .list(&tenant(), &filter, after.as_ref(), 2)
            .await
            .unwrap();
        paged.extend(names(&page));
        if !page.more {
            break;
        }
        after = page.metrics.last().map(|m| m.metric.clone());
    }
    assert_eq!(paged, all);

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
    assert_eq!(names(&list(recent).await), [all[0], all[3], all[4]]);

    let (sender, receiver) = std::sync::mpsc::channel();
    let send = move |key: SeriesKey<'_>, _| sender.send(key.name.to_owned()).is_ok();
    store
        .for_each_series(&tenant(), &by_host(None), send)
        .await
        .unwrap();
    assert_eq!(receiver.iter().collect::<Vec<_>>(), ["A", "B", "B", "C"]);
}

#[tokio::test]
async fn small_blocks_become_one_and_their_bytes_are_swept() {
    let world = World::new().await;
    let store = world.open().await;
    for i in 0..10 {
        let mut batch = MetricBatch::new();
        for host in 0..20 {
            let m = metric("Latency", &format!("h{host}"));
            let at = NOW.saturating_sub_ms(i % 7 * MINUTE_MS);
            push(&mut batch, &m, at, Unit::Count, (i * host) as f64 / 4.0);
        }
        store.put(&tenant(), batch, None).await.unwrap();
        store.flush().await.unwrap();
    }
    let reads: Vec<MetricRead> = (0..20)
        .map(|h| read_of(&metric("Latency", &format!("h{h}"))))
        .collect();
    let before = store.read(&tenant(), &reads).await.unwrap();
    assert_eq!(store.stats().blocks, 10);
    let due = store.next_due();
    world.clock.set(due);
    store.run_due(due).await.unwrap();
    assert_eq!(store.stats().blocks, 1);
    assert_eq!(store.read(&tenant(), &reads).await.unwrap(), before);
    let objects = world.objects();
    assert_eq!(
        objects.list(ObjectKind::MetricsBlock).await.unwrap().len(),
        11
    );

    let swept = due.saturating_add_ms(world.config.sweep_delay_ms + MINUTE_MS);
    world.clock.set(swept);
    store.run_due(swept).await.unwrap();
    let left = objects.list(ObjectKind::MetricsBlock).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(store.read(&tenant(), &reads).await.unwrap(), before);
    let bytes = objects
        .get(ObjectKind::MetricsBlock, left[0].id)
        .await
        .unwrap();
    assert_eq!(verify_object("merged", bytes).unwrap().series, 20);
    drop(store);
    let store = world.open().await;
    assert_eq!(store.read(&tenant(), &reads).await.unwrap(), before);
}

#[tokio::test]
async fn data_goes_down_the_ladder_and_is_dropped_at_its_end() {
    let world = World::new().await;
    let store = world.open().await;
    let m = metric("Latency", "a");
    let first = NOW.floor_to(HOUR_MS);
    let mut batch = MetricBatch::new();
    for second in 0..2 * 3600 {
        let at = first.saturating_add_ms(second * 1000 - 2 * HOUR_MS);
        let value = MetricValue::Single((second % 90) as f64);
        push_value(&mut batch, &m, at, Unit::Count, 1, value);
    }
    store.put(&tenant(), batch, None).await.unwrap();
    let read = |period_s| MetricRead {
        start: first.saturating_sub_ms(DAY_MS),
        end: first.saturating_add_ms(DAY_MS),
        period_s,
        ..read_of(&m)
    };
    let answer = |period_s| {
        let (store, read) = (store.clone(), read(period_s));
        async move { store.read(&tenant(), &[read]).await.unwrap() }
    };
    let (minutes, five, hours) = (answer(60).await, answer(300).await, answer(3600).await);
    assert_eq!(hours[0].units[0].buckets.len(), 2);
    let tiers = || {
        let catalog = world.catalog.clone();
        async move {
            let live = catalog
                .live_objects(ObjectKind::MetricsBlock)
                .await
                .unwrap();
            let mut tiers: Vec<_> = live.into_iter().map(|r| r.retention_class).collect();
            tiers.dedup();
            tiers
        }
    };
    let go_to = |at: TimestampMs| {
        let (store, clock) = (store.clone(), Arc::clone(&world.clock));
        async move {
            clock.set(at);
            store.run_due(at).await.unwrap();
        }
    };
    go_to(NOW.saturating_add_ms(20 * MINUTE_MS)).await;
    assert_eq!(tiers().await, ["1s"]);
    go_to(NOW.saturating_add_ms(4 * HOUR_MS)).await;
    assert_eq!(tiers().await, ["60s"]);
    assert_eq!(answer(60).await, minutes);
    go_to(NOW.saturating_add_ms(17 * DAY_MS)).await;
    assert_eq!(tiers().await, ["300s"]);
    assert_eq!(answer(300).await, five);
    go_to(NOW.saturating_add_ms(80 * DAY_MS)).await;
    assert_eq!(tiers().await, ["3600s"]);
    assert_eq!(answer(3600).await, hours);
    let p50 = belfry_model::Statistic::parse("p50").unwrap();
    let (_, set) = &answer(3600).await[0].units[0].buckets[0];
    assert_eq!(p50.compute(set), Some(44.0));
    go_to(NOW.saturating_add_ms(456 * DAY_MS)).await;
    assert!(tiers().await.is_empty());
    assert!(answer(3600).await[0].units.is_empty());
}

#[tokio::test]
async fn orphans_are_deleted_when_they_are_old() {
    let world = World::new().await;
    let store = world.open().await;
    store
        .put(&tenant(), one(&metric("A", "a"), NOW, 1.0), None)
        .await
        .unwrap();
    store.flush().await.unwrap();
    let objects = world.objects();
    let orphan = |age_ms: i64| {
        let born = NOW.saturating_sub_ms(age_ms).0;
        ulid::Ulid::from_parts(u64::try_from(born).unwrap(), 7)
    };
    for id in [orphan(2 * HOUR_MS), orphan(MINUTE_MS)] {
        objects
            .put(ObjectKind::MetricsBlock, id, vec![])
            .await
            .unwrap();
    }
    store.run_due(NOW).await.unwrap();
    let left = objects.list(ObjectKind::MetricsBlock).await.unwrap();
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|o| o.id != orphan(2 * HOUR_MS)));
}

/// What a test does to a store.
#[derive(Clone, Debug)]
enum Step {
    Put(Vec<TestDatum>),
    Flush,
    Compact,
    Reopen,
}

#[derive(Clone, Debug)]
struct TestDatum {
    metric: usize,
    age_minutes: i64,
    offset_s: i64,
    unit: Unit,
    high_resolution: bool,
    values: Vec<f64>,
    aggregate: bool,
}

fn datum() -> impl Strategy<Value = TestDatum> {
    (
        0usize..4,
        prop_oneof![8 => 0i64..90, 1 => 0i64..10_000],
        0i64..60,
        prop_oneof![5 => Just(Unit::Count), 1 => Just(Unit::Bytes)],
        proptest::bool::weighted(0.3),
        prop_oneof![
            6 => proptest::collection::vec((0u32..400).prop_map(|v| f64::from(v) / 4.0), 1),
            2 => proptest::collection::vec((0u32..400).prop_map(|v| f64::from(v) / 4.0), 1..6),
            1 => proptest::collection::vec((-40i32..400).prop_map(f64::from), 1),
        ],
        proptest::bool::weighted(0.1),
    )
        .prop_map(
            |(metric, age_minutes, offset_s, unit, high_resolution, values, aggregate)| TestDatum {
                metric,
                age_minutes,
                offset_s,
                unit,
                high_resolution,
                values,
                aggregate,
            },
        )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => proptest::collection::vec(datum(), 1..30).prop_map(Step::Put),
        3 => Just(Step::Flush),
        2 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..20)
}

/// Every sample by metric, unit and minute, kept in the simplest way.
#[derive(Default)]
struct Reference {
    sets: BTreeMap<(usize, Unit, TimestampMs), StatisticSet>,
}

impl Reference {
    fn put<'a>(&mut self, datum: &'a TestDatum) -> (TimestampMs, MetricValue<'a>) {
        let at = NOW
            .saturating_sub_ms(datum.age_minutes * MINUTE_MS)
            .floor_to(MINUTE_MS)
            .saturating_add_ms(datum.offset_s * 1000);
        let value = match (&*datum.values, datum.aggregate) {
            (values, true) => {
                let set = StatisticSet::from_values(values, None);
                MetricValue::Aggregate {
                    count: set.count,
                    sum: set.sum,
                    min: set.min,
                    max: set.max,
                }
            }
            ([value], false) => MetricValue::Single(*value),
            (values, false) => MetricValue::Values {
                values,
                weights: None,
            },
        };
        let key = (datum.metric, datum.unit, at.floor_to(MINUTE_MS));
        self.sets.entry(key).or_default().merge(&value.to_set());
        (at, value)
    }

    fn of(&self, metric: usize) -> Vec<UnitBuckets> {
        let mut units: BTreeMap<&str, UnitBuckets> = BTreeMap::new();
        for ((m, unit, at), set) in &self.sets {
            if *m == metric {
                let buckets = units.entry(unit.as_str()).or_insert_with(|| UnitBuckets {
                    unit: *unit,
                    buckets: Vec::new(),
                });
                buckets.buckets.push((*at, set.clone()));
            }
        }
        units.into_values().collect()
    }
}

fn test_metric(number: usize) -> MetricId {
    metric(["A", "B"][number % 2], ["x", "y"][number / 2])
}

async fn check(store: &MetricsStore, reference: &Reference) {
    let reads: Vec<MetricRead> = (0..4).map(|m| read_of(&test_metric(m))).collect();
    let results = store.read(&tenant(), &reads).await.unwrap();
    for (m, result) in results.iter().enumerate() {
        // Values are quarters: sums are exact in any order.
        assert_eq!(result.units, reference.of(m), "metric {m}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// Flushes, compactions and restarts change no answer.
    #[test]
    fn answers_agree_with_a_plain_list(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let mut store = world.open().await;
            let mut reference = Reference::default();
            for step in &steps {
                match step {
                    Step::Put(data) => {
                        let mut batch = MetricBatch::new();
                        for datum in data {
                            let (at, value) = reference.put(datum);
                            let resolution_s = if datum.high_resolution { 1 } else { 60 };
                            let metric = test_metric(datum.metric);
                            push_value(&mut batch, &metric, at, datum.unit, resolution_s, value);
                        }
                        store.put(&tenant(), batch, None).await.unwrap();
                    }
                    Step::Flush => store.flush().await.unwrap(),
                    Step::Compact => store.inner.compact(NOW).await.unwrap(),
                    Step::Reopen => {
                        drop(store);
                        store = world.open().await;
                    }
                }
                check(&store, &reference).await;
            }
        });
    }
}
