//! Figures of one engine: printed as they come, one JSON object a line, and kept for the comparison.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::Failure;

pub struct Report {
    engine: &'static str,
    kept: Vec<(String, f64)>,
}

impl Report {
    pub const fn new(engine: &'static str) -> Self {
        Self {
            engine,
            kept: Vec::new(),
        }
    }

    /// Prints what a step gave.
    pub fn figures(&mut self, step: &str, figures: &[(&str, f64)]) {
        let mut line = Map::new();
        line.insert("engine".to_owned(), json!(self.engine));
        line.insert("step".to_owned(), json!(step));
        for (name, value) in figures {
            line.insert((*name).to_owned(), json!(value));
        }
        println!("{}", Value::Object(line));
    }

    /// Keeps a figure to be compared with the one that the other engine has under this name.
    pub fn keep(&mut self, name: &str, value: f64) {
        self.kept.push((name.to_owned(), value));
    }

    /// Runs `ask`, which tells the rows it got, up to `runs` times (but not much longer than ten
    /// seconds); prints its latency and keeps the median.
    pub async fn time<F, Fut>(&mut self, name: &str, runs: usize, ask: F) -> Result<(), Failure>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<u64, Failure>>,
    {
        let (started, mut times, mut rows) = (Instant::now(), Vec::new(), 0);
        let budget = Duration::from_secs(10);
        while times.len() < runs && (times.len() < 5 || started.elapsed() < budget) {
            let begun = Instant::now();
            rows = ask().await?;
            times.push(begun.elapsed());
        }
        let n = times.len();
        let mut times = Latencies(times);
        let median = times.ms(0.5);
        println!(
            "{}",
            json!({"engine": self.engine, "query": name, "n": n, "rows": rows,
                   "p50_ms": median, "p99_ms": times.ms(0.99), "min_ms": times.ms(0.0)})
        );
        self.keep(&format!("{name}, p50 ms"), median);
        Ok(())
    }

    /// Prints the figures that both engines have, and how often ours goes into theirs.
    pub fn compare(&self, peer: &Self) {
        for (name, ours) in &self.kept {
            let theirs = peer.kept.iter().find(|(found, _)| found == name);
            if let Some((_, theirs)) = theirs {
                println!(
                    "{}",
                    json!({"compare": name, self.engine: ours, peer.engine: theirs,
                           "ratio": theirs / ours})
                );
            }
        }
    }
}

pub struct Latencies(pub Vec<Duration>);

impl Latencies {
    pub fn ms(&mut self, quantile: f64) -> f64 {
        self.0.sort_unstable();
        let at = ((self.0.len().saturating_sub(1)) as f64 * quantile) as usize;
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}
