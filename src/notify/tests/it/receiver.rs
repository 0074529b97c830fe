//! An HTTP receiver on loopback that keeps what it gets and answers as told.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// One request as it arrived. Header names are in lower case.
#[derive(Clone, Debug)]
pub struct Received {
    pub request_line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// What to answer; `None` never answers.
type Answer = Option<String>;

#[derive(Default)]
struct State {
    requests: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<Answer>>,
    arrived: Notify,
}

/// Stops listening when dropped.
pub struct Receiver {
    pub address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub async fn start() -> Self {
        Self::at(0).await
    }

    pub async fn at(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .expect("the port is free");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(State::default());
        let task = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&state)));
                }
            }
        });
        Self {
            address,
            state,
            task,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request gets this status line and these headers; 200 without any.
    pub fn answer(&self, status: &str, headers: &str) {
        let text = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: 2\r\nConnection: close\r\n\r\nhm"
        );
        self.state.answers.lock().push_back(Some(text));
    }

    /// The next request gets none.
    pub fn stay_silent(&self) {
        self.state.answers.lock().push_back(None);
    }

    /// All requests since the last call.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.state.requests.lock())
    }

    /// Resolves when a request came in.
    pub async fn arrived(&self) {
        self.state.arrived.notified().await;
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut stream = BufReader::new(stream);
    let mut request_line = String::new();
    if stream.read_line(&mut request_line).await.unwrap_or(0) == 0 {
        return;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a header line");
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |v| v.parse().expect("a number"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("the whole body");
    state.requests.lock().push(Received {
        request_line: request_line.trim_end().to_owned(),
        headers,
        body: String::from_utf8(body).expect("UTF-8"),
    });
    state.arrived.notify_one();
    let default = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
    let answer = state.answers.lock().pop_front().unwrap_or(Some(default));
    match answer {
        Some(text) => {
            // The sender may be gone: some tests drop it.
            let _ = stream.write_all(text.as_bytes()).await;
        }
        None => std::future::pending().await,
    }
}
