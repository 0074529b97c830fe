//! PutMetricData x 1,000, and reading back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use belfry_model::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::Failure;
use crate::api::{Api, Service};
use crate::report::Report;
use crate::server::Server;
use crate::walk::{METRICS, NAMESPACE, Walk, dimensions};

/// 1,000 datums a call, the limit of PutMetricData.
const HOSTS_A_CALL: usize = 1_000 / METRICS.len();
/// The limit of GetMetricData.
const QUERIES_A_CALL: usize = 500;
/// Requests that are built and signed ahead, so that building them is not measured.
const PREPARED_MAX: usize = 400;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 1_000)]
    pub hosts: usize,
    /// Datapoints of each series
    #[arg(long, default_value_t = 60)]
    pub steps: usize,
    /// Seconds between them; 10 is stored at a resolution of one second
    #[arg(long, default_value_t = 60)]
    pub step_s: i64,
    /// Seconds that flush and compaction get after the last datum, before sizes are told
    #[arg(long, default_value_t = 0)]
    pub wait_s: u64,
    /// A VictoriaMetrics that takes the same data afterwards, and is asked the same
    #[arg(long)]
    pub victoria_metrics: Option<PathBuf>,
}

impl Args {
    /// First and last second of the data: the last is the minute that the run starts in.
    pub fn window(&self) -> (i64, i64) {
        let end_s = SystemClock.now().as_secs() / 60 * 60;
        (end_s - self.steps as i64 * self.step_s, end_s)
    }
}

/// One of the peers' queries, as far as GetMetricData has them: it adds nothing up over hosts, so
/// each host is a series of the answer.
pub struct Question {
    pub name: &'static str,
    pub runs: usize,
    pub metrics: usize,
    pub hosts: usize,
    pub start_s: i64,
    pub period_s: i64,
    /// `Maximum` or `Average`.
    pub statistic: &'static str,
}

pub fn questions(args: &Args, start_s: i64, end_s: i64) -> Vec<Question> {
    const HOUR: i64 = 3_600;
    let (all, minute) = (args.hosts, args.step_s.max(60));
    let question =
        |name, runs, metrics, hosts: usize, window_s: i64, period_s, statistic| Question {
            name,
            runs,
            metrics,
            hosts: hosts.min(all),
            start_s: start_s.max(end_s - window_s),
            period_s,
            statistic,
        };
    let (max, average) = ("Maximum", "Average");
    let half_day = 12 * HOUR;
    vec![
        question("1 host, 1 h by minutes, max", 100, 1, 1, HOUR, minute, max),
        question("8 hosts, 1 h by minutes, max", 100, 1, 8, HOUR, minute, max),
        question(
            "5 metrics of 8 hosts, 1 h by minutes, max",
            100,
            5,
            8,
            HOUR,
            minute,
            max,
        ),
        question(
            "1 host, 12 h by minutes",
            100,
            1,
            1,
            half_day,
            minute,
            average,
        ),
        question(
            "8 hosts, 12 h by minutes",
            100,
            1,
            8,
            half_day,
            minute,
            average,
        ),
        question(
            "10 metrics of 8 hosts, 8 h by hours, max",
            100,
            10,
            8,
            8 * HOUR,
            HOUR,
            max,
        ),
        question(
            "group-by: all hosts, 12 h by hours",
            30,
            1,
            all,
            half_day,
            HOUR,
            average,
        ),
        question(
            "group-by: 10 metrics of all hosts, 12 h by hours",
            10,
            10,
            all,
            half_day,
            HOUR,
            average,
        ),
        question("all hosts, last 5 min, max", 30, 1, all, 300, minute, max),
        question(
            "last points: 10 metrics of all hosts, last 5 min",
            10,
            10,
            all,
            300,
            300,
            average,
        ),
    ]
}

pub async fn run(
    args: &Args,
    (start_s, end_s): (i64, i64),
    server: &mut Server,
    connections: usize,
) -> Result<Report, Failure> {
    let mut report = Report::new("belfry");
    let api = Arc::new(Api::new(server)?);
    let mut walk = Walk::new(args.hosts);
    let (mut seconds, mut datums, cpu_before) = (0.0, 0_u64, server.process.cpu_s());
    let mut requests = Vec::new();
    for step in 0..args.steps {
        let time = start_s + step as i64 * args.step_s;
        for first in (0..args.hosts).step_by(HOSTS_A_CALL) {
            let hosts = first..args.hosts.min(first + HOSTS_A_CALL);
            datums += (hosts.len() * METRICS.len()) as u64;
            let body = walk.put_metric_data(hosts, time, args.step_s);
            requests.push(api.prepare(Service::Monitoring, "PutMetricData", body)?);
        }
        let last = step + 1 == args.steps;
        if requests.len() >= PREPARED_MAX || last {
            let requests = std::mem::take(&mut requests);
            let (took, mut latency) = api.send_all(requests, connections).await?;
            seconds += took;
            if last {
                report.figures(
                    "last batch of requests",
                    &[("p50_ms", latency.ms(0.5)), ("p99_ms", latency.ms(0.99))],
                );
            }
        }
    }
    let datums = datums as f64;
    let cpu_per_million = |server: &Server| (server.process.cpu_s() - cpu_before) / datums * 1e6;
    report.keep(
        "PutMetricData x 1000, signed, durable",
        &[
            ("samples", datums),
            ("samples_per_s", datums / seconds),
            ("cpu_s_per_million_accepted", cpu_per_million(server)),
        ],
    );
    server.report_size(&report, "metrics sent");
    if args.wait_s > 0 {
        tokio::time::sleep(Duration::from_secs(args.wait_s)).await;
        server.process.settle().await;
        let blocks = server.own_metric("belfry_metrics_block_bytes").await?;
        // What is not flushed yet is in no block.
        let head = server.own_metric("belfry_metrics_head_samples").await?;
        report.keep(
            "metrics compacted",
            &[
                ("head_samples", head),
                ("bytes_per_sample", blocks / (datums - head)),
                ("cpu_s_per_million", cpu_per_million(server)),
                ("peak_memory_mb", server.process.peak_memory_mb()),
            ],
        );
        server.report_size(&report, "metrics compacted");
    }
    for question in questions(args, start_s, end_s) {
        let calls = get_metric_data(&question, end_s);
        let ask = async || {
            let mut values = 0;
            for call in &calls {
                let answer = api.call(Service::Monitoring, "GetMetricData", call).await?;
                for result in answer["MetricDataResults"].as_array().into_iter().flatten() {
                    values += result["Values"].as_array().map_or(0, Vec::len) as u64;
                }
            }
            Ok(values)
        };
        report.time(question.name, question.runs, ask).await?;
    }
    let ready_s = server.restart().await?;
    report.figures("restart after kill -9", &[("ready_s", ready_s)]);
    server.process.settle().await;
    server.report_size(&report, "metrics restarted");
    Ok(report)
}

/// The calls that answer a question.
fn get_metric_data(question: &Question, end_s: i64) -> Vec<Value> {
    let (period, statistic) = (question.period_s, question.statistic);
    let series: Vec<(usize, usize)> = (0..question.metrics)
        .flat_map(|metric| (0..question.hosts).map(move |host| (metric, host)))
        .collect();
    let query = |(metric, host): &(usize, usize)| {
        json!({"Id": format!("m{metric}h{host}"), "MetricStat": {"Period": period, "Stat": statistic, "Metric": {
            "Namespace": NAMESPACE, "MetricName": METRICS[*metric].0,
            "Dimensions": dimensions(*host)}}})
    };
    let call = |series: &[(usize, usize)]| {
        let queries: Vec<Value> = series.iter().map(query).collect();
        json!({"StartTime": question.start_s, "EndTime": end_s, "MetricDataQueries": queries})
    };
    series.chunks(QUERIES_A_CALL).map(call).collect()
}
