//! Requests as the network brings them.

use std::collections::BTreeMap;

use belfry_model::TimestampMs;
use belfry_wire::errors::ApiError;
use belfry_wire::route::{Route, dialect, route};
use belfry_wire::sigv4::{AccessKey, AccessKeys, Signer, Verifier};
use belfry_wire::{
    Blob, Dialect, Form, Input, Protocol, RequestHead, Service, Timestamp, body, encode,
    encode_error, operations,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const NOW: TimestampMs = TimestampMs(1_768_478_400_000);

/// A member of every kind that the codecs read.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Metrics {
    pub namespace: Option<String>,
    pub metric_data: Option<Vec<Datum>>,
    pub strict_entity_validation: Option<bool>,
    pub attributes: Option<BTreeMap<String, String>>,
    pub picture: Option<Blob>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Datum {
    pub metric_name: Option<String>,
    pub dimensions: Option<Vec<BTreeMap<String, String>>>,
    pub timestamp: Option<Timestamp>,
    pub value: Option<f64>,
    pub values: Option<Vec<f64>>,
    pub storage_resolution: Option<i32>,
}

/// As CloudWatch Logs has it: another letter case, integers as times.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Events {
    pub log_group_name: Option<String>,
    pub log_events: Option<Vec<Event>>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    pub timestamp: Option<i64>,
    pub message: Option<String>,
}

/// A request as HTTP/1 writes it: request line, headers, an empty line, the body.
fn parse_request(data: &[u8]) -> Option<(RequestHead, Bytes)> {
    let at = data.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, body) = (data.get(..at)?, data.get(at + 2..)?);
    let mut lines = std::str::from_utf8(head).ok()?.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        headers.append(
            HeaderName::try_from(name).ok()?,
            HeaderValue::from_str(value).ok()?,
        );
    }
    let head = RequestHead {
        method: Method::from_bytes(method.as_bytes()).ok()?,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
    };
    Some((head, Bytes::copy_from_slice(body)))
}

/// Routes and decodes a whole request; whatever is wrong has an answer.
pub fn request(data: &[u8]) {
    let Some((head, received)) = parse_request(data) else {
        return;
    };
    let early = dialect(&head, "/base");
    let Ok(body) = body::inflate(&head, received) else {
        return;
    };
    match route(&head, "/base", &body) {
        Ok(Route::Call(call)) => {
            assert!(early.is_some());
            answer_fault(call.dialect, call.input.decode::<Metrics>().err());
            answer_fault(call.dialect, call.input.decode::<Events>().err());
        }
        Ok(Route::Otlp(_) | Route::Other) => {}
        Err(rejection) => answer_fault(rejection.dialect, Some(rejection.error)),
    }
}

fn answer_fault(dialect: Dialect, fault: Option<ApiError>) {
    if let Some(error) = fault {
        let answer = encode_error(dialect, "request", &error);
        assert!(answer.status.is_client_error(), "{error:?}");
        assert!(!answer.body.is_empty());
    }
}

pub fn input_query(data: &[u8]) {
    let (query, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (&b""[..], data),
    };
    let Ok(query) = std::str::from_utf8(query) else {
        return;
    };
    if let Ok(form) = Form::parse(query, body) {
        both(&Input::Form(form));
    }
}

pub fn input_json(data: &[u8]) {
    both(&Input::Json(data));
}

pub fn input_cbor(data: &[u8]) {
    both(&Input::Cbor(data));
}

fn both(input: &Input<'_>) {
    round_trip::<Metrics>(input);
    round_trip::<Events>(input);
}

/// What could be decoded is the same after it was written as CBOR and read again.
fn round_trip<T: DeserializeOwned + Serialize + std::fmt::Debug>(input: &Input<'_>) {
    let Ok(value) = input.decode::<T>() else {
        return;
    };
    let operation = operations::find(Service::Monitoring, "GetMetricData").expect("an operation");
    let dialect = Dialect::new(Protocol::Cbor, Service::Monitoring, &HeaderMap::new());
    let written = encode(dialect, operation, "request", &value);
    let again = Input::Cbor(&written.body).decode::<T>();
    // Compared as text: NaN is not equal to itself.
    match again {
        Ok(again) => assert_eq!(format!("{again:?}"), format!("{value:?}")),
        Err(error) => panic!("{error:?} for {value:?}"),
    }
}

struct OneKey;

impl AccessKeys for OneKey {
    fn find(&self, access_key: &str) -> Option<AccessKey> {
        (access_key == "AKIDEXAMPLE").then(|| AccessKey {
            secret: "wJalrXUtnFEMI".to_owned(),
            account: "000000000000".to_owned(),
            session_token: None,
        })
    }
}

/// A request as it comes is refused without a panic; signed by the key's owner it is accepted,
/// and not after its path has changed.
pub fn signature(data: &[u8]) {
    let Some((mut head, body)) = parse_request(data) else {
        return;
    };
    let verifier = Verifier::new(Some(15));
    let _ = verifier.verify(&head, &body, &OneKey, NOW);

    let signable = [
        "authorization",
        "x-amz-content-sha256",
        "x-amz-security-token",
    ]
    .iter()
    .all(|name| !head.headers.contains_key(*name));
    // As the verifier limits them.
    let few = head.headers.keys_len() <= 90;
    if !signable || !few || !head.headers.contains_key("host") {
        return;
    }
    // Values beyond visible ASCII cannot be signed.
    if head.headers.values().any(|value| value.to_str().is_err()) {
        return;
    }
    let signer = Signer {
        access_key: "AKIDEXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI".to_owned(),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: "monitoring".to_owned(),
    };
    signer.sign(&mut head, &body, NOW);
    let principal = verifier.verify(&head, &body, &OneKey, NOW);
    assert!(principal.is_ok(), "{principal:?} for {head:?}");
    head.path.push_str("/other");
    assert!(verifier.verify(&head, &body, &OneKey, NOW).is_err());
}
