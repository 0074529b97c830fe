//! The logs workload on VictoriaLogs: JSON lines and LogsQL.

use std::path::Path;

use belfry_model::TimestampMs;
use belfry_model::time::HOUR_MS;
use serde_json::Value;

use crate::Failure;
use crate::logs::{Args, lines, questions};
use crate::report::Report;
use crate::victoria::Victoria;

/// What its table of figures was made with.
const EVENTS: usize = 5_000;
/// Requests that are built ahead, so that building them is not measured.
const PREPARED_MAX: usize = 40;

/// The fields that name a stream, the time, and the text that is searched by default.
const INSERT: &str = "/insert/jsonline?_stream_fields=service,host&_time_field=ts&_msg_field=msg";

pub async fn run(args: &Args, binary: &Path, connections: usize) -> Result<Report, Failure> {
    let mut report = Report::new("VictoriaLogs");
    // Events keep the times of the file, however old it is.
    let server = Victoria::start(binary, &["-retentionPeriod=100y"]).await?;
    let process = &server.process;
    let (mut seconds, mut raw_bytes, mut sent, cpu_before) = (0.0, 0, 0, process.cpu_s());
    let (mut body, mut bodies, mut events) = (String::new(), Vec::new(), 0);
    let mut times: Option<(TimestampMs, TimestampMs)> = None;
    let mut lines = lines(args)?.peekable();
    while let Some(line) = lines.next() {
        let line = line?;
        let last = lines.peek().is_none();
        if times.is_none() || last {
            let event: Value = serde_json::from_str(&line)?;
            let time = event["ts"].as_str().and_then(TimestampMs::parse_iso8601);
            let time = time.ok_or("an event without a time in `ts`")?;
            times = Some((times.map_or(time, |(first, _)| first), time));
        }
        body.push_str(&line);
        body.push('\n');
        events += 1;
        if events % EVENTS == 0 || last {
            raw_bytes += body.len();
            bodies.push(std::mem::take(&mut body).into());
        }
        if bodies.len() == PREPARED_MAX || last {
            let bodies = std::mem::take(&mut bodies);
            seconds += server.send_all(INSERT, bodies, connections).await?.0;
            sent = events;
        }
    }
    let (first, last) = times.ok_or("no events")?;
    let (gb, sent) = (raw_bytes as f64 / 1e9, sent as f64);
    report.keep(
        "JSON lines",
        &[
            ("events", sent),
            ("events_per_s", sent / seconds),
            ("raw_mb_per_s", gb * 1e3 / seconds),
        ],
    );
    process.settle().await;
    let disk_bytes = process.disk_bytes("") as f64;
    report.keep(
        "logs settled",
        &[
            ("cpu_s_per_gb", (process.cpu_s() - cpu_before) / gb),
            ("disk_of_raw", disk_bytes / raw_bytes as f64),
            ("peak_memory_mb", process.peak_memory_mb()),
        ],
    );
    for question in questions(args) {
        let start = match question.last_hour {
            true => last.saturating_sub_ms(HOUR_MS),
            false => first,
        };
        let mut form = vec![
            ("query", question.logsql.clone()),
            ("start", start.0.to_string()),
            ("end", last.saturating_add_ms(1).0.to_string()),
        ];
        if question.limit > 0 {
            form.push(("limit", question.limit.to_string()));
        }
        let ask = async || Ok(rows(&server.ask("/select/logsql/query", &form).await?));
        report.time(question.name, question.runs, ask).await?;
    }
    Ok(report)
}

/// How many rows an answer has; of one row that counts, the count.
fn rows(answer: &str) -> u64 {
    let mut lines = answer.lines();
    let count = |line: &str| {
        let row: Value = serde_json::from_str(line).ok()?;
        row["n"].as_str()?.parse().ok()
    };
    match (lines.next(), lines.next()) {
        (Some(only), None) => count(only).unwrap_or(1),
        _ => answer.lines().count() as u64,
    }
}
