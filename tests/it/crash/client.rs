//! Writers that retry as SDKs do, and the read-back that holds them to account.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::StatusCode;
use serde_json::{Value, json};

const GROUP: &str = "crash";
const NAMESPACE: &str = "Crash";
/// Datapoints of one call go to this many series.
const SERIES: usize = 3;
const EVENTS: usize = 4;
/// Datapoints lie one second apart and at most two hours ahead: enough calls for any test.
const METRIC_CALLS_MAX: usize = 9_000;

pub struct Client {
    http: reqwest::Client,
    url: String,
    /// Datapoint `n` of a writer has the timestamp `base_s + n`, at a resolution of one second.
    base_s: u64,
}

/// One writer: its calls are numbered, and each writes one datapoint per series and some events
/// that carry its number.
pub struct Writer {
    id: usize,
    /// Calls acknowledged so far: the numbers below this.
    metric_calls: usize,
    log_calls: usize,
    /// The invocation id of the call that is under way, kept over retries.
    metric_invocation: Option<String>,
    log_invocation: Option<String>,
    retried: usize,
}

impl Client {
    pub fn new(port: u16) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(10))
                .build()
                .unwrap(),
            url: format!("http://127.0.0.1:{port}/"),
            // Fine datapoints live for three hours; the newest may lie two hours ahead.
            base_s: now.as_secs() - 3_600,
        }
    }

    async fn call(
        &self,
        target: &str,
        version: &str,
        invocation: Option<&str>,
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let mut request = self
            .http
            .post(&self.url)
            .header("x-amz-target", target)
            .header("content-type", format!("application/x-amz-json-{version}"))
            .body(body.to_string());
        if let Some(id) = invocation {
            request = request.header("amz-sdk-invocation-id", id);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    async fn logs(
        &self,
        operation: &str,
        invocation: Option<&str>,
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        self.call(
            &format!("Logs_20140328.{operation}"),
            "1.1",
            invocation,
            body,
        )
        .await
    }

    async fn monitoring(
        &self,
        operation: &str,
        invocation: Option<&str>,
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let target = format!("GraniteServiceVersion20100801.{operation}");
        self.call(&target, "1.0", invocation, body).await
    }

    pub async fn set_up(&self, writers: usize) {
        let body = json!({"logGroupName": GROUP});
        let (status, answer) = self.logs("CreateLogGroup", None, &body).await.unwrap();
        assert!(status.is_success(), "{answer}");
        for id in 0..writers {
            let body = json!({"logGroupName": GROUP, "logStreamName": format!("w{id}")});
            let (status, answer) = self.logs("CreateLogStream", None, &body).await.unwrap();
            assert!(status.is_success(), "{answer}");
        }
    }

    /// `None`: no answer. Anything but success or a 5xx is a bug.
    fn acknowledged(answer: Option<(StatusCode, Value)>) -> bool {
        match answer {
            None => false,
            Some((status, _)) if status.is_success() => true,
            Some((status, body)) => {
                let throttled = body["__type"]
                    .as_str()
                    .is_some_and(|t| t.contains("Throttling"));
                assert!(status.is_server_error() || throttled, "{status} {body}");
                false
            }
        }
    }

    /// Reads everything of one writer back: what was acknowledged is there once; of the call
    /// under way, nothing is there twice.
    pub async fn verify(&self, writer: &Writer) {
        self.verify_metrics(writer).await;
        self.verify_logs(writer).await;
    }

    async fn verify_metrics(&self, writer: &Writer) {
        let calls = writer.metric_calls as u64;
        for series in 0..SERIES {
            let mut counts: HashMap<u64, f64> = HashMap::new();
            let mut start = self.base_s;
            while start <= self.base_s + calls {
                let body = json!({
                    "Namespace": NAMESPACE, "MetricName": "m", "Period": 1, "Statistics": ["SampleCount", "Sum"],
                    "Dimensions": writer.dimensions(series), "StartTime": start, "EndTime": start + 1_440,
                });
                let (status, answer) = self
                    .monitoring("GetMetricStatistics", None, &body)
                    .await
                    .unwrap();
                assert!(status.is_success(), "{answer}");
                for point in answer["Datapoints"].as_array().unwrap() {
                    let n = point["Timestamp"].as_f64().unwrap() as u64 - self.base_s;
                    assert_eq!(
                        point["Sum"].as_f64().unwrap(),
                        n as f64 * point["SampleCount"].as_f64().unwrap()
                    );
                    counts.insert(n, point["SampleCount"].as_f64().unwrap());
                }
                start += 1_440;
            }
            for n in 0..calls {
                let count = counts.get(&n).copied().unwrap_or(0.0);
                assert_eq!(
                    count, 1.0,
                    "writer {} series {series}: datapoint {n} of {calls} counts {count} times",
                    writer.id
                );
            }
        }
    }

    async fn verify_logs(&self, writer: &Writer) {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut token: Option<String> = None;
        loop {
            let mut body = json!({"logGroupName": GROUP, "logStreamName": format!("w{}", writer.id), "startFromHead": true});
            if let Some(token) = &token {
                body["nextToken"] = json!(token);
            }
            let (status, answer) = self.logs("GetLogEvents", None, &body).await.unwrap();
            assert!(status.is_success(), "{answer}");
            for event in answer["events"].as_array().unwrap() {
                *seen
                    .entry(event["message"].as_str().unwrap().to_owned())
                    .or_default() += 1;
            }
            let next = answer["nextForwardToken"].as_str().unwrap().to_owned();
            if token.as_deref() == Some(&next) {
                break;
            }
            token = Some(next);
        }
        for n in 0..writer.log_calls {
            for i in 0..EVENTS {
                let count = seen.get(&writer.message(n, i)).copied().unwrap_or(0);
                assert_eq!(
                    count, 1,
                    "writer {}: event {n}/{i} of {} is there {count} times",
                    writer.id, writer.log_calls
                );
            }
        }
    }
}

impl Writer {
    pub fn new(id: usize) -> Self {
        Self {
            id,
            metric_calls: 0,
            log_calls: 0,
            metric_invocation: None,
            log_invocation: None,
            retried: 0,
        }
    }

    pub fn acknowledged(&self) -> usize {
        self.metric_calls + self.log_calls
    }

    pub fn retried(&self) -> usize {
        self.retried
    }

    fn dimensions(&self, series: usize) -> Value {
        json!([{"Name": "writer", "Value": self.id.to_string()}, {"Name": "series", "Value": series.to_string()}])
    }

    fn message(&self, n: usize, i: usize) -> String {
        json!({"writer": self.id, "call": n, "event": i, "text": "written under fire"}).to_string()
    }

    /// Alternates metrics and logs until a call gets no answer.
    pub async fn write_until_dead(mut self, client: Arc<Client>) -> Self {
        loop {
            if !self.put_metrics(&client).await || !self.put_logs(&client).await {
                return self;
            }
        }
    }

    /// Repeats what has no answer yet, on a server that lives.
    pub async fn finish(&mut self, client: &Client) {
        while self.metric_invocation.is_some() {
            self.put_metrics(client).await;
        }
        while self.log_invocation.is_some() {
            self.put_logs(client).await;
        }
    }

    async fn put_metrics(&mut self, client: &Client) -> bool {
        if self.metric_calls == METRIC_CALLS_MAX {
            return true;
        }
        self.retried += usize::from(self.metric_invocation.is_some());
        let invocation = self
            .metric_invocation
            .get_or_insert_with(new_invocation)
            .clone();
        let n = self.metric_calls;
        let data: Vec<Value> = (0..SERIES)
            .map(|series| {
                json!({"MetricName": "m", "Dimensions": self.dimensions(series), "Value": n,
                       "Timestamp": client.base_s + n as u64, "StorageResolution": 1})
            })
            .collect();
        let body = json!({"Namespace": NAMESPACE, "MetricData": data});
        let answer = client
            .monitoring("PutMetricData", Some(&invocation), &body)
            .await;
        let done = Client::acknowledged(answer);
        if done {
            self.metric_calls += 1;
            self.metric_invocation = None;
        }
        done
    }

    async fn put_logs(&mut self, client: &Client) -> bool {
        self.retried += usize::from(self.log_invocation.is_some());
        let invocation = self
            .log_invocation
            .get_or_insert_with(new_invocation)
            .clone();
        let n = self.log_calls;
        let events: Vec<Value> = (0..EVENTS)
            .map(|i| json!({"timestamp": (client.base_s + n as u64) * 1_000 + i as u64, "message": self.message(n, i)}))
            .collect();
        let body = json!({"logGroupName": GROUP, "logStreamName": format!("w{}", self.id), "logEvents": events});
        let answer = client.logs("PutLogEvents", Some(&invocation), &body).await;
        let done = Client::acknowledged(answer);
        if done {
            self.log_calls += 1;
            self.log_invocation = None;
        }
        done
    }
}

fn new_invocation() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}
