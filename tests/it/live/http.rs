//! HTTP/1.1 by hand: requests go out byte by byte as a test wrote them, also those that no HTTP
//! library would send.

use std::time::Duration;

use belfry_model::TimestampMs;
use belfry_wire::RequestHead;
use belfry_wire::sigv4::Signer;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A request; `Content-Length` and `Connection` are added when it is sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query string.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Request {
    pub fn post(target: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let mut headers: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        headers.insert(0, ("host".to_owned(), "belfry.test".to_owned()));
        Self {
            method: "POST".to_owned(),
            target: target.to_owned(),
            headers,
            body: body.into(),
        }
    }

    /// Sets a header, which may be there already.
    pub fn set(&mut self, name: &str, value: &str) {
        self.headers
            .retain(|(there, _)| !there.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Signs what is there: to be called last.
    pub fn signed(mut self, signer: &Signer) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(
                HeaderName::try_from(name).unwrap(),
                HeaderValue::try_from(value).unwrap(),
            );
        }
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let mut head = RequestHead {
            method: Method::from_bytes(self.method.as_bytes()).unwrap(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
        };
        let time = TimestampMs::parse_iso8601("2026-01-15T12:00:00Z").unwrap();
        signer.sign(&mut head, &self.body, time);
        for name in ["x-amz-date", "authorization"] {
            let value = head.header(name).expect("a signature").to_owned();
            self.set(name, &value);
        }
        self
    }

    fn head(&self, framing: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            let is_ours = ["content-length", "connection"]
                .iter()
                .any(|ours| name.eq_ignore_ascii_case(ours));
            if !is_ours {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str(framing);
        head.push_str("connection: close\r\n\r\n");
        head.into_bytes()
    }

    pub async fn send(&self, port: u16) -> Answer {
        let answer = self.send_announced(port, self.body.len() as u64, false);
        answer.await.expect("an answer")
    }

    /// Announces a body of another length than it has. With `ends`, closes the sending direction
    /// after what there is; the server may then take the caller for gone and not answer.
    pub async fn send_announced(&self, port: u16, length: u64, ends: bool) -> Option<Answer> {
        let mut bytes = self.head(&format!("content-length: {length}\r\n"));
        bytes.extend(&self.body);
        exchange(port, bytes, ends).await
    }

    /// Sends the request and is gone after `patience`, whatever the server is doing by then.
    pub async fn send_and_leave(&self, port: u16, patience: Duration) {
        let mut bytes = self.head(&format!("content-length: {}\r\n", self.body.len()));
        bytes.extend(&self.body);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        tokio::time::sleep(patience).await;
        // A reset, so that the server hears of it at once.
        stream.set_zero_linger().unwrap();
    }

    /// Sends the body in one chunk, without saying its length beforehand.
    pub async fn send_chunked(&self, port: u16) -> Answer {
        let mut bytes = self.head("transfer-encoding: chunked\r\n");
        if !self.body.is_empty() {
            bytes.extend(format!("{:x}\r\n", self.body.len()).into_bytes());
            bytes.extend(&self.body);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        exchange(port, bytes, false).await.expect("an answer")
    }

    /// Opens a connection, sends the head and the first half of the body, and leaves it at that.
    pub async fn begin(&self, port: u16) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut bytes = self.head(&format!("content-length: {}\r\n", self.body.len()));
        bytes.extend(&self.body[..self.body.len() / 2]);
        stream.write_all(&bytes).await.unwrap();
        stream
    }
}

/// Sends while reading, since a server may answer before it has read all. `None`: no answer.
async fn exchange(port: u16, bytes: Vec<u8>, ends: bool) -> Option<Answer> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let write = async move {
        // A server that has had enough closes; what it answered counts.
        let _ = writing.write_all(&bytes).await;
        if ends {
            let _ = writing.shutdown().await;
        }
        // Dropping it would close the sending direction.
        writing
    };
    let read = async move {
        let mut received = Vec::new();
        let mut piece = vec![0; 65_536];
        loop {
            match reading.read(&mut piece).await {
                Ok(0) | Err(_) => return received,
                Ok(count) => received.extend(&piece[..count]),
            }
        }
    };
    let both = tokio::time::timeout(TIMEOUT, async { tokio::join!(write, read) }).await;
    let (_, received) = both.expect("an answer in time");
    (!received.is_empty()).then(|| parse(&received))
}

fn parse(received: &[u8]) -> Answer {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n");
    let end =
        end.unwrap_or_else(|| panic!("no HTTP answer: {:?}", String::from_utf8_lossy(received)));
    let head = std::str::from_utf8(&received[..end]).expect("a head in ASCII");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').expect("a header");
        headers.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::try_from(value.trim()).unwrap(),
        );
    }
    let body = received[end + 4..].to_vec();
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    assert_eq!(body.len(), length, "{head}");
    Answer {
        status: status.unwrap().parse().unwrap(),
        headers,
        body,
    }
}
