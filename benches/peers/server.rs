//! Belfry, the server under test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use belfry_server::data_dir::read_credentials;

use crate::Failure;
use crate::process::{Process, free_port};
use crate::report::Report;

pub struct Server {
    pub process: Process,
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
        let port = free_port()?;
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
        let url = format!("http://127.0.0.1:{}/health", self.port);
        self.process.healthy(&url).await
    }

    /// Kills the server and starts it on the same data; returns the seconds until it answers.
    pub async fn restart(&mut self) -> Result<f64, Failure> {
        self.process.kill()?;
        let config = self.config.as_deref();
        self.process = spawn(&self.binary, &self.data_dir, config, self.port)?;
        self.healthy().await
    }

    /// One of the server's own metrics at `GET /metrics`.
    pub async fn own_metric(&self, name: &str) -> Result<f64, Failure> {
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        let text = reqwest::get(&url).await?.text().await?;
        let line = text.lines().filter_map(|line| line.split_once(' '));
        let mut value = line.filter(|(found, _)| *found == name).map(|(_, v)| v);
        Ok(value.next_back().ok_or(format!("no {name}"))?.parse()?)
    }

    pub fn report_size(&self, report: &Report, when: &str) {
        let process = &self.process;
        report.figures(
            when,
            &[
                ("objects_bytes", process.disk_bytes("objects") as f64),
                ("wal_bytes", process.disk_bytes("wal") as f64),
                ("peak_memory_mb", process.peak_memory_mb()),
                ("cpu_s", process.cpu_s()),
            ],
        );
    }
}

fn spawn(
    binary: &Path,
    data_dir: &Path,
    config: Option<&Path>,
    port: u16,
) -> Result<Process, Failure> {
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
    Process::start(command, data_dir)
}
