//! Signed calls of the AWS API.

use std::sync::Arc;
use std::time::Duration;

use belfry_model::{Clock, SystemClock};
use belfry_wire::RequestHead;
use belfry_wire::sigv4::Signer;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::Failure;
use crate::report::Latencies;
use crate::sending::send_all;
use crate::server::Server;

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

    /// Sends all requests; those that are throttled again.
    pub async fn send_all(
        self: &Arc<Self>,
        requests: Vec<Prepared>,
        connections: usize,
    ) -> Result<(f64, Latencies), Failure> {
        let api = Arc::clone(self);
        send_all(requests, connections, move |request: Prepared| {
            let api = Arc::clone(&api);
            async move {
                while let Err(error) = api.send(request.clone()).await {
                    if !error.to_string().contains("Throttling") {
                        return Err(error);
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Ok(())
            }
        })
        .await
    }
}
