//! Figures of one engine: printed as they come, one JSON object a line, and kept for the comparison.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::Failure;

pub struct Report {
    engine: &'static str,
    kept: Vec<Kept>,
}

struct Kept {
    name: String,
    value: f64,
    /// Of a query's answer.
    rows: Option<u64>,
}

impl Report {
    pub const fn new(engine: &'static str) -> Self {
        Self {
            engine,
            kept: Vec::new(),
        }
    }

    /// Prints what a step gave.
    pub fn figures(&self, step: &str, figures: &[(&str, f64)]) {
        let mut line = Map::new();
        line.insert("engine".to_owned(), json!(self.engine));
        line.insert("step".to_owned(), json!(step));
        for (name, value) in figures {
            line.insert((*name).to_owned(), json!(value));
        }
        println!("{}", Value::Object(line));
    }

    /// Prints what a step gave, and keeps it to be compared with what the other engine has under
    /// these names.
    pub fn keep(&mut self, step: &str, figures: &[(&str, f64)]) {
        self.figures(step, figures);
        self.kept.extend(figures.iter().map(|(name, value)| Kept {
            name: (*name).to_owned(),
            value: *value,
            rows: None,
        }));
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
        self.kept.push(Kept {
            name: format!("{name}, p50 ms"),
            value: median,
            rows: Some(rows),
        });
        Ok(())
    }

    /// Prints the figures that both engines have, and how often ours goes into theirs; with the rows
    /// of both answers where they differ.
    pub fn compare(&self, peer: &Self) {
        for ours in &self.kept {
            let Some(theirs) = peer.kept.iter().find(|theirs| theirs.name == ours.name) else {
                continue;
            };
            let mut line = json!({"compare": ours.name, self.engine: ours.value,
                                  peer.engine: theirs.value, "ratio": theirs.value / ours.value});
            if ours.rows != theirs.rows {
                line["rows"] = json!([ours.rows, theirs.rows]);
            }
            println!("{line}");
        }
    }
}

pub struct Latencies(pub Vec<Duration>);

impl Latencies {
    /// By nearest rank: of less than a hundred, the 99th percentile is the longest.
    pub fn ms(&mut self, quantile: f64) -> f64 {
        self.0.sort_unstable();
        let rank = (self.0.len() as f64 * quantile).ceil() as usize;
        self.0
            .get(rank.saturating_sub(1))
            .map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}
