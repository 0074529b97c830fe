//! A peer: VictoriaMetrics or VictoriaLogs, at its defaults but for where it listens and keeps data.

use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;

use crate::Failure;
use crate::process::{Process, free_port};
use crate::report::Latencies;
use crate::sending::send_all;

pub struct Victoria {
    pub process: Process,
    http: reqwest::Client,
    url: String,
    _dir: tempfile::TempDir,
}

impl Victoria {
    pub async fn start(binary: &Path, flags: &[&str]) -> Result<Self, Failure> {
        let dir = tempfile::tempdir()?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut command = Command::new(binary);
        command
            .arg(format!("-httpListenAddr={address}"))
            .arg(format!("-storageDataPath={}", dir.path().display()))
            .arg("-loggerLevel=ERROR")
            .args(flags)
            .stdout(Stdio::null());
        let mut process = Process::start(command, dir.path())?;
        let url = format!("http://{address}");
        process.healthy(&format!("{url}/health")).await?;
        Ok(Self {
            process,
            http: reqwest::Client::new(),
            url,
            _dir: dir,
        })
    }

    /// Posts all bodies to a path.
    pub async fn send_all(
        &self,
        path: &str,
        bodies: Vec<Bytes>,
        connections: usize,
    ) -> Result<(f64, Latencies), Failure> {
        let (http, url) = (self.http.clone(), format!("{}{path}", self.url));
        send_all(bodies, connections, move |body: Bytes| {
            let request = http.post(&url).body(body);
            async move { answered(request).await.map(drop) }
        })
        .await
    }

    pub async fn ask(&self, path: &str, form: &[(&str, String)]) -> Result<String, Failure> {
        let request = self.http.post(format!("{}{path}", self.url)).form(form);
        answered(request).await
    }
}

async fn answered(request: reqwest::RequestBuilder) -> Result<String, Failure> {
    let answer = request.send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    match status.is_success() {
        true => Ok(text),
        false => Err(format!("{status}: {text}").into()),
    }
}
