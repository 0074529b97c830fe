//! The metrics workload on VictoriaMetrics: the Influx protocol and MetricsQL.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::Failure;
use crate::metrics::{Args, Question, questions};
use crate::report::Report;
use crate::victoria::Victoria;
use crate::walk::{METRICS, Walk};

/// Its agents send this many lines, of ten samples each, at a time.
const HOSTS_A_CALL: usize = 1_000;
/// Requests that are built ahead, so that building them is not measured.
const PREPARED_MAX: usize = 400;

pub async fn run(
    args: &Args,
    (start_s, end_s): (i64, i64),
    binary: &Path,
    connections: usize,
) -> Result<Report, Failure> {
    let mut report = Report::new("VictoriaMetrics");
    let server = Victoria::start(binary, &[]).await?;
    let mut walk = Walk::new(args.hosts);
    let (mut seconds, cpu_before) = (0.0, server.process.cpu_s());
    let mut bodies = Vec::new();
    for step in 0..args.steps {
        let time = start_s + step as i64 * args.step_s;
        for first in (0..args.hosts).step_by(HOSTS_A_CALL) {
            let hosts = first..args.hosts.min(first + HOSTS_A_CALL);
            bodies.push(walk.influx(hosts, time).into());
        }
        if bodies.len() >= PREPARED_MAX || step + 1 == args.steps {
            let bodies = std::mem::take(&mut bodies);
            let sent = server.send_all("/write?precision=ms", bodies, connections);
            seconds += sent.await?.0;
        }
    }
    let samples = (args.hosts * METRICS.len() * args.steps) as f64;
    let process = &server.process;
    let cpu_per_million = || (process.cpu_s() - cpu_before) / samples * 1e6;
    report.keep(
        "Influx lines",
        &[
            ("samples", samples),
            ("samples_per_s", samples / seconds),
            ("cpu_s_per_million_accepted", cpu_per_million()),
        ],
    );
    if args.wait_s > 0 {
        tokio::time::sleep(Duration::from_secs(args.wait_s)).await;
    }
    process.settle().await;
    let bytes = process.disk_bytes("data") + process.disk_bytes("indexdb");
    report.keep(
        "metrics settled",
        &[
            ("bytes_per_sample", bytes as f64 / samples),
            ("cpu_s_per_million", cpu_per_million()),
            ("peak_memory_mb", process.peak_memory_mb()),
        ],
    );
    for question in questions(args, start_s, end_s) {
        let form = query_range(&question, end_s, args.hosts);
        let ask = async || {
            let answer = server.ask("/api/v1/query_range", &form).await?;
            let answer: Value = serde_json::from_str(&answer)?;
            let series = answer["data"]["result"].as_array();
            let values = |series: &Value| series["values"].as_array().map_or(0, Vec::len);
            Ok(series.into_iter().flatten().map(values).sum::<usize>() as u64)
        };
        report.time(question.name, question.runs, ask).await?;
    }
    Ok(report)
}

/// Each datapoint of Belfry's answer at the end of its period. Without the cache of results, which
/// would answer the second run.
fn query_range(question: &Question, end_s: i64, hosts: usize) -> [(&'static str, String); 5] {
    let names: Vec<String> = METRICS
        .iter()
        .take(question.metrics)
        .map(|(name, _)| format!("cpu_{name}"))
        .collect();
    let mut selector = format!("__name__=~\"{}\"", names.join("|"));
    if question.hosts < hosts {
        let hosts: Vec<String> = (0..question.hosts).map(|h| format!("host_{h}")).collect();
        selector.push_str(&format!(",host=~\"{}\"", hosts.join("|")));
    }
    let function = match question.statistic {
        "Maximum" => "max_over_time",
        _ => "avg_over_time",
    };
    let period = question.period_s;
    [
        (
            "query",
            format!("{function}({{{selector}}}[{period}s]) keep_metric_names"),
        ),
        ("start", (question.start_s + period).to_string()),
        ("end", end_s.to_string()),
        ("step", period.to_string()),
        ("nocache", "1".to_owned()),
    ]
}
