//! How fast do bytes become input structures, and what does a signature cost?
//!
//! Budget: a PutMetricData of 1,000 datums in 3 ms per protocol (routing and decoding), so that
//! decoding and hashing leave a core free for 150,000 datums per second; a PutLogEvents of
//! 10,000 events in 6 ms. The structures here own their texts; an operation that reads into
//! columns through a seed does less.

#![allow(clippy::expect_used, clippy::panic)]

use belfry_model::TimestampMs;
use belfry_wire::route::{Route, route};
use belfry_wire::sigv4::{AccessKey, AccessKeys, Signer, Verifier};
use belfry_wire::{Blob, RequestHead, Timestamp};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutMetricData {
    namespace: Option<String>,
    metric_data: Option<Vec<Datum>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Datum {
    metric_name: Option<String>,
    dimensions: Option<Vec<Dimension>>,
    timestamp: Option<Timestamp>,
    value: Option<f64>,
    unit: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: Option<String>,
    value: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PutLogEvents {
    log_group_name: Option<String>,
    log_stream_name: Option<String>,
    log_events: Option<Vec<LogEvent>>,
}

#[derive(Serialize, Deserialize)]
struct LogEvent {
    timestamp: Option<i64>,
    message: Option<String>,
}

const NOON_MS: i64 = 1_768_478_400_000;

fn metrics() -> PutMetricData {
    let dimension = |name: &str, value: String| Dimension {
        name: Some(name.to_owned()),
        value: Some(value),
    };
    let datum = |index: i64| Datum {
        metric_name: Some("RequestLatency".to_owned()),
        dimensions: Some(vec![
            dimension("Host", format!("host-{:03}", index % 100)),
            dimension("Route", format!("/api/v1/items/{}", index % 10)),
        ]),
        timestamp: Some(Timestamp::from_millis(NOON_MS + index * 1_000)),
        value: Some((index * 7_919 % 10_007) as f64 / 100.0),
        unit: Some("Milliseconds".to_owned()),
    };
    PutMetricData {
        namespace: Some("App/Web".to_owned()),
        metric_data: Some((0..1_000).map(datum).collect()),
    }
}

fn events() -> PutLogEvents {
    let event = |index: i64| LogEvent {
        timestamp: Some(NOON_MS + index),
        message: Some(format!(
            "{{\"level\":\"INFO\",\"path\":\"/api/v1/items/{index}\",\"ms\":{}}}",
            index * 7_919 % 1_009
        )),
    };
    PutLogEvents {
        log_group_name: Some("/app/web".to_owned()),
        log_stream_name: Some("i-1".to_owned()),
        log_events: Some((0..10_000).map(event).collect()),
    }
}

fn form() -> Vec<u8> {
    let mut out = "Action=PutMetricData&Version=2010-08-01&Namespace=App%2FWeb".to_owned();
    for (index, datum) in metrics().metric_data.into_iter().flatten().enumerate() {
        let datum_name = format!("&MetricData.member.{}", index + 1);
        let mut push = |member: &str, value: &str| {
            let value = value.replace('/', "%2F").replace(':', "%3A");
            out.push_str(&format!("{datum_name}.{member}={value}"));
        };
        push("MetricName", &datum.metric_name.unwrap_or_default());
        for (index, dimension) in datum.dimensions.into_iter().flatten().enumerate() {
            let prefix = format!("Dimensions.member.{}", index + 1);
            push(
                &format!("{prefix}.Name"),
                &dimension.name.unwrap_or_default(),
            );
            push(
                &format!("{prefix}.Value"),
                &dimension.value.unwrap_or_default(),
            );
        }
        push(
            "Timestamp",
            &datum.timestamp.unwrap_or_default().to_string(),
        );
        push("Value", &datum.value.unwrap_or_default().to_string());
        push("Unit", &datum.unit.unwrap_or_default());
    }
    out.into_bytes()
}

fn head(path: &str, headers: &[(&'static str, &'static str)]) -> RequestHead {
    let mut map = HeaderMap::new();
    map.insert("host", HeaderValue::from_static("127.0.0.1:2355"));
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

fn decode<T: DeserializeOwned>(head: &RequestHead, body: &[u8]) -> T {
    match route(head, "", body) {
        Ok(Route::Call(call)) => call.input.decode().expect("an input"),
        other => panic!("{other:?}"),
    }
}

fn put_metric_data(c: &mut Criterion) {
    let mut group = c.benchmark_group("put_metric_data_1000");
    group.throughput(Throughput::Elements(1_000));

    let json = serde_json::to_vec(&metrics()).expect("json");
    let json_head = head(
        "/",
        &[
            ("content-type", "application/x-amz-json-1.0"),
            (
                "x-amz-target",
                "GraniteServiceVersion20100801.PutMetricData",
            ),
        ],
    );
    group.bench_function("json", |b| {
        b.iter(|| decode::<PutMetricData>(&json_head, &json))
    });

    let mut cbor = Vec::new();
    ciborium::into_writer(&metrics(), &mut cbor).expect("cbor");
    let cbor_head = head(
        "/service/GraniteServiceVersion20100801/operation/PutMetricData",
        &[("smithy-protocol", "rpc-v2-cbor")],
    );
    group.bench_function("cbor", |b| {
        b.iter(|| decode::<PutMetricData>(&cbor_head, &cbor))
    });

    let form = form();
    let form_head = head(
        "/",
        &[("content-type", "application/x-www-form-urlencoded")],
    );
    group.bench_function("query", |b| {
        b.iter(|| decode::<PutMetricData>(&form_head, &form))
    });
    group.finish();
}

fn put_log_events(c: &mut Criterion) {
    let mut group = c.benchmark_group("put_log_events_10000");
    group.throughput(Throughput::Elements(10_000));
    let json = serde_json::to_vec(&events()).expect("json");
    let head = head(
        "/",
        &[
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "Logs_20140328.PutLogEvents"),
        ],
    );
    group.bench_function("json", |b| b.iter(|| decode::<PutLogEvents>(&head, &json)));
    group.finish();
}

struct OneKey;

impl AccessKeys for OneKey {
    fn find(&self, _access_key: &str) -> Option<AccessKey> {
        Some(AccessKey {
            secret: "secret".to_owned(),
            account: "000000000000".to_owned(),
            session_token: None,
        })
    }
}

fn verify_signature(c: &mut Criterion) {
    let signer = Signer {
        access_key: "AK".to_owned(),
        secret: "secret".to_owned(),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: "monitoring".to_owned(),
    };
    let mut group = c.benchmark_group("verify_signature");
    for (name, body) in [
        ("empty_body", Vec::new()),
        ("1000_datums", serde_json::to_vec(&metrics()).expect("json")),
        ("1_mib", Blob(vec![7; 1_048_576]).0),
    ] {
        let mut head = head("/", &[("content-type", "application/x-amz-json-1.0")]);
        signer.sign(&mut head, &body, TimestampMs(NOON_MS));
        let verifier = Verifier::default();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                verifier
                    .verify(&head, &body, &OneKey, TimestampMs(NOON_MS))
                    .expect("a principal")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, put_metric_data, put_log_events, verify_signature);
criterion_main!(benches);
