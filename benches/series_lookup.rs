//! How long does it take to find one series among 100,000, in the head and in a block?
//!
//! Budget: 50 microseconds a read of one metric; a page of 500 listed metrics 2 milliseconds from a
//! block, and 10 from the head, whose series are in no order; 1 millisecond to list the metrics that
//! have a certain dimension.

use std::sync::Arc;

use belfry_catalog::SqliteCatalog;
use belfry_model::{Dimension, ManualClock, MetricId, Tenant, TimestampMs, Unit};
use belfry_store::Objects;
use belfry_store::metrics::{
    MetricBatch, MetricFilter, MetricRead, MetricValue, MetricsConfig, MetricsStore,
};
use criterion::{Criterion, criterion_group, criterion_main};

const HOSTS: usize = 10_000;
const METRICS: usize = 10;
const NOW: TimestampMs = TimestampMs(1_790_000_040_000);

type Failure = Box<dyn std::error::Error>;

async fn filled(dir: &std::path::Path, tenant: &Tenant) -> Result<MetricsStore, Failure> {
    let store = MetricsStore::open(
        &dir.join("wal"),
        Objects::open_local(&dir.join("objects"))?,
        Arc::new(SqliteCatalog::open_in_memory().await?),
        Arc::new(ManualClock::new(NOW)),
        MetricsConfig::default(),
    )
    .await?;
    for m in 0..METRICS {
        let mut batch = MetricBatch::new();
        let name = format!("metric-{m}");
        for h in 0..HOSTS {
            let host = format!("host-{h}");
            let dimensions = [("host", host.as_str()), ("zone", ["a", "b", "c"][h % 3])];
            let value = MetricValue::Single(h as f64);
            batch.push("Bench", &name, &dimensions, NOW, Unit::Count, 60, value)?;
        }
        store.put(tenant, batch, None).await?;
    }
    Ok(store)
}

fn lookups(
    c: &mut Criterion,
    runtime: &tokio::runtime::Runtime,
    store: &MetricsStore,
    place: &str,
) {
    let tenant = Tenant::new("000000000000", "us-east-1");
    let dimensions = vec![
        Dimension::new("host", "host-7777"),
        Dimension::new("zone", "b"),
    ];
    let read = MetricRead {
        metric: MetricId::new("Bench", "metric-5", dimensions),
        unit: None,
        start: NOW.saturating_sub_ms(3_600_000),
        end: NOW.saturating_add_ms(60_000),
        period_s: 60,
        want_distribution: false,
    };
    let by_host = MetricFilter {
        dimensions: vec![("host".to_owned(), Some("host-7777".to_owned()))],
        ..MetricFilter::default()
    };
    let mut group = c.benchmark_group(format!("series_lookup/{place}"));
    group.bench_function("read_one", |b| {
        b.to_async(runtime)
            .iter(|| store.read(&tenant, std::slice::from_ref(&read)));
    });
    let all = MetricFilter::default();
    group.bench_function("list_page", |b| {
        b.to_async(runtime)
            .iter(|| store.list(&tenant, &all, None, 500));
    });
    group.bench_function("list_by_dimension", |b| {
        b.to_async(runtime)
            .iter(|| store.list(&tenant, &by_host, None, 500));
    });
    group.finish();
}

fn series_lookup(c: &mut Criterion) {
    let set_up = || -> Result<_, Failure> {
        let runtime = tokio::runtime::Runtime::new()?;
        let dir = tempfile::tempdir()?;
        let tenant = Tenant::new("000000000000", "us-east-1");
        let store = runtime.block_on(filled(dir.path(), &tenant))?;
        Ok((runtime, dir, store))
    };
    match set_up() {
        Ok((runtime, _dir, store)) => {
            lookups(c, &runtime, &store, "head");
            let flushed = runtime.block_on(store.flush());
            assert!(flushed.is_ok(), "{flushed:?}");
            lookups(c, &runtime, &store, "block");
        }
        Err(error) => eprintln!("cannot set up: {error}"),
    }
}

criterion_group!(benches, series_lookup);
criterion_main!(benches);
