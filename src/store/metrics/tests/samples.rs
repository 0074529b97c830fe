//! What version 1 wrote is read.

use super::*;
use crate::samples;

const KEY: &str = "00112233445566778899aabbccddeeff";

/// A datum of each kind.
fn batch() -> MetricBatch {
    let mut batch = MetricBatch::new();
    let values = [1.0, 2.5, 2.5];
    let second = NOW.saturating_sub_ms(MINUTE_MS + 59_000);
    let datums = [
        ("single", NOW, 60, MetricValue::Single(-0.25)),
        ("second", second, 1, MetricValue::Single(1e10)),
        (
            "values",
            NOW,
            60,
            MetricValue::Values {
                values: &values,
                weights: None,
            },
        ),
        (
            "weighted",
            NOW,
            60,
            MetricValue::Values {
                values: &values[..2],
                weights: Some(&[3.0, 0.5]),
            },
        ),
        (
            "aggregate",
            NOW,
            60,
            MetricValue::Aggregate {
                count: 4.0,
                sum: 20.0,
                min: -2.0,
                max: 9.0,
            },
        ),
    ];
    for (name, at, resolution_s, value) in datums {
        let m = metric("Latency", name);
        push_value(&mut batch, &m, at, Unit::Milliseconds, resolution_s, value);
    }
    batch
}

/// Batches in records of version 1, calls in one of version 2.
#[tokio::test]
async fn a_log_of_version_1_is_replayed() {
    let sample = samples::path("metrics-wal-v1");
    let other = metric("Ölstand", "b");
    let world = World::new().await;
    if samples::are_written() {
        let store = world.open().await;
        store.put(&tenant(), batch(), Some(KEY)).await.unwrap();
        store.flush().await.unwrap();
        let later = one(&other, NOW, 3.0);
        store.put(&tenant(), later, Some("call-2")).await.unwrap();
        std::fs::copy(samples::only_file(&world.wal_dir()), &sample).unwrap();
    }
    let world = World::new().await;
    drop(world.open().await);
    let file = samples::only_file(&world.wal_dir());
    std::fs::remove_file(&file).unwrap();
    std::fs::copy(&sample, &file).unwrap();
    let store = world.open().await;
    for (id, again) in [(KEY, batch()), ("call-2", one(&other, NOW, 3.0))] {
        store.put(&tenant(), again, Some(id)).await.unwrap();
    }
    let minute = NOW.floor_to(MINUTE_MS);
    let expected = [
        ("single", 0, StatisticSet::from_value(-0.25)),
        ("second", 2, StatisticSet::from_value(1e10)),
        (
            "values",
            0,
            StatisticSet::from_values(&[1.0, 2.5, 2.5], None),
        ),
        (
            "weighted",
            0,
            StatisticSet::from_values(&[1.0, 2.5], Some(&[3.0, 0.5])),
        ),
        (
            "aggregate",
            0,
            StatisticSet::from_aggregate(4.0, 20.0, -2.0, 9.0),
        ),
    ];
    for (name, minutes_ago, set) in expected {
        let found = samples(&store, &metric("Latency", name)).await;
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].unit, Unit::Milliseconds);
        let at = minute.saturating_sub_ms(minutes_ago * MINUTE_MS);
        assert_eq!(found[0].buckets, [(at, set)], "{name}");
    }
    assert_eq!(total(&store, &other).await, (1.0, 3.0));
    assert_eq!(store.stats().head_samples, 6);
}
