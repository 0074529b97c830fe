//! What does verifying a signature cost?
//!
//! Budget: the hash of the body is all that grows; a body of 1,000 datums in 0.2 ms.

#![allow(clippy::expect_used)]

use belfry_model::TimestampMs;
use belfry_wire::RequestHead;
use belfry_wire::sigv4::{AccessKey, AccessKeys, Signer, Verifier};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method};

const NOON_MS: i64 = 1_768_478_400_000;

/// About what 1,000 datums with two dimensions are as JSON.
const DATUMS_BYTES: usize = 180_000;

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

fn head() -> RequestHead {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("127.0.0.1:2355"));
    headers.insert(
        "content-type",
        HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    RequestHead {
        method: Method::POST,
        path: "/".to_owned(),
        query: String::new(),
        headers,
    }
}

fn verify(c: &mut Criterion) {
    let signer = Signer {
        access_key: "AK".to_owned(),
        secret: "secret".to_owned(),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: "monitoring".to_owned(),
    };
    let mut group = c.benchmark_group("verify_signature");
    for (name, bytes) in [
        ("empty_body", 0),
        ("1000_datums", DATUMS_BYTES),
        ("1_mib", 1 << 20),
    ] {
        let body = vec![7; bytes];
        let mut head = head();
        signer.sign(&mut head, &body, TimestampMs(NOON_MS));
        let verifier = Verifier::default();
        group.throughput(Throughput::Bytes(bytes as u64));
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

criterion_group!(benches, verify);
criterion_main!(benches);
