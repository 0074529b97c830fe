//! PutMetricData x 1,000, and reading back.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use belfry_model::{Clock, SystemClock};

use crate::api::{self, Api, Service};
use crate::server::Server;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const NAMESPACE: &str = "bench";
const METRICS: [(&str, i32); 10] = [
    ("usage_user", 0),
    ("usage_system", 0),
    ("usage_idle", 0),
    ("usage_nice", 0),
    ("usage_iowait", 0),
    ("usage_irq", 1),
    ("usage_softirq", 1),
    ("usage_steal", 1),
    ("usage_guest", 2),
    ("usage_guest_nice", 2),
];
/// 1,000 datums a call, the limit of PutMetricData.
const HOSTS_A_CALL: usize = 1_000 / METRICS.len();
/// The limit of GetMetricData.
const QUERIES_A_CALL: usize = 500;
/// Requests that are built and signed ahead, so that building them is not measured.
const PREPARED_MAX: usize = 400;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 1_000)]
    hosts: usize,
    /// Datapoints of each series
    #[arg(long, default_value_t = 60)]
    steps: usize,
    /// Seconds between them; 10 is stored at a resolution of one second
    #[arg(long, default_value_t = 60)]
    step_s: i64,
    /// Seconds that flush and compaction get after the last datum, before sizes are told
    #[arg(long, default_value_t = 0)]
    wait_s: u64,
}

pub async fn run(args: &Args, server: &mut Server, connections: usize) -> Result<(), Failure> {
    let api = Arc::new(Api::new(server)?);
    let end_s = SystemClock.now().as_secs() / 60 * 60;
    let start_s = end_s - args.steps as i64 * args.step_s;
    let mut walk = Walk::new(args.hosts);
    let (mut seconds, mut datums, cpu_before) = (0.0, 0_u64, server.cpu_s());
    let mut requests = Vec::new();
    for step in 0..args.steps {
        let time = start_s + step as i64 * args.step_s;
        for first in (0..args.hosts).step_by(HOSTS_A_CALL) {
            let hosts = first..args.hosts.min(first + HOSTS_A_CALL);
            datums += (hosts.len() * METRICS.len()) as u64;
            let body = walk.body(hosts, time, args.step_s);
            requests.push(api.prepare(Service::Monitoring, "PutMetricData", body)?);
        }
        if requests.len() >= PREPARED_MAX || step + 1 == args.steps {
            let (took, mut latency) = api
                .send_all(std::mem::take(&mut requests), connections)
                .await?;
            seconds += took;
            if step + 1 == args.steps {
                println!(
                    "{}",
                    json!({"step": "last batch of requests", "p50_ms": latency.ms(0.5), "p99_ms": latency.ms(0.99)})
                );
            }
        }
    }
    let cpu = server.cpu_s() - cpu_before;
    println!(
        "{}",
        json!({"step": "PutMetricData x 1000, signed, durable", "datums": datums, "per_s": (datums as f64 / seconds).round(),
               "cpu_s_per_million": cpu / datums as f64 * 1e6})
    );
    server.report_size("metrics sent");
    if args.wait_s > 0 {
        tokio::time::sleep(Duration::from_secs(args.wait_s)).await;
        server.settle().await;
        println!(
            "{}",
            json!({"step": "metrics compacted", "bytes_per_sample": server.own_metric("belfry_metrics_block_bytes").await? / datums as f64,
                   "cpu_s_per_million": (server.cpu_s() - cpu_before) / datums as f64 * 1e6})
        );
        server.report_size("metrics compacted");
    }
    read(&api, args, start_s, end_s).await?;
    println!(
        "{}",
        json!({"step": "restart after kill -9", "ready_s": server.restart().await?})
    );
    server.settle().await;
    server.report_size("metrics restarted");
    Ok(())
}

/// The peers' queries, as far as GetMetricData has them: it adds nothing up over hosts, so each host
/// is a series of the answer.
async fn read(api: &Api, args: &Args, start_s: i64, end_s: i64) -> Result<(), Failure> {
    let period = args.step_s.max(60);
    let ask = |metrics: usize, hosts: usize, window_s: i64, period: i64, statistic: &str| {
        let start_s = start_s.max(end_s - window_s);
        let series: Vec<(usize, usize)> = (0..metrics)
            .flat_map(|metric| (0..hosts).map(move |host| (metric, host)))
            .collect();
        let calls: Vec<Value> = series
            .chunks(QUERIES_A_CALL)
            .map(|series| {
                let queries: Vec<Value> = series
                    .iter()
                    .map(|(metric, host)| {
                        json!({"Id": format!("m{metric}h{host}"), "MetricStat": {"Period": period, "Stat": statistic, "Metric": {
                            "Namespace": NAMESPACE, "MetricName": METRICS[*metric].0,
                            "Dimensions": dimensions(*host)}}})
                    })
                    .collect();
                json!({"StartTime": start_s, "EndTime": end_s, "MetricDataQueries": queries})
            })
            .collect();
        async move {
            let mut values = 0;
            for call in calls {
                let answer = api
                    .call(Service::Monitoring, "GetMetricData", &call)
                    .await?;
                for result in answer["MetricDataResults"].as_array().into_iter().flatten() {
                    values += result["Values"].as_array().map_or(0, Vec::len) as u64;
                }
            }
            Ok(values)
        }
    };
    const HOUR: i64 = 3_600;
    for (name, runs, metrics, hosts, window_s, period, statistic) in [
        (
            "1 host, 1 h by minutes, max",
            100,
            1,
            1,
            HOUR,
            period,
            "Maximum",
        ),
        (
            "8 hosts, 1 h by minutes, max",
            100,
            1,
            8,
            HOUR,
            period,
            "Maximum",
        ),
        (
            "5 metrics of 8 hosts, 1 h by minutes, max",
            100,
            5,
            8,
            HOUR,
            period,
            "Maximum",
        ),
        (
            "1 host, 12 h by minutes",
            100,
            1,
            1,
            12 * HOUR,
            period,
            "Average",
        ),
        (
            "8 hosts, 12 h by minutes",
            100,
            1,
            8,
            12 * HOUR,
            period,
            "Average",
        ),
        (
            "10 metrics of 8 hosts, 8 h by hours, max",
            100,
            METRICS.len(),
            8,
            8 * HOUR,
            HOUR,
            "Maximum",
        ),
        (
            "group-by: all hosts, 12 h by hours",
            30,
            1,
            args.hosts,
            12 * HOUR,
            HOUR,
            "Average",
        ),
        (
            "group-by: 10 metrics of all hosts, 12 h by hours",
            10,
            METRICS.len(),
            args.hosts,
            12 * HOUR,
            HOUR,
            "Average",
        ),
        (
            "all hosts, last 5 min, max",
            30,
            1,
            args.hosts,
            300,
            period,
            "Maximum",
        ),
        (
            "last points: 10 metrics of all hosts, last 5 min",
            10,
            METRICS.len(),
            args.hosts,
            300,
            300,
            "Average",
        ),
    ] {
        api::time(name, runs, || {
            ask(metrics, hosts, window_s, period, statistic)
        })
        .await?;
    }
    Ok(())
}

/// Eight, as the agents of a fleet have them.
fn dimensions(host: usize) -> Value {
    let region = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"][host % 4];
    let pairs = [
        ("host", format!("host_{host}")),
        ("region", region.to_owned()),
        (
            "datacenter",
            format!("{region}{}", ["a", "b", "c"][host % 3]),
        ),
        ("rack", (host % 100).to_string()),
        ("os", ["Ubuntu24.04", "Debian12"][host % 2].to_owned()),
        ("arch", ["x86", "arm64"][host / 2 % 2].to_owned()),
        ("team", ["SF", "NYC", "LON", "CHI"][host / 3 % 4].to_owned()),
        ("service", (host % 20).to_string()),
    ];
    pairs
        .iter()
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect()
}

/// Bounded random walks, one for each series.
struct Walk {
    random: StdRng,
    values: Vec<[f64; METRICS.len()]>,
    /// Of each host, as JSON.
    dimensions: Vec<String>,
}

impl Walk {
    fn new(hosts: usize) -> Self {
        let mut random = StdRng::seed_from_u64(42);
        let values = (0..hosts)
            .map(|_| std::array::from_fn(|_| random.random_range(0.0..100.0)))
            .collect();
        Self {
            random,
            values,
            dimensions: (0..hosts)
                .map(|host| dimensions(host).to_string())
                .collect(),
        }
    }

    /// The JSON of one call. Written by hand, since tens of gigabytes of it are made on the cores that
    /// the server works on.
    fn body(&mut self, hosts: Range<usize>, time_s: i64, step_s: i64) -> Vec<u8> {
        let resolution = if step_s < 60 { 1 } else { 60 };
        let mut body = format!(r#"{{"Namespace":"{NAMESPACE}","MetricData":["#);
        for host in hosts {
            for (m, (name, decimals)) in METRICS.iter().enumerate() {
                let value = &mut self.values[host][m];
                *value = (*value + self.random.random_range(-1.7..1.7)).clamp(0.0, 100.0);
                let scale = 10_f64.powi(*decimals);
                let (value, dimensions) =
                    ((*value * scale).round() / scale, &self.dimensions[host]);
                body.push_str(&format!(
                    r#"{{"MetricName":"{name}","Timestamp":{time_s},"Value":{value},"Unit":"Percent","StorageResolution":{resolution},"Dimensions":{dimensions}}},"#
                ));
            }
        }
        body.pop();
        body.push_str("]}");
        body.into_bytes()
    }
}
