//! An input structure as operations declare theirs, with a member of every kind.

use std::collections::BTreeMap;

use belfry_wire::route::{Route, route};
use belfry_wire::{ApiError, Blob, Protocol, RequestHead, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Metrics {
    pub namespace: Option<String>,
    pub metric_data: Option<Vec<Datum>>,
    pub strict_entity_validation: Option<bool>,
    pub attributes: Option<BTreeMap<String, String>>,
    pub picture: Option<Blob>,
    pub scan_by: Option<ScanBy>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Datum {
    pub metric_name: Option<String>,
    pub dimensions: Option<Vec<Dimension>>,
    pub timestamp: Option<Timestamp>,
    pub value: Option<f64>,
    pub values: Option<Vec<f64>>,
    pub statistic_values: Option<StatisticSet>,
    pub storage_resolution: Option<i32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Dimension {
    pub name: Option<String>,
    pub value: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StatisticSet {
    pub sample_count: Option<f64>,
    pub sum: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ScanBy {
    TimestampAscending,
    TimestampDescending,
}

/// A PutMetricData request in the given protocol, unsigned.
pub fn head(protocol: Protocol) -> RequestHead {
    let (path, headers): (&str, &[(&str, &str)]) = match protocol {
        Protocol::Query => (
            "/",
            &[("content-type", "application/x-www-form-urlencoded")],
        ),
        Protocol::Cbor => (
            "/service/GraniteServiceVersion20100801/operation/PutMetricData",
            &[
                ("content-type", "application/cbor"),
                ("smithy-protocol", "rpc-v2-cbor"),
            ],
        ),
        Protocol::RestJson => ("/TraceSegments", &[("content-type", "application/json")]),
        Protocol::Json10 | Protocol::Json11 => (
            "/",
            &[
                ("content-type", "application/x-amz-json-1.0"),
                (
                    "x-amz-target",
                    "GraniteServiceVersion20100801.PutMetricData",
                ),
            ],
        ),
    };
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

/// Routes and decodes a body; Query bodies get their action and version in front.
pub fn decode<T: DeserializeOwned>(protocol: Protocol, body: &[u8]) -> Result<T, ApiError> {
    let head = head(protocol);
    let mut full = Vec::new();
    if protocol == Protocol::Query {
        full.extend_from_slice(b"Action=PutMetricData&Version=2010-08-01&");
    }
    full.extend_from_slice(body);
    match route(&head, "", &full) {
        Ok(Route::Call(call)) => {
            assert_eq!(call.dialect.protocol, protocol);
            call.input.decode()
        }
        Ok(other) => panic!("{other:?}"),
        Err(rejection) => {
            assert_eq!(rejection.dialect.protocol, protocol);
            Err(rejection.error)
        }
    }
}
