//! The recorded requests in `tests/wire-samples` (see the README there).

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use belfry_model::TimestampMs;
use belfry_wire::RequestHead;
use belfry_wire::sigv4::{AccessKey, AccessKeys};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Value, json};

pub const ACCESS_KEY: &str = "AKIDTOCSINTEST000000";
pub const SECRET: &str = "tocsin-test-secret-key-000000000000000000";
pub const SESSION_TOKEN: &str = "tocsin-test-session-token/abc+def==";

#[derive(Deserialize)]
pub struct Sample {
    #[serde(skip)]
    pub file: String,
    pub service: String,
    pub operation: String,
    pub variant: String,
    pub client: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body_base64: String,
    #[serde(default)]
    pub params: Value,
}

impl Sample {
    pub fn head(&self) -> RequestHead {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(
                HeaderName::try_from(name).expect("header name"),
                HeaderValue::from_bytes(value.as_bytes()).expect("header value"),
            );
        }
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        RequestHead {
            method: Method::from_bytes(self.method.as_bytes()).expect("method"),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
        }
    }

    pub fn body(&self) -> Bytes {
        BASE64.decode(&self.body_base64).expect("base64").into()
    }

    pub fn is_signed(&self) -> bool {
        let head = self.head();
        head.headers.contains_key("authorization") || head.query.contains("X-Amz-Signature=")
    }

    /// The members of the input that the caller passed to its client. Samples of the command
    /// line and of the Rust driver say it in words; it is spelled out here.
    pub fn expected(&self) -> Value {
        let by_hand = |operation: &str| match (self.client.as_str(), operation) {
            ("rust-sdk-1.140", "DescribeAlarms") => json!({"AlarmTypes": ["MetricAlarm"]}),
            (_, "GetMetricData") => json!({
                "StartTime": "2026-01-15T12:00:00Z", "EndTime": "2026-01-15T13:00:00Z",
                "MetricDataQueries": [{"Id": "m1", "MetricStat": {
                    "Metric": {"Namespace": "App/Web", "MetricName": "Latency"},
                    "Period": 60, "Stat": "Average"}}]}),
            (_, "GetMetricWidgetImage") => json!({"MetricWidget": "{}"}),
            (_, "ListMetrics") => json!({"Namespace": "App/Web"}),
            (client, "PutMetricData") => json!({
                "Namespace": "App/Web", "MetricData": datums(client, &self.variant)}),
            (_, "PutLogEvents") => json!({
                "logGroupName": "/app/web", "logStreamName": "i-1",
                "logEvents": [{"timestamp": 1_768_478_400_000_i64, "message": "hello"}]}),
            (_, "Tail") => json!({
                "logGroupName": "/app/web", "interleaved": true,
                "startTime": 1_795_244_287_592_i64}),
            (_, "Publish") => json!({
                "TopicArn": "arn:aws:sns:us-east-1:123456789012:ops", "Message": "hi",
                "Subject": "S", "MessageAttributes": {
                    "sev": {"DataType": "String", "StringValue": "hi"}}}),
            (_, "Subscribe") => json!({
                "TopicArn": "arn:aws:sns:us-east-1:123456789012:ops", "Protocol": "email",
                "Endpoint": "a@example.com"}),
            (_, "GetCallerIdentity") => json!({}),
            other => panic!("nobody wrote down what {other:?} passed"),
        };
        if self.params.get("argv").is_some() || self.params.get("note").is_some() {
            return by_hand(&self.operation);
        }
        let mut params = self.params.clone();
        if let Some(members) = params.as_object_mut() {
            // Of the presigner, not of the operation.
            members.remove("ExpiresIn");
        }
        params
    }

    /// The time in `X-Amz-Date`, header or parameter.
    pub fn signed_at(&self) -> TimestampMs {
        let head = self.head();
        let text = head.header("x-amz-date").map_or_else(
            || {
                let (_, rest) = head.query.split_once("X-Amz-Date=").expect("a date");
                rest.split('&').next().expect("a value").to_owned()
            },
            str::to_owned,
        );
        let time = chrono::NaiveDateTime::parse_from_str(&text, "%Y%m%dT%H%M%SZ").expect("date");
        TimestampMs(time.and_utc().timestamp_millis())
    }
}

fn datums(client: &str, variant: &str) -> Value {
    let host = json!([{"Name": "Host", "Value": "web-1"}]);
    let noon = "2026-01-15T12:00:00Z";
    match (client, variant) {
        (_, "scalar") => json!([{
            "MetricName": "Latency", "Dimensions": host, "Timestamp": noon, "Value": 12.5,
            "Unit": "Milliseconds"}]),
        ("rust-sdk-1.140", "values-counts") => json!([{
            "MetricName": "Latency", "Timestamp": "2026-01-15T12:00:00.123Z",
            "Values": [1, 2.5], "Counts": [10, 3], "StorageResolution": 1}]),
        (_, "values-counts") => json!([{
            "MetricName": "Latency", "Unit": "Milliseconds",
            "Values": [1, 2.5], "Counts": [10, 3], "StorageResolution": 1}]),
        (_, "big-gzip") => (0..150)
            .map(|index| {
                json!({
                    "MetricName": "Big", "Timestamp": noon, "Value": f64::from(index) + 0.1,
                    "Dimensions": [
                        {"Name": "Host", "Value": format!("host-{index}")},
                        {"Name": "Region", "Value": "eu-west-1"}]})
            })
            .collect(),
        other => panic!("nobody wrote down what {other:?} passed"),
    }
}

pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/wire-samples")
}

/// All recorded requests, in order of their file names.
pub fn all() -> Vec<Sample> {
    let mut samples: Vec<Sample> = std::fs::read_dir(directory())
        .expect("the samples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| {
            let text = std::fs::read(&path).expect("a file");
            let mut sample: Sample = serde_json::from_slice(&text).expect("a sample");
            sample.file = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            sample
        })
        .collect();
    samples.sort_by(|a, b| a.file.cmp(&b.file));
    assert_eq!(samples.len(), 89, "the samples are complete");
    samples
}

/// The one key that the samples are signed with.
pub struct SampleKeys {
    pub session_token: Option<String>,
}

impl AccessKeys for SampleKeys {
    fn find(&self, access_key: &str) -> Option<AccessKey> {
        (access_key == ACCESS_KEY).then(|| AccessKey {
            secret: SECRET.to_owned(),
            account: "123456789012".to_owned(),
            session_token: self.session_token.clone(),
        })
    }
}

/// A decoded input, whatever its type: what any protocol can carry.
#[derive(Debug)]
pub enum Tree {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Whether this is `expected` as a client library was given it. Query carries all scalars
    /// as text, timestamps come as seconds or text, and blobs as base64 or bytes.
    pub fn is(&self, expected: &Value) -> bool {
        match (expected, self) {
            (Value::Null, Self::Null) => true,
            (Value::Bool(expected), Self::Bool(found)) => expected == found,
            (Value::Bool(expected), Self::Text(found)) => *found == expected.to_string(),
            (Value::Number(expected), Self::Number(found)) => expected.as_f64() == Some(*found),
            (Value::Number(expected), Self::Text(found)) => expected.as_f64() == found.parse().ok(),
            (Value::String(expected), Self::Text(found)) => {
                expected == found || is_same_instant(expected, found)
            }
            (Value::String(expected), Self::Number(found)) => {
                is_same_instant(expected, &found.to_string())
            }
            (Value::Array(expected), Self::List(found)) => {
                expected.len() == found.len()
                    && expected.iter().zip(found).all(|(e, found)| found.is(e))
            }
            (Value::Array(expected), Self::Text(found)) => expected.is_empty() && found.is_empty(),
            (Value::Object(expected), found) => match (expected.get("$base64"), found) {
                (Some(Value::String(base64)), Self::Text(found)) => base64 == found,
                (Some(Value::String(base64)), Self::Bytes(found)) => {
                    *base64 == BASE64.encode(found)
                }
                (None, Self::Map(found)) => {
                    expected.len() == found.len()
                        && found
                            .iter()
                            .all(|(key, value)| expected.get(key).is_some_and(|e| value.is(e)))
                }
                (None, Self::Text(found)) => expected.is_empty() && found.is_empty(),
                _ => false,
            },
            _ => false,
        }
    }
}

fn is_same_instant(expected: &str, found: &str) -> bool {
    use belfry_wire::Timestamp;
    // Only ISO texts are instants: "10" and "10.0" are different texts.
    expected.contains('T')
        && Timestamp::parse(expected).is_some_and(|e| Timestamp::parse(found) == Some(e))
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> serde::de::Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Tree, E> {
        Ok(Tree::Bytes(value.to_vec()))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = access.next_element()? {
            list.push(element);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = access.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}
