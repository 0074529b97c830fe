//! Writers that retry as SDKs do, and the read-back that holds them to account.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::StatusCode;
use serde_json::{Value, json};

/// Datapoints of one call go to this many series.
const SERIES: usize = 3;
const EVENTS: usize = 4;
/// Datapoints lie one second apart and at most two hours ahead: enough calls for any round.
const METRIC_CALLS_MAX: usize = 9_000;
/// After a refusal, as an SDK would.
const BACK_OFF: Duration = Duration::from_millis(5);

/// The log group and the namespace of a round are new in it.
fn place(round: usize) -> String {
    format!("crash-{round}")
}

fn stream(writer: usize) -> String {
    format!("w{writer}")
}

pub struct Client {
    http: reqwest::Client,
    url: String,
    /// Datapoint `n` of a writer has the timestamp `base_s + n`, at a resolution of one second.
    base_s: u64,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Acknowledged,
    /// Throttled, or an error of the server.
    Refused,
    NoAnswer,
}

impl Client {
    pub fn new(port: u16) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
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
        let target = format!("Logs_20140328.{operation}");
        self.call(&target, "1.1", invocation, body).await
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

    /// Anything but success, throttling or a 5xx is a bug.
    fn outcome(answer: Option<(StatusCode, Value)>) -> Outcome {
        match answer {
            None => Outcome::NoAnswer,
            Some((status, _)) if status.is_success() => Outcome::Acknowledged,
            Some((status, body)) => {
                let throttled = body["__type"]
                    .as_str()
                    .is_some_and(|t| t.contains("Throttling"));
                assert!(status.is_server_error() || throttled, "{status} {body}");
                Outcome::Refused
            }
        }
    }

    /// Creates what may be there already: the first attempt's answer may have been lost.
    async fn create(&self, operation: &str, body: &Value) -> Outcome {
        let answer = self.logs(operation, None, body).await;
        let exists = answer.as_ref().is_some_and(|(_, body)| {
            let kind = body["__type"].as_str().unwrap_or_default();
            kind.contains("ResourceAlreadyExistsException")
        });
        if exists {
            return Outcome::Acknowledged;
        }
        Self::outcome(answer)
    }

    /// Reads what one writer wrote in these rounds back: what was acknowledged is there once.
    pub async fn verify(&self, writer: &Writer, rounds: Range<usize>) {
        for (round, calls) in writer.metric_calls.range(rounds.clone()) {
            self.verify_metrics(writer, *round, *calls as u64).await;
        }
        for (round, calls) in writer.log_calls.range(rounds) {
            self.verify_logs(writer, *round, *calls).await;
        }
    }

    async fn verify_metrics(&self, writer: &Writer, round: usize, calls: u64) {
        for series in 0..SERIES {
            let mut counts: HashMap<u64, f64> = HashMap::new();
            let mut start = self.base_s;
            while start <= self.base_s + calls {
                let body = json!({
                    "Namespace": place(round), "MetricName": "m", "Period": 1,
                    "Statistics": ["SampleCount", "Sum"], "Dimensions": writer.dimensions(series),
                    "StartTime": start, "EndTime": start + 1_440,
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
                    "round {round} writer {} series {series}: datapoint {n} of {calls} counts {count} times",
                    writer.id
                );
            }
        }
    }

    async fn verify_logs(&self, writer: &Writer, round: usize, calls: usize) {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut token: Option<String> = None;
        loop {
            let mut body = json!({"logGroupName": place(round), "logStreamName": stream(writer.id), "startFromHead": true});
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
        for n in 0..calls {
            for i in 0..EVENTS {
                let count = seen.get(&writer.message(n, i)).copied().unwrap_or(0);
                assert_eq!(
                    count, 1,
                    "round {round} writer {}: event {n}/{i} of {calls} is there {count} times",
                    writer.id
                );
            }
        }
    }
}

/// A call without an acknowledgement yet. The invocation id is kept over retries.
struct Pending {
    round: usize,
    n: usize,
    invocation: String,
}

/// One writer: its calls of a round are numbered, and each writes one datapoint per series or
/// some events that carry its number.
pub struct Writer {
    id: usize,
    /// Calls acknowledged so far in each round: the numbers below this.
    metric_calls: BTreeMap<usize, usize>,
    log_calls: BTreeMap<usize, usize>,
    metric_pending: Option<Pending>,
    log_pending: Option<Pending>,
    retried: usize,
}

impl Writer {
    pub fn new(id: usize) -> Self {
        Self {
            id,
            metric_calls: BTreeMap::new(),
            log_calls: BTreeMap::new(),
            metric_pending: None,
            log_pending: None,
            retried: 0,
        }
    }

    pub fn acknowledged(&self) -> usize {
        let calls = self.metric_calls.values().chain(self.log_calls.values());
        calls.sum()
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

    /// Finishes what an earlier round left, then alternates metrics and logs in the places of
    /// this round, until a call gets no answer.
    pub async fn write_until_dead(mut self, client: Arc<Client>, round: usize) -> Self {
        if !self.finish(&client).await || !self.create_place(&client, round).await {
            return self;
        }
        loop {
            if self.metric_calls.get(&round) < Some(&METRIC_CALLS_MAX) {
                begin(&mut self.metric_pending, &self.metric_calls, round);
            }
            begin(&mut self.log_pending, &self.log_calls, round);
            if !self.finish(&client).await {
                return self;
            }
        }
    }

    /// Repeats what has no answer yet, until it has; false if the server died.
    pub async fn finish(&mut self, client: &Client) -> bool {
        while let Some(call) = &self.metric_pending {
            match self.put_metrics(client, call).await {
                Outcome::NoAnswer => return self.lost(),
                Outcome::Refused => tokio::time::sleep(BACK_OFF).await,
                Outcome::Acknowledged => {
                    *self.metric_calls.entry(call.round).or_default() += 1;
                    self.metric_pending = None;
                }
            }
        }
        while let Some(call) = &self.log_pending {
            match self.put_logs(client, call).await {
                Outcome::NoAnswer => return self.lost(),
                Outcome::Refused => tokio::time::sleep(BACK_OFF).await,
                Outcome::Acknowledged => {
                    *self.log_calls.entry(call.round).or_default() += 1;
                    self.log_pending = None;
                }
            }
        }
        true
    }

    /// A call that is to be repeated.
    fn lost(&mut self) -> bool {
        self.retried += 1;
        false
    }

    async fn create_place(&self, client: &Client, round: usize) -> bool {
        let group = json!({"logGroupName": place(round)});
        let of_writer = json!({"logGroupName": place(round), "logStreamName": stream(self.id)});
        for (operation, body) in [("CreateLogGroup", &group), ("CreateLogStream", &of_writer)] {
            loop {
                match client.create(operation, body).await {
                    Outcome::Acknowledged => break,
                    Outcome::Refused => tokio::time::sleep(BACK_OFF).await,
                    Outcome::NoAnswer => return false,
                }
            }
        }
        true
    }

    async fn put_metrics(&self, client: &Client, call: &Pending) -> Outcome {
        let data: Vec<Value> = (0..SERIES)
            .map(|series| {
                json!({"MetricName": "m", "Dimensions": self.dimensions(series), "Value": call.n,
                       "Timestamp": client.base_s + call.n as u64, "StorageResolution": 1})
            })
            .collect();
        let body = json!({"Namespace": place(call.round), "MetricData": data});
        let answer = client.monitoring("PutMetricData", Some(&call.invocation), &body);
        Client::outcome(answer.await)
    }

    async fn put_logs(&self, client: &Client, call: &Pending) -> Outcome {
        let events: Vec<Value> = (0..EVENTS)
            .map(|i| {
                let timestamp = (client.base_s + call.n as u64) * 1_000 + i as u64;
                json!({"timestamp": timestamp, "message": self.message(call.n, i)})
            })
            .collect();
        let body = json!({"logGroupName": place(call.round), "logStreamName": stream(self.id), "logEvents": events});
        let answer = client.logs("PutLogEvents", Some(&call.invocation), &body);
        Client::outcome(answer.await)
    }
}

/// The next call of a round.
fn begin(pending: &mut Option<Pending>, calls: &BTreeMap<usize, usize>, round: usize) {
    *pending = Some(Pending {
        round,
        n: calls.get(&round).copied().unwrap_or_default(),
        invocation: hex::encode(rand::random::<[u8; 16]>()),
    });
}
