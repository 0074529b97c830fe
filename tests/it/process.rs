//! The process under test.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use belfry_store::failpoint;
use tempfile::TempDir;

pub struct Server {
    dir: TempDir,
    port: u16,
    process: Option<Child>,
}

/// Small heads and eager flushes, so that flushes and compactions happen within a round.
const CONFIG: &str = "\
[flush]
metrics_bytes = 65536
logs_bytes = 65536
age_s = 1
";

impl Server {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("belfry.toml"), CONFIG).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .unwrap()
            .port();
        Self {
            dir,
            port,
            process: None,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_belfry"));
        command.arg(subcommand);
        command
    }

    /// Starts and waits until healthy; a fail point may end the process before that.
    pub async fn start(&mut self, fail_point: Option<&str>) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.path().join("belfry.log"))
            .unwrap();
        let mut command = self.command("serve");
        command
            .arg("--data-dir")
            .arg(self.dir.path().join("data"))
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--auth", "none"])
            .arg("--config")
            .arg(self.dir.path().join("belfry.toml"))
            .env("BELFRY_LOG", "warn")
            .env_remove(failpoint::VARIABLE)
            .stdout(Stdio::null())
            .stderr(log);
        if let Some(point) = fail_point {
            command.env(failpoint::VARIABLE, point);
        }
        self.process = Some(command.spawn().unwrap());
        let started = Instant::now();
        let url = format!("http://127.0.0.1:{}/health", self.port);
        while started.elapsed() < Duration::from_secs(30) {
            if self.is_dead() {
                assert!(fail_point.is_some(), "the server died: {}", self.log());
                return;
            }
            if let Ok(answer) = reqwest::get(&url).await
                && answer.status().is_success()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the server did not become healthy: {}", self.log());
    }

    fn is_dead(&mut self) -> bool {
        self.process
            .as_mut()
            .is_none_or(|process| process.try_wait().unwrap().is_some())
    }

    /// Waits for the process to die by itself.
    pub async fn died_within(&mut self, time: Duration) -> bool {
        let started = Instant::now();
        while started.elapsed() < time {
            if self.is_dead() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        false
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("belfry.log")).unwrap_or_default()
    }

    /// `belfry check` finds nothing wrong with what is left.
    pub async fn check(&self) {
        let done = self
            .command("check")
            .arg(self.dir.path().join("data"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(
            done.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
