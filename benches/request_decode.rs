//! What does it cost to decode a request: 1,000 datums per protocol, 10,000 log events?
//!
//! Budget: 150,000 datums a second on one core, all of a request's checks included, which is
//! 6.7 ms for a request. Data: one value per datum, two dimensions, a unit and a timestamp, as
//! agents send them; log lines of 100 to 200 bytes.

use std::fmt::Write as _;

use belfry_api::Settings;
use belfry_api::logs::LogEventsSeed;
use belfry_api::monitoring::{TimeWindow, accept};
use belfry_model::TimestampMs;
use belfry_wire::route::{Route, route};
use belfry_wire::{Input, RequestHead};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

const DATUMS: usize = 1_000;
const EVENTS: usize = 10_000;
const NOW: TimestampMs = TimestampMs(1_790_000_000_000);

fn request() -> Value {
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

fn flatten(name: &str, value: &Value, form: &mut String) {
    let join = |segment: &str| match name {
        "" => segment.to_owned(),
        name => format!("{name}.{segment}"),
    };
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                flatten(&join(member), value, form);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                flatten(&join(&format!("member.{}", index + 1)), element, form);
            }
        }
        Value::String(text) => drop(write!(form, "&{name}={text}")),
        other => drop(write!(form, "&{name}={other}")),
    }
}

fn head(path: &str, headers: &[(&'static str, &'static str)]) -> RequestHead {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    RequestHead {
        method: Method::POST,
        path: path.to_owned(),
        query: String::new(),
        headers: map,
    }
}

/// Routing reads a form, so that it is measured too.
fn with_input<T>(head: &RequestHead, body: &[u8], read: impl FnOnce(Input<'_>) -> T) -> Option<T> {
    match route(head, "", body) {
        Ok(Route::Call(call)) => Some(read(call.input)),
        _ => None,
    }
}

fn decode_datums(criterion: &mut Criterion) {
    let tree = request();
    let mut form = "Action=PutMetricData&Version=2010-08-01".to_owned();
    flatten("", &tree, &mut form);
    let mut cbor = Vec::new();
    ciborium::into_writer(&tree, &mut cbor).unwrap_or_default();
    let target = "GraniteServiceVersion20100801.PutMetricData";
    let path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
    let form_type = "application/x-www-form-urlencoded";
    let requests = [
        (
            "query",
            head("/", &[("content-type", form_type)]),
            form.into_bytes(),
        ),
        (
            "json",
            head(
                "/",
                &[
                    ("content-type", "application/x-amz-json-1.0"),
                    ("x-amz-target", target),
                ],
            ),
            tree.to_string().into_bytes(),
        ),
        (
            "cbor",
            head(
                path,
                &[
                    ("content-type", "application/cbor"),
                    ("smithy-protocol", "rpc-v2-cbor"),
                ],
            ),
            cbor,
        ),
    ];
    let settings = Settings {
        allow_aws_namespaces: true,
    };
    let mut group = criterion.benchmark_group("PutMetricData x 1,000");
    group.throughput(Throughput::Elements(DATUMS as u64));
    for (name, head, body) in &requests {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let decoded = with_input(head, body, |input| {
                    accept(&input, TimeWindow::at(NOW), settings).map(|accepted| accepted.batch)
                });
                let count = decoded.and_then(Result::ok).map(|batch| batch.len());
                assert_eq!(count, Some(DATUMS));
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
    let body = json!({"logGroupName": "g", "logStreamName": "s", "logEvents": events}).to_string();
    let mut group = criterion.benchmark_group("PutLogEvents x 10,000");
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("json", |bencher| {
        bencher.iter(|| {
            let decoded = Input::Json(body.as_bytes()).decode_seed(LogEventsSeed);
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
