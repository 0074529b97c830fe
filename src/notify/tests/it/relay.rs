//! A mail relay on loopback: SMTP in clear text, as much of it as one mail takes.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine as _;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One mail as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    pub from: String,
    pub to: String,
    pub auth: Option<String>,
    /// Header lines, unfolded.
    pub headers: Vec<String>,
    /// Decoded.
    pub body: String,
}

impl Mail {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The first link of the body.
    pub fn link(&self) -> url::Url {
        let line = self.body.lines().find(|line| line.starts_with("http"));
        line.expect("a link").parse().expect("a URL")
    }
}

#[derive(Default)]
struct State {
    mails: Mutex<Vec<Mail>>,
    recipient_replies: Mutex<VecDeque<String>>,
    words: Mutex<Vec<String>>,
}

/// Stops listening when dropped.
pub struct Relay {
    pub address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Relay {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(State::default());
        let task = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(session(stream, Arc::clone(&state)));
                }
            }
        });
        Self {
            address,
            state,
            task,
        }
    }

    /// The next recipient is answered with this.
    pub fn answer_recipient(&self, reply: &str) {
        self.state
            .recipient_replies
            .lock()
            .push_back(reply.to_owned());
    }

    /// The commands that were said.
    pub fn words(&self) -> Vec<String> {
        self.state.words.lock().clone()
    }

    /// All mails since the last call.
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.state.mails.lock())
    }
}

async fn session(stream: TcpStream, state: Arc<State>) {
    let mut stream = BufReader::new(stream);
    let mut mail = Mail::default();
    let mut reply = "220 relay ready".to_owned();
    loop {
        if stream
            .write_all(format!("{reply}\r\n").as_bytes())
            .await
            .is_err()
        {
            return;
        }
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end();
        let word = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        state.words.lock().push(word.clone());
        reply = match word.as_str() {
            "EHLO" => "250-relay\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME".to_owned(),
            "AUTH" => {
                mail.auth = Some(line.to_owned());
                "235 welcome".to_owned()
            }
            "MAIL" => {
                mail.from = line.to_owned();
                "250 ok".to_owned()
            }
            "RCPT" => {
                mail.to = line.to_owned();
                let scripted = state.recipient_replies.lock().pop_front();
                scripted.unwrap_or_else(|| "250 ok".to_owned())
            }
            "DATA" => {
                stream
                    .write_all(b"354 go on\r\n")
                    .await
                    .expect("a listening client");
                let data = data(&mut stream).await;
                (mail.headers, mail.body) = parse(&data);
                state.mails.lock().push(mail.clone());
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
    }
}

async fn data(stream: &mut BufReader<TcpStream>) -> String {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        stream
            .read_line(&mut line)
            .await
            .expect("a line of the mail");
        if line == ".\r\n" {
            return data;
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

/// Headers unfolded, the body out of its transfer encoding.
fn parse(data: &str) -> (Vec<String>, String) {
    let (head, body) = data.split_once("\r\n\r\n").expect("headers and body");
    let mut headers: Vec<String> = Vec::new();
    for line in head.split("\r\n") {
        match headers.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => headers.push(line.to_owned()),
        }
    }
    let encoding = headers
        .iter()
        .find_map(|line| line.strip_prefix("Content-Transfer-Encoding: "));
    let body = match encoding {
        Some("quoted-printable") => quoted_printable(body),
        Some("base64") => {
            let text: String = body.split_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            String::from_utf8(bytes.expect("base64")).expect("UTF-8")
        }
        _ => body.to_owned(),
    };
    (headers, body.replace("\r\n", "\n"))
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'=', [high, low, after @ ..]) => {
                bytes.extend(hex::decode([*high, *low]).expect("two hex digits"));
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
