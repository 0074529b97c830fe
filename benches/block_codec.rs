//! What does a metrics block cost: nanoseconds to encode a sample, to decode and check it, bytes?
//!
//! Budget: 1.2 bytes a sample; 60 ns to encode, 20 ns to decode and check on one core.
//! Data: bounded random walks of 200 hosts, rounded to 0 to 2 decimals, every 10 s for an hour.

use belfry_model::{Dimension, MetricId, Unit};
use belfry_store::metrics::{BlockWriter, Effort, Tier, series_key, verify_object};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const HOSTS: usize = 200;
const SAMPLES: usize = 360;
const START_MS: i64 = 1_790_000_000_000;

struct Series {
    key: Vec<u8>,
    times: Vec<i64>,
    values: Vec<f64>,
}

fn series() -> Vec<Series> {
    let mut random = StdRng::seed_from_u64(1);
    let mut all: Vec<Series> = (0..HOSTS * 3)
        .map(|i| {
            let (host, decimals) = (i / 3, i % 3);
            let power = 10f64.powi(decimals as i32);
            let mut level = random.random_range(0.0..100.0);
            let values = (0..SAMPLES)
                .map(|_| {
                    let step: f64 = random.random_range(-1.7..1.7);
                    level = f64::clamp(level + step, 0.0, 100.0);
                    (level * power).round() / power
                })
                .collect();
            let dimensions = vec![Dimension::new("host", format!("host-{host}"))];
            let metric = MetricId::new("Bench", format!("cpu-{decimals}"), dimensions);
            Series {
                key: series_key(&metric).unwrap_or_default(),
                times: (0..SAMPLES).map(|s| START_MS + s as i64 * 10_000).collect(),
                values,
            }
        })
        .collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

fn encode(series: &[Series], effort: Effort) -> Vec<u8> {
    let mut writer = BlockWriter::new(Tier::S1, effort);
    for s in series {
        let written = writer
            .start_series(&s.key)
            .and_then(|()| writer.push_singles(Unit::Percent, &s.times, &s.values));
        assert!(written.is_ok(), "{written:?}");
    }
    match writer.finish() {
        Ok(Some(block)) => block.parts.concat(),
        _ => Vec::new(),
    }
}

fn block_codec(c: &mut Criterion) {
    let series = series();
    let samples = series.iter().map(|s| s.values.len() as u64).sum();
    let mut group = c.benchmark_group("block_codec");
    group.throughput(Throughput::Elements(samples));
    for (name, effort) in [("flush", Effort::Flush), ("compaction", Effort::Compaction)] {
        let block = encode(&series, effort);
        println!(
            "{name}: {:.3} bytes a sample",
            block.len() as f64 / samples as f64
        );
        group.bench_function(format!("encode/{name}"), |b| {
            b.iter(|| encode(&series, effort));
        });
        let block = bytes::Bytes::from(block);
        group.bench_function(format!("decode_and_check/{name}"), |b| {
            b.iter_batched(
                || block.clone(),
                |block| verify_object("bench", block),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, block_codec);
criterion_main!(benches);
