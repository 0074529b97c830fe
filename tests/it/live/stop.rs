//! SIGTERM while clients write and a delivery is under way: the server ends in time, and what it
//! had promised is kept by the next one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::protocol::{Output, Service, Wire, output, request};
use crate::crash::client::{Client, Writer};
use crate::process::{Server, Setup};

const CONFIG: &str = "\
auto_confirm_hosts = [\"127.0.0.1\"]
[flush]
metrics_bytes = 65536
logs_bytes = 65536
age_s = 1
";

const WRITERS: usize = 3;
/// How long a stop may take.
const STOP: Duration = Duration::from_secs(5);

/// Takes notifications, and answers none of them until told.
struct Receiver {
    port: u16,
    answers: watch::Sender<bool>,
    /// The messages received so far; those not answered among them.
    messages: watch::Receiver<Vec<String>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answers, may_answer) = watch::channel(false);
        let (received, messages) = watch::channel(Vec::new());
        let received = Arc::new(received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (received, may_answer) = (received.clone(), may_answer.clone());
                tokio::spawn(serve(stream, received, may_answer));
            }
        });
        Self {
            port,
            answers,
            messages,
        }
    }

    /// Waits until all of `messages` have arrived, after the first `before` that came.
    async fn wait_for(&mut self, before: usize, messages: &[&str]) {
        let all = |found: &Vec<String>| {
            let found = found.get(before..).unwrap_or_default();
            messages
                .iter()
                .all(|message| found.iter().any(|f| f == message))
        };
        let wait = self.messages.wait_for(all);
        let arrived = tokio::time::timeout(Duration::from_secs(30), wait).await;
        assert!(arrived.is_ok(), "{messages:?} did not arrive");
    }
}

async fn serve(
    mut stream: TcpStream,
    received: Arc<watch::Sender<Vec<String>>>,
    mut may_answer: watch::Receiver<bool>,
) {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4_096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend(&piece[..count]),
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((_, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let Ok(notification) = serde_json::from_str::<Value>(body) else {
            continue;
        };
        let message = notification["Message"].as_str().unwrap().to_owned();
        received.send_modify(|messages| messages.push(message));
        if may_answer.wait_for(|may| *may).await.is_ok() {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
        }
        return;
    }
}

async fn sns(server: &Server, operation: &str, input: Value) -> Output {
    let request = request(Wire::Query, Service::Sns, operation, &input);
    let answer = request.send(server.port()).await;
    output(Wire::Query, Service::Sns, operation, &answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_keeps_what_was_promised() {
    let mut receiver = Receiver::start().await;
    let mut server = Server::started(Setup {
        config: CONFIG,
        ..Setup::default()
    })
    .await;
    let client = Arc::new(Client::new(server.port()));
    let mut created = sns(&server, "CreateTopic", json!({"Name": "ops"})).await;
    let topic = created.take_member("TopicArn");
    let endpoint = format!("http://127.0.0.1:{}/", receiver.port);
    let subscription = json!({"TopicArn": topic, "Protocol": "http", "Endpoint": endpoint});
    sns(&server, "Subscribe", subscription).await;
    sns(
        &server,
        "Publish",
        json!({"TopicArn": topic, "Message": "under way"}),
    )
    .await;
    receiver.wait_for(0, &["under way"]).await;

    let writing: Vec<_> = (0..WRITERS)
        .map(|id| tokio::spawn(Writer::new(id).write_until_dead(client.clone(), 0)))
        .collect();
    tokio::time::sleep(Duration::from_millis(400)).await;
    // A body that never ends must not hold up the stop, nor a connection that idles.
    let upload = json!({"Namespace": "Half", "MetricData": [{"MetricName": "m", "Value": 1}]});
    let upload = request(Wire::Json, Service::Monitoring, "PutMetricData", &upload);
    let _half = upload.begin(server.port()).await;
    let _idle = TcpStream::connect(("127.0.0.1", server.port()))
        .await
        .unwrap();
    sns(
        &server,
        "Publish",
        json!({"TopicArn": topic, "Message": "at the last moment"}),
    )
    .await;

    let asked = Instant::now();
    server.terminate();
    assert!(server.died_within(STOP).await, "it did not end in time");
    let status = server.exit_status().expect("an end");
    assert!(status.success(), "{status}: {}", server.log());
    println!("stopped after {:?}", asked.elapsed());

    let mut writers = Vec::new();
    for writer in writing {
        writers.push(writer.await.unwrap());
    }
    let before = receiver.messages.borrow().len();
    receiver.answers.send_replace(true);
    server.start(None).await;
    for writer in &mut writers {
        assert!(writer.acknowledged() > 0, "nothing was written");
        assert!(writer.finish(&client).await, "{}", server.log());
        client.verify(writer, 0..1).await;
    }
    receiver
        .wait_for(before, &["under way", "at the last moment"])
        .await;
    println!("delivered {:?} after the stop", asked.elapsed());
    server.kill();
    server.check();
}
