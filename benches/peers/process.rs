//! A server process, and what the operating system says of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::Failure;

/// Killed when it is dropped.
pub struct Process {
    child: Child,
    data_dir: PathBuf,
}

impl Process {
    /// `data_dir` is what [`Self::disk_bytes`] adds up.
    pub fn start(mut command: Command, data_dir: &Path) -> Result<Self, Failure> {
        let child = command.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy().into_owned();
            format!("cannot start {program}: {error}")
        })?;
        Ok(Self {
            child,
            data_dir: data_dir.to_owned(),
        })
    }

    /// Seconds until `url` answers with success.
    pub async fn healthy(&mut self, url: &str) -> Result<f64, Failure> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(120) {
            if let Ok(answer) = reqwest::get(url).await
                && answer.status().is_success()
            {
                return Ok(started.elapsed().as_secs_f64());
            }
            if let Some(status) = self.ended()? {
                return Err(format!("the server ended: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err("the server did not become healthy".into())
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        Ok(self.child.try_wait()?)
    }

    pub fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// User and system seconds so far.
    pub fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split(' ').collect();
        let ticks = |at: usize| fields.get(at).and_then(|f| f.parse().ok()).unwrap_or(0.0);
        // Linux counts in hundredths of a second for user space.
        (ticks(12) + ticks(13)) / 100.0
    }

    pub fn peak_memory_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
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

    /// Waits until the server has used hardly any CPU for eight seconds: some engines write what they
    /// hold every five.
    pub async fn settle(&self) {
        let (mut quiet, mut before) = (0, self.cpu_s());
        let started = Instant::now();
        while quiet < 8 && started.elapsed() < Duration::from_secs(300) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = self.cpu_s();
            quiet = if now - before < 0.05 { quiet + 1 } else { 0 };
            before = now;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// A port of loopback that nobody listens on.
pub fn free_port() -> Result<u16, Failure> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}
