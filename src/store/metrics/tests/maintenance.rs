//! Compaction, roll-up, retention, sweeps, and a catalog that fails.

use belfry_catalog::objects::{ObjectRow, Publish};

use super::*;
use crate::test_catalog::{Failure, TestCatalog};

/// The store over a catalog that can be made to fail.
async fn open_over_test_catalog(world: &World) -> (Arc<TestCatalog>, MetricsStore) {
    let catalog = TestCatalog::new(world.catalog.clone());
    let store = world.open_over(&world.wal_dir(), catalog.clone()).await;
    (catalog, store.unwrap())
}

#[tokio::test]
async fn a_publication_of_unknown_outcome_counts_once() {
    let world = World::new().await;
    let (catalog, store) = open_over_test_catalog(&world).await;
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
        catalog.fail_publish(failure);
        let flushed = store.flush().await;
        assert_eq!(flushed.is_ok(), matches!(failure, Failure::After));
        assert_eq!(total(&store, &m).await.1, sum, "{failure:?}");
    }
    for failure in [Failure::Before, Failure::After] {
        catalog.fail_publish(failure);
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

/// The publication happened, its caller was told of an error, and could not ask either.
#[tokio::test]
async fn a_publication_that_nobody_saw_counts_once() {
    let world = World::new().await;
    let (catalog, store) = open_over_test_catalog(&world).await;
    let m = metric("Orders", "a");
    for (failure, objects) in [(Failure::After, 1), (Failure::Before, 3)] {
        store.put(&tenant(), one(&m, NOW, 1.0), None).await.unwrap();
        catalog.fail_publish(failure);
        catalog.fail_reads(true);
        store.flush().await.unwrap_err();
        let before = total(&store, &m).await;
        // Nothing is published as long as the catalog does not tell what happened.
        store.flush().await.unwrap_err();
        assert_eq!(total(&store, &m).await, before);
        catalog.fail_reads(false);
        store.flush().await.unwrap();
        assert_eq!(total(&store, &m).await, before, "{failure:?}");
        let listed = world.objects().list(ObjectKind::MetricsBlock).await;
        // One more than live: what was stored for the publication that failed is an orphan.
        assert_eq!(listed.unwrap().len(), objects, "{failure:?}");
    }
    assert_eq!(total(&store, &m).await, (2.0, 2.0));
    drop(store);
    assert_eq!(total(&world.open().await, &m).await, (2.0, 2.0));
}

#[tokio::test]
async fn a_flush_that_fails_waits_and_writes_calls_once() {
    let world = World {
        config: MetricsConfig {
            flush_bytes: 500,
            ..MetricsConfig::default()
        },
        ..World::new().await
    };
    let (catalog, store) = open_over_test_catalog(&world).await;
    let m = metric("Orders", "a");
    let put = async |id: &str| {
        let batch = one(&m, NOW, 1.0);
        store.put(&tenant(), batch, Some(id)).await.unwrap();
    };
    put("first").await;
    // Opening publishes where the write-ahead log begins.
    let opened = catalog.publications();
    catalog.fail_publications(Failure::Before, u32::MAX);
    store.flush().await.unwrap_err();
    for i in 0..100 {
        put(&i.to_string()).await;
        let wanted = &store.inner.flush_wanted;
        assert!(
            !wanted.load(std::sync::atomic::Ordering::Acquire),
            "put {i}"
        );
    }
    assert!(store.stats().head_bytes > 500);
    assert_eq!(catalog.publications(), opened + 1);
    assert_eq!(store.next_due(), NOW.saturating_add_ms(1_000));
    for _ in 0..3 {
        store.flush().await.unwrap_err();
    }
    assert_eq!(catalog.publications(), opened + 4);
    assert_eq!(store.inner.snapshot().frozen.len(), 1);
    let mut call_records = 0;
    store
        .inner
        .wal
        .replay(crate::wal::Lsn(0), |record| {
            call_records += u32::from(record.kind == crate::metrics::store::KIND_INVOCATIONS);
            Ok(())
        })
        .unwrap();
    assert_eq!(call_records, 1);
    let stored = world.objects().list(ObjectKind::MetricsBlock).await;
    assert!(stored.unwrap().is_empty(), "nothing is left behind");

    catalog.fail_publications(Failure::Before, 0);
    let due = store.next_due();
    world.clock.set(due);
    store.run_due(due).await.unwrap();
    assert_eq!(store.stats().head_samples, 0);
    assert_eq!(total(&store, &m).await, (101.0, 101.0));
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

/// Log segments stay longer for their readers: only the store of logs sweeps them.
#[tokio::test]
async fn the_sweep_leaves_other_kinds_alone() {
    let world = World::new().await;
    let store = world.open().await;
    let kinds = [ObjectKind::LogSegment, ObjectKind::MetricsBlock];
    let row = |kind, n| ObjectRow {
        id: ulid::Ulid::from_parts(1, n),
        kind,
        tenant: tenant(),
        level: 0,
        retention_class: "60s".to_owned(),
        min_ts: NOW,
        max_ts: NOW,
        rows: 1,
        bytes: 1,
        created_at: NOW,
        meta: serde_json::Value::Null,
    };
    let rows = [row(kinds[0], 1), row(kinds[1], 2)];
    for row in &rows {
        let objects = world.objects();
        objects.put(row.kind, row.id, vec![]).await.unwrap();
    }
    let insert = Publish {
        insert: rows.to_vec(),
        ..Publish::default()
    };
    let remove = Publish {
        remove: rows.iter().map(|r| r.id).collect(),
        ..Publish::default()
    };
    for change in [insert, remove] {
        world.catalog.publish(change, NOW).await.unwrap();
    }
    let late = NOW.saturating_add_ms(DAY_MS);
    store.inner.sweep_removed(late).await.unwrap();
    for (kind, left) in [(kinds[0], 1), (kinds[1], 0)] {
        let stored = world.objects().list(kind).await.unwrap();
        assert_eq!(stored.len(), left, "{kind:?}");
        let removed = world.catalog.removed_objects(kind, late, 10).await.unwrap();
        assert_eq!(removed.len(), left, "{kind:?}");
    }
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
