//! The process under test: `belfry serve` on a directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use belfry_store::failpoint;
use tempfile::TempDir;

/// How a server is started. [`Default`]: signatures are not checked, the clock is the system's,
/// nothing is configured.
#[derive(Default)]
pub struct Setup {
    pub checks_signatures: bool,
    /// The time at which a virtual clock stands.
    pub test_clock: Option<&'static str>,
    /// The configuration file's text.
    pub config: &'static str,
    /// The text of `DATA_DIR/credentials`; otherwise the server writes its own.
    pub credentials: Option<&'static str>,
}

/// Killed when dropped.
pub struct Server {
    setup: Setup,
    dir: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// A server that does not run yet.
    pub fn new(setup: Setup) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("belfry.toml"), setup.config).unwrap();
        if let Some(credentials) = setup.credentials {
            std::fs::create_dir(dir.path().join("data")).unwrap();
            std::fs::write(dir.path().join("data/credentials"), credentials).unwrap();
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .unwrap()
            .port();
        Self {
            setup,
            dir,
            port,
            process: None,
        }
    }

    /// A server that answers.
    pub async fn started(setup: Setup) -> Self {
        let mut server = Self::new(setup);
        server.start(None).await;
        server
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_belfry"));
        command.arg(subcommand);
        command
    }

    /// Starts and does not wait.
    pub fn begin(&mut self, fail_point: Option<&str>) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.path().join("belfry.log"))
            .unwrap();
        let auth = if self.setup.checks_signatures {
            "sigv4"
        } else {
            "none"
        };
        let mut command = self.command("serve");
        command
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--auth", auth])
            .arg("--config")
            .arg(self.dir.path().join("belfry.toml"))
            .env("BELFRY_LOG", "warn")
            .env_remove(failpoint::VARIABLE)
            .stdout(Stdio::null())
            .stderr(log);
        if let Some(time) = self.setup.test_clock {
            command.args(["--test-clock", time]);
        }
        if let Some(point) = fail_point {
            command.env(failpoint::VARIABLE, point);
        }
        self.process = Some(command.spawn().unwrap());
    }

    /// What a server that cannot start says.
    pub fn start_refused(&mut self) -> String {
        self.begin(None);
        let mut process = self.process.take().unwrap();
        assert!(!process.wait().unwrap().success());
        self.log()
    }

    /// Starts and waits until healthy; a fail point may end the process before that.
    pub async fn start(&mut self, fail_point: Option<&str>) {
        self.begin(fail_point);
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

    pub fn is_dead(&mut self) -> bool {
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

    /// Asks the process to end (SIGTERM).
    pub fn terminate(&self) {
        let id = self.process.as_ref().expect("a process").id().to_string();
        let done = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(done.success());
    }

    /// How the process ended, once it has.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.process.as_mut()?.try_wait().unwrap()
    }

    /// The most memory that the process has occupied so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let id = self.process.as_ref().expect("a process").id();
        let path = format!("/proc/{id}/status");
        let text = std::fs::read_to_string(Path::new(&path)).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        kilobytes.unwrap().parse::<u64>().unwrap() * 1_024
    }

    /// What it wrote to standard error since the first start.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("belfry.log")).unwrap_or_default()
    }

    /// `belfry check` finds nothing wrong with what is left.
    pub fn check(&self) {
        let done = self.command("check").arg(self.data_dir()).output().unwrap();
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
