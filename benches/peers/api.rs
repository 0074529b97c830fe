//! Signed calls: prepared ones sent as fast as the server answers, and single timed ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use belfry_model::{Clock, SystemClock};
use belfry_wire::RequestHead;
use belfry_wire::sigv4::Signer;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::server::Server;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone, Copy)]
pub enum Service {
    Logs,
    Monitoring,
}

/// A signed request.
#[derive(Clone)]
pub struct Prepared {
    headers: HeaderMap,
    body: Bytes,
}

pub struct Api {
    http: reqwest::Client,
    url: String,
    host: String,
    access_key: String,
    secret: String,
}

impl Api {
    pub fn new(server: &Server) -> Result<Self, Failure> {
        Ok(Self {
            http: reqwest::Client::builder().build()?,
            url: format!("http://127.0.0.1:{}/", server.port),
            host: format!("127.0.0.1:{}", server.port),
            access_key: server.access_key.clone(),
            secret: server.secret.clone(),
        })
    }

    pub fn prepare(
        &self,
        service: Service,
        operation: &str,
        body: Vec<u8>,
    ) -> Result<Prepared, Failure> {
        let (prefix, version, scope) = match service {
            Service::Logs => ("Logs_20140328", "1.1", "logs"),
            Service::Monitoring => ("GraniteServiceVersion20100801", "1.0", "monitoring"),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", self.host.clone()),
            ("content-type", format!("application/x-amz-json-{version}")),
            ("x-amz-target", format!("{prefix}.{operation}")),
        ] {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_str(&value)?,
            );
        }
        let mut head = RequestHead {
            method: Method::POST,
            path: "/".to_owned(),
            query: String::new(),
            headers,
        };
        let signer = Signer {
            access_key: self.access_key.clone(),
            secret: self.secret.clone(),
            session_token: None,
            region: "us-east-1".to_owned(),
            service: scope.to_owned(),
        };
        signer.sign(&mut head, &body, SystemClock.now());
        Ok(Prepared {
            headers: head.headers,
            body: body.into(),
        })
    }

    async fn send(&self, request: Prepared) -> Result<Value, Failure> {
        let answer = self
            .http
            .post(&self.url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        if status.is_success() {
            Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
        } else {
            Err(format!("{status}: {text}").into())
        }
    }

    pub async fn call(
        &self,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> Result<Value, Failure> {
        self.send(self.prepare(service, operation, serde_json::to_vec(input)?)?)
            .await
    }

    /// Sends all requests over `connections` tasks; returns seconds and latencies. Throttled
    /// requests are sent again.
    pub async fn send_all(
        self: &Arc<Self>,
        requests: Vec<Prepared>,
        connections: usize,
    ) -> Result<(f64, Latencies), Failure> {
        let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
        let started = Instant::now();
        let tasks: Vec<_> = (0..connections)
            .map(|_| {
                let (api, requests, next) = (self.clone(), requests.clone(), next.clone());
                tokio::spawn(async move {
                    let mut times = Vec::new();
                    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let begun = Instant::now();
                        while let Err(error) = api.send(request.clone()).await {
                            let text = error.to_string();
                            if !text.contains("Throttling") {
                                return Err(text);
                            }
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                        times.push(begun.elapsed());
                    }
                    Ok(times)
                })
            })
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await??);
        }
        Ok((started.elapsed().as_secs_f64(), Latencies(times)))
    }
}

pub struct Latencies(Vec<Duration>);

impl Latencies {
    pub fn ms(&mut self, quantile: f64) -> f64 {
        self.0.sort_unstable();
        let at = ((self.0.len().saturating_sub(1)) as f64 * quantile) as usize;
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}

/// Runs `ask` up to `runs` times (but not much longer than ten seconds) and prints its latency.
pub async fn time<F, Fut>(name: &str, runs: usize, ask: F) -> Result<(), Failure>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<u64, Failure>>,
{
    let (started, mut times, mut rows) = (Instant::now(), Vec::new(), 0);
    while times.len() < runs && (times.len() < 5 || started.elapsed() < Duration::from_secs(10)) {
        let begun = Instant::now();
        rows = ask().await?;
        times.push(begun.elapsed());
    }
    let n = times.len();
    let mut times = Latencies(times);
    println!(
        "{}",
        json!({"query": name, "n": n, "rows": rows, "p50_ms": times.ms(0.5), "p99_ms": times.ms(0.99), "min_ms": times.ms(0.0)})
    );
    Ok(())
}
