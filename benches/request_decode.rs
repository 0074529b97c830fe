//! What does it cost to decode a request: 1,000 datums per protocol, 10,000 log events?
//!
//! Budget: 150,000 datums a second on one core, all of a request's checks included, which is
//! 6.7 ms for a request. Data: one value per datum, two dimensions, a unit and a timestamp, as
//! agents send them; log lines of 100 to 200 bytes.

#![allow(clippy::expect_used, clippy::panic)]

// Not all that the tests ask for is measured.
#[allow(dead_code)]
#[path = "../src/api/tests/request.rs"]
mod request;

use belfry_api::Settings;
use belfry_api::logs::LogEventsSeed;
use belfry_api::monitoring::{TimeWindow, accept};
use belfry_model::TimestampMs;
use belfry_wire::Protocol;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use request::Request;
use serde_json::{Value, json};

const DATUMS: usize = 1_000;
const EVENTS: usize = 10_000;
const NOW: TimestampMs = TimestampMs(1_790_000_000_000);

fn datums() -> Value {
    let datums: Vec<Value> = (0..DATUMS)
        .map(|i| {
            json!({
                "MetricName": format!("cpu_usage_{}", i % 10),
                "Dimensions": [
                    {"Name": "host", "Value": format!("host-{}", i / 10)},
                    {"Name": "InstanceId", "Value": "i-0123456789abcdef0"},
                ],
                "Timestamp": NOW.as_secs() - 30,
                "Value": i as f64 * 0.37,
                "Unit": "Percent",
            })
        })
        .collect();
    json!({"Namespace": "CWAgent", "MetricData": datums})
}

fn decode_datums(criterion: &mut Criterion) {
    let tree = datums();
    let requests = [
        ("query", Protocol::Query),
        ("json", Protocol::Json10),
        ("cbor", Protocol::Cbor),
    ]
    .map(|(name, protocol)| (name, Request::new(protocol, "PutMetricData", &tree)));
    let settings = Settings {
        allow_aws_namespaces: true,
    };
    let mut group = criterion.benchmark_group("PutMetricData x 1,000");
    group.throughput(Throughput::Elements(DATUMS as u64));
    for (name, request) in &requests {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                // Routing reads a form, so that it is measured too.
                let decoded = request.with_input(|_, input| {
                    accept(&input, TimeWindow::at(NOW), settings).map(|accepted| accepted.batch)
                });
                assert_eq!(decoded.ok().map(|batch| batch.len()), Some(DATUMS));
            });
        });
    }
    group.finish();
}

fn decode_log_events(criterion: &mut Criterion) {
    let events: Vec<Value> = (0..EVENTS)
        .map(|i| {
            let padding = "x".repeat(i % 100);
            json!({
                "timestamp": NOW.0 + i as i64,
                "message": format!("2026-09-21T14:13:20Z INFO request {i} took {} ms on host-{} path=/api/v1/orders user=\"u{}\" {padding}", i % 317, i % 40, i % 1_000),
            })
        })
        .collect();
    let input = json!({"logGroupName": "g", "logStreamName": "s", "logEvents": events});
    let request = Request::logs("PutLogEvents", &input);
    let mut group = criterion.benchmark_group("PutLogEvents x 10,000");
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("json", |bencher| {
        bencher.iter(|| {
            let decoded = request.with_input(|_, input| input.decode_seed(LogEventsSeed));
            let count = decoded
                .ok()
                .and_then(|decoded| decoded.events)
                .map(|events| events.len());
            assert_eq!(count, Some(EVENTS));
        });
    });
    group.finish();
}

criterion_group!(benches, decode_datums, decode_log_events);
criterion_main!(benches);
