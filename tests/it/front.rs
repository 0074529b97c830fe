//! What stands before the operations: signatures, room for bodies, retries, the base path.

use std::time::{Duration, Instant};

use belfry::node::{Node, NodeOptions};
use belfry_model::{Clock, SystemClock};
use belfry_server::auth::AuthMode;
use belfry_server::config::Config;
use belfry_server::data_dir::read_credentials;
use belfry_wire::RequestHead;
use belfry_wire::sigv4::Signer;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The base path of the servers under test, as behind a proxy that passes it on.
const BASE: &str = "/tenant-a";
/// More than the budget for bodies would be, were announced lengths reserved.
const IDLE_CALLERS: usize = 40;

struct Front {
    node: Node,
    host: String,
    dir: TempDir,
    http: reqwest::Client,
}

impl Front {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let host = format!("127.0.0.1:{port}");
        let node = Node::start(NodeOptions {
            data_dir: dir.path().to_owned(),
            listen: host.parse().unwrap(),
            auth: AuthMode::SigV4,
            account: None,
            config: Config {
                base_path: BASE.to_owned(),
                public_url: Some(format!("http://{host}{BASE}")),
                ..Config::default()
            },
            test_clock: None,
            accept_lost_records: false,
        })
        .await
        .unwrap();
        Self {
            node,
            host,
            dir,
            http: reqwest::Client::new(),
        }
    }

    fn signer(&self, service: &str) -> Signer {
        let keys = read_credentials(self.dir.path(), "000000000000").unwrap();
        let key = keys.default_key().unwrap();
        Signer {
            access_key: key.access_key_id.clone(),
            secret: key.secret_access_key.clone(),
            session_token: None,
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
        }
    }

    fn head(&self, method: Method, path: &str, headers: &[(&'static str, &str)]) -> RequestHead {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut map = HeaderMap::new();
        for (name, value) in headers
            .iter()
            .copied()
            .chain([("host", self.host.as_str())])
        {
            let value = HeaderValue::from_str(value).unwrap();
            map.insert(HeaderName::from_static(name), value);
        }
        RequestHead {
            method,
            path: format!("{BASE}{path}"),
            query: query.to_owned(),
            headers: map,
        }
    }

    /// A signed call by JSON.
    async fn monitoring(&self, operation: &str, input: &Value, invocation: &str) -> Value {
        let target = format!("GraniteServiceVersion20100801.{operation}");
        let mut head = self.head(
            Method::POST,
            "/",
            &[
                ("content-type", "application/x-amz-json-1.0"),
                ("x-amz-target", &target),
                ("amz-sdk-invocation-id", invocation),
            ],
        );
        let body = input.to_string();
        self.signer("monitoring")
            .sign(&mut head, body.as_bytes(), SystemClock.now());
        let url = format!("http://{}{BASE}/", self.host);
        let request = self.http.post(url).headers(head.headers).body(body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// A signed call of SNS; the answer's XML.
    async fn sns(&self, form: &str) -> String {
        let content_type = "application/x-www-form-urlencoded";
        let mut head = self.head(Method::POST, "/", &[("content-type", content_type)]);
        self.signer("sns")
            .sign(&mut head, form.as_bytes(), SystemClock.now());
        let url = format!("http://{}{BASE}/", self.host);
        let request = self.http.post(url).headers(head.headers);
        let answer = request.body(form.to_owned()).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{status} {text}");
        text
    }

    /// An unsigned GET, as a program or as a browser: status, request id, text.
    async fn get(&self, url: &str, accept: &str) -> (u16, Option<String>, String) {
        let request = self.http.get(url).header("accept", accept);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let id = answer.headers().get("x-amzn-requestid");
        let id = id.map(|id| id.to_str().unwrap().to_owned());
        (status, id, answer.text().await.unwrap())
    }

    /// Sends the head of a call that announces 10 MiB, and nothing else.
    async fn announce(&self, authorization: Option<&str>) -> TcpStream {
        let mut stream = TcpStream::connect(&self.host).await.unwrap();
        let authorization =
            authorization.map_or_else(String::new, |text| format!("Authorization: {text}\r\n"));
        let date = SystemClock.now().to_datetime().unwrap();
        let head = format!(
            "POST {BASE}/ HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: GraniteServiceVersion20100801.PutMetricData\r\n\
             X-Amz-Date: {}\r\n{authorization}Content-Length: 10485760\r\n\r\n",
            self.host,
            date.format("%Y%m%dT%H%M%SZ"),
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    /// What a signature of the access key looks like; it is nobody's.
    fn claim(&self, access_key: &str) -> String {
        let date = SystemClock.now().to_datetime().unwrap().format("%Y%m%d");
        format!(
            "AWS4-HMAC-SHA256 Credential={access_key}/{date}/us-east-1/monitoring/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature={}",
            "0".repeat(64)
        )
    }
}

async fn first_answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = async {
        while !answer.ends_with(b"}") && stream.read_buf(&mut answer).await.unwrap() > 0 {}
    };
    tokio::time::timeout(Duration::from_secs(10), read)
        .await
        .expect("an answer before the body");
    String::from_utf8(answer).unwrap()
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).expect(before);
    rest.split_once(after).expect(after).0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announced_bodies_take_nobodys_room() {
    let front = Front::start().await;
    let key = front.signer("monitoring").access_key;
    let mut idle = Vec::new();
    for _ in 0..IDLE_CALLERS {
        idle.push(front.announce(Some(&front.claim(&key))).await);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let started = Instant::now();
    front.monitoring("DescribeAlarms", &json!({}), "a").await;
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
    drop(idle);
    front.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_refused_before_their_bodies_are_there() {
    let front = Front::start().await;
    let unsigned = first_answer(front.announce(None).await).await;
    assert!(unsigned.starts_with("HTTP/1.1 40"), "{unsigned}");
    assert!(
        unsigned.contains("MissingAuthenticationToken"),
        "{unsigned}"
    );
    let claim = front.claim("AKIDNOBODYKNOWS");
    let unknown = first_answer(front.announce(Some(&claim)).await).await;
    assert!(unknown.contains("UnrecognizedClientException"), "{unknown}");

    let url = format!("http://{}{BASE}/nothing", front.host);
    let (status, id, _) = front.get(&url, "*/*").await;
    assert_eq!(status, 404);
    assert!(id.is_some_and(|id| id.len() == 36));

    let mut head = front.head(Method::GET, "/?Action=ListTopics&Version=2010-03-31", &[]);
    front
        .signer("sns")
        .presign(&mut head, 60, SystemClock.now());
    let url = format!("http://{}{}?{}", front.host, head.path, head.query);
    let (status, _, text) = front.get(&url, "*/*").await;
    assert_eq!(status, 200, "{text}");
    front.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_invocation_id_for_all_calls_loses_none() {
    let front = Front::start().await;
    let now_s = SystemClock.now().as_secs();
    let put = |value: f64| {
        json!({"Namespace": "Front", "MetricData":
            [{"MetricName": "m", "Value": value, "Timestamp": now_s}]})
    };
    // The third is a retry of the second.
    for (value, id) in [
        (1.0, "constant"),
        (2.0, "constant"),
        (2.0, "constant"),
        (2.0, ""),
    ] {
        front.monitoring("PutMetricData", &put(value), id).await;
    }
    let statistics = json!({
        "Namespace": "Front", "MetricName": "m", "Period": 3600, "Statistics": ["SampleCount"],
        "StartTime": now_s - 7_200, "EndTime": now_s + 7_200,
    });
    let answer = front
        .monitoring("GetMetricStatistics", &statistics, "read")
        .await;
    assert_eq!(
        answer["Datapoints"][0]["SampleCount"],
        json!(3.0),
        "{answer}"
    );
    front.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_metrics_tell_of_every_part() {
    let front = Front::start().await;
    let now_s = SystemClock.now().as_secs();
    let input = json!({"Namespace": "Front", "MetricData":
        [{"MetricName": "m", "Value": 1.0, "Timestamp": now_s}]});
    front.monitoring("PutMetricData", &input, "own").await;
    let url = format!("http://{}/metrics", front.host);
    let (_, _, text) = front.get(&url, "text/plain").await;
    let value = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.split(' ').next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("{name}: {text}"));
        line.split(' ').nth(1).unwrap().parse::<f64>().unwrap()
    };
    assert!(value("belfry_metrics_wal_bytes") > 0.0);
    assert_eq!(value("belfry_metrics_head_series"), 1.0);
    assert_eq!(value("belfry_metrics_head_samples"), 1.0);
    for idle in [
        "belfry_logs_segments",
        "belfry_queries_running",
        "belfry_queries_failed_total",
        "belfry_alarms_transitions_total",
        "belfry_outbox_rows",
        "belfry_deliveries_delivered_total",
    ] {
        assert_eq!(value(idle), 0.0, "{idle}");
    }
    let (_, _, open) = front.get(&url, "application/openmetrics-text").await;
    assert!(open.ends_with("# EOF\n"), "{open}");
    front.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_a_test_clock_is_no_failed_request() {
    let front = Front::start().await;
    let clock = format!("http://{}/_belfry/clock", front.host);
    let (status, _, text) = front.get(&clock, "*/*").await;
    assert_eq!(status, 404);
    assert!(text.contains("--test-clock"), "{text}");
    let metrics = format!("http://{}/metrics", front.host);
    let failed = "status=\"404\"";
    let (_, _, text) = front.get(&metrics, "text/plain").await;
    assert!(!text.contains(failed), "{text}");
    // As a path that nobody knows does.
    front.get(&format!("{clock}s"), "*/*").await;
    let (_, _, text) = front.get(&metrics, "text/plain").await;
    assert!(text.contains(failed), "{text}");
    front.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_and_certificate_are_found_below_the_base_path() {
    let front = Front::start().await;
    let receiver = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/hook", receiver.local_addr().unwrap());
    let topic = front
        .sns("Action=CreateTopic&Name=front&Version=2010-03-31")
        .await;
    let topic = between(&topic, "<TopicArn>", "</TopicArn>");
    let subscribe = format!(
        "Action=Subscribe&Version=2010-03-31&TopicArn={topic}&Protocol=http&Endpoint={endpoint}"
    );
    let (_, message) = tokio::join!(front.sns(&subscribe), received(receiver));
    let text = |member: &str| message[member].as_str().unwrap().to_owned();

    let base = format!("http://{}{BASE}/", front.host);
    let certificate = text("SigningCertURL");
    assert!(certificate.starts_with(&base), "{certificate}");
    let (status, _, pem) = front.get(&certificate, "*/*").await;
    assert_eq!(status, 200);
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");

    let page = format!(
        "{base}confirmation.html?TopicArn={topic}&Token={}",
        text("Token")
    );
    let link = text("SubscribeURL");
    for url in [&page, &link] {
        let (status, _, html) = front.get(url, "text/html").await;
        assert_eq!(status, 200, "{html}");
        assert!(html.contains("Confirm subscription"), "{html}");
    }
    let answer = front.http.post(format!("{page}0")).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
    let refused = answer.text().await.unwrap();
    assert!(refused.contains("3 days"), "{refused}");
    let answer = front.http.post(&page).send().await.unwrap();
    let confirmed = answer.text().await.unwrap();
    let unsubscribe = format!("href=\"{BASE}/?Action=Unsubscribe");
    assert!(confirmed.contains(&unsubscribe), "{confirmed}");
    // And as a program confirms, without a signature.
    let (status, _, xml) = front.get(&link, "*/*").await;
    assert_eq!(status, 200, "{xml}");
    assert!(xml.contains("<SubscriptionArn>"), "{xml}");
    front.node.stop().await;
}

/// The body of the first request, a JSON object.
async fn received(listener: TcpListener) -> Value {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    loop {
        assert!(stream.read_buf(&mut request).await.unwrap() > 0, "cut off");
        let text = String::from_utf8_lossy(&request);
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        if let Ok(message) = serde_json::from_str(body) {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            return message;
        }
    }
}
