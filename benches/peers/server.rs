//! The server process under test, and what the operating system says of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use belfry_server::data_dir::read_credentials;
use serde_json::json;

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub struct Server {
    process: Child,
    binary: PathBuf,
    data_dir: PathBuf,
    config: Option<PathBuf>,
    /// Deletes the data when it was ours to choose where.
    _dir: Option<tempfile::TempDir>,
    pub port: u16,
    pub access_key: String,
    pub secret: String,
}

impl Server {
    pub async fn start(
        binary: &Path,
        data_dir: Option<&Path>,
        config: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let dir = data_dir.is_none().then(tempfile::tempdir).transpose()?;
        let data_dir = match (&dir, data_dir) {
            (_, Some(path)) => path.to_owned(),
            (Some(dir), None) => dir.path().join("data"),
            (None, None) => return Err("no data directory".into()),
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let process = spawn(binary, &data_dir, config.as_deref(), port)?;
        let mut server = Self {
            process,
            binary: binary.to_owned(),
            data_dir,
            config,
            _dir: dir,
            port,
            access_key: String::new(),
            secret: String::new(),
        };
        server.healthy().await?;
        let credentials = read_credentials(&server.data_dir, "000000000000")?;
        let key = credentials.default_key().ok_or("no root key")?;
        server.access_key = key.access_key_id.clone();
        server.secret = key.secret_access_key.clone();
        Ok(server)
    }

    async fn healthy(&mut self) -> Result<f64, Failure> {
        let started = Instant::now();
        let url = format!("http://127.0.0.1:{}/health", self.port);
        while started.elapsed() < Duration::from_secs(120) {
            if let Ok(answer) = reqwest::get(&url).await
                && answer.status().is_success()
            {
                return Ok(started.elapsed().as_secs_f64());
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err("the server did not become healthy".into())
    }

    /// Kills the server and starts it on the same data; returns the seconds until it answers.
    pub async fn restart(&mut self) -> Result<f64, Failure> {
        self.process.kill()?;
        self.process.wait()?;
        let config = self.config.as_deref();
        self.process = spawn(&self.binary, &self.data_dir, config, self.port)?;
        self.healthy().await
    }

    /// User and system seconds so far.
    pub fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()));
        let stat = stat.unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split(' ').collect();
        let ticks = |at: usize| fields.get(at).and_then(|f| f.parse().ok()).unwrap_or(0.0);
        // Linux counts in hundredths of a second for user space.
        (ticks(12) + ticks(13)) / 100.0
    }

    fn peak_memory_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.unwrap_or(0.0) / 1_024.0
    }

    /// Bytes of all files below a part of the data directory.
    pub fn disk_bytes(&self, part: &str) -> u64 {
        fn walk(path: &Path) -> u64 {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries
                .map(|entry| match entry.metadata() {
                    Ok(meta) if meta.is_dir() => walk(&entry.path()),
                    Ok(meta) => meta.len(),
                    Err(_) => 0,
                })
                .sum()
        }
        walk(&self.data_dir.join(part))
    }

    /// One of the server's own metrics at `GET /metrics`.
    pub async fn own_metric(&self, name: &str) -> Result<f64, Failure> {
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        let text = reqwest::get(&url).await?.text().await?;
        let line = text.lines().filter_map(|line| line.split_once(' '));
        let mut value = line.filter(|(found, _)| *found == name).map(|(_, v)| v);
        Ok(value.next_back().ok_or(format!("no {name}"))?.parse()?)
    }

    /// Waits until the server has used hardly any CPU for four seconds.
    pub async fn settle(&self) {
        let (mut quiet, mut before) = (0, self.cpu_s());
        let started = Instant::now();
        while quiet < 4 && started.elapsed() < Duration::from_secs(300) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = self.cpu_s();
            quiet = if now - before < 0.05 { quiet + 1 } else { 0 };
            before = now;
        }
    }

    pub fn report_size(&self, step: &str) {
        println!(
            "{}",
            json!({
                "step": step, "objects_bytes": self.disk_bytes("objects"), "wal_bytes": self.disk_bytes("wal"),
                "peak_memory_mb": self.peak_memory_mb().round(), "cpu_s": self.cpu_s(),
            })
        );
    }
}

fn spawn(
    binary: &Path,
    data_dir: &Path,
    config: Option<&Path>,
    port: u16,
) -> Result<Child, Failure> {
    let mut command = Command::new(binary);
    command
        .args([
            "serve",
            "--listen",
            &format!("127.0.0.1:{port}"),
            "--data-dir",
        ])
        .arg(data_dir)
        .env("BELFRY_LOG", "warn")
        .stdout(Stdio::null());
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    let child = command
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
    Ok(child)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
