//! PutLogEvents x 1,000, and searching.

use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use belfry_model::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::api::{self, Api, Service};
use crate::server::Server;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const GROUP: &str = "bench";
const EVENTS: usize = 1_000;
const STREAMS: usize = 100;
/// Requests that are built and signed ahead, so that building them is not measured.
const PREPARED_MAX: usize = 200;

/// Queries whose name ends so look at the last hour alone.
const LAST_HOUR: &str = "last hour";
/// What else the peers were asked over their JSON events (12 fields, words of a made-up language).
const PEERS_QUERIES: [(&str, &str); 11] = [
    (
        "rare phrase, fetch all",
        "filter msg like \"checksum mismatch on replica\" | limit 10000",
    ),
    (
        "common word of a field, count",
        "filter msg like \"request\" | stats count(*)",
    ),
    (
        "substring of 5 hex digits, count",
        "filter msg like \"3fa9c\" | stats count(*)",
    ),
    (
        "regex with a literal, count",
        "filter msg like /obj_[0-9]{3}[a-f]{3}.* store/ | stats count(*)",
    ),
    (
        "p99 by service, 1 min bins, 12 h",
        "stats pct(latency_ms, 99) by bin(1m), service | limit 10000",
    ),
    (
        "p99 by service, 1 min bins, last hour",
        "stats pct(latency_ms, 99) by bin(1m), service | limit 10000",
    ),
    (
        "top 10 paths, status >= 500",
        "filter status >= 500 | stats count(*) as n by path | sort n desc | limit 10",
    ),
    ("distinct users", "stats count_distinct(user_id)"),
    (
        "two words, count",
        "filter msg like \"nepar\" and msg like \"lovide\" | stats count(*)",
    ),
    (
        "two words, last 100",
        "fields @timestamp, @message | filter msg like \"nepar\" and msg like \"lovide\" \
         | sort @timestamp desc | limit 100",
    ),
    (
        "errors per 5 min",
        "filter level = \"error\" | stats count(*) by bin(5m) | limit 10000",
    ),
];

#[derive(clap::Args)]
pub struct Args {
    /// Log messages, one a line
    #[arg(long)]
    lines: PathBuf,
    /// Hours that the events are spread over, up to now
    #[arg(long, default_value_t = 12)]
    hours: i64,
    /// A message of the file that an event id is taken from: the text to look for once
    #[arg(long)]
    needle: Option<String>,
    /// A filter pattern for a common term
    #[arg(long, default_value = "completed")]
    term: String,
    /// A condition of Logs Insights for the last 100 events
    #[arg(long, default_value = "level = \"error\"")]
    condition: String,
    /// At most so many lines
    #[arg(long, default_value_t = usize::MAX)]
    max: usize,
    /// Only the queries, over what an earlier run left in `--data-dir`
    #[arg(long)]
    search_only: bool,
}

pub async fn run(args: &Args, server: &mut Server, connections: usize) -> Result<(), Failure> {
    let api = Arc::new(Api::new(server)?);
    if args.search_only {
        // Older by up to a day than what was sent: the window of the queries has to hold it all.
        let start_ms = SystemClock.now().0 - (args.hours + 24) * 3_600_000;
        return search(&api, args, start_ms).await;
    }
    api.call(
        Service::Logs,
        "CreateLogGroup",
        &json!({"logGroupName": GROUP}),
    )
    .await?;
    for stream in 0..STREAMS {
        let input = json!({"logGroupName": GROUP, "logStreamName": format!("s{stream}")});
        api.call(Service::Logs, "CreateLogStream", &input).await?;
    }
    let count = || -> Result<usize, Failure> {
        let file = std::io::BufReader::new(std::fs::File::open(&args.lines)?);
        Ok(file.lines().count().min(args.max))
    };
    let total = count()?.max(1) as i64;
    let span_ms = args.hours * 3_600_000;
    let start_ms = SystemClock.now().0 - span_ms;

    let file = std::io::BufReader::new(std::fs::File::open(&args.lines)?);
    let (mut events, mut requests) = (Vec::with_capacity(EVENTS), Vec::new());
    let (mut sent, mut raw_bytes, mut seconds, cpu_before) = (0_u64, 0_u64, 0.0, server.cpu_s());
    let mut lines = file.lines().take(args.max).peekable();
    let mut batches = 0;
    while let Some(line) = lines.next() {
        let line = line?;
        raw_bytes += line.len() as u64 + 1;
        let at = start_ms + sent as i64 * span_ms / total;
        events.push(json!({"timestamp": at, "message": line}));
        sent += 1;
        let last = lines.peek().is_none();
        if events.len() == EVENTS || last {
            let body = json!({"logGroupName": GROUP, "logStreamName": format!("s{}", batches % STREAMS), "logEvents": events});
            requests.push(api.prepare(
                Service::Logs,
                "PutLogEvents",
                serde_json::to_vec(&body)?,
            )?);
            events.clear();
            batches += 1;
        }
        if requests.len() == PREPARED_MAX || last {
            let (took, mut latency) = api
                .send_all(std::mem::take(&mut requests), connections)
                .await?;
            seconds += took;
            if last {
                println!(
                    "{}",
                    json!({"step": "last batch of requests", "p50_ms": latency.ms(0.5), "p99_ms": latency.ms(0.99)})
                );
            }
        }
    }
    let gb = raw_bytes as f64 / 1e9;
    let cpu = server.cpu_s() - cpu_before;
    println!(
        "{}",
        json!({"step": "PutLogEvents x 1000, signed, durable", "events": sent, "per_s": (sent as f64 / seconds).round(),
               "raw_mb_per_s": gb * 1e3 / seconds, "cpu_s_per_gb_accepted": cpu / gb})
    );
    server.report_size("logs sent");
    server.settle().await;
    let cpu = server.cpu_s() - cpu_before;
    println!(
        "{}",
        json!({"step": "logs settled", "cpu_s_per_gb": cpu / gb,
               "disk_of_raw": (server.disk_bytes("objects") + server.disk_bytes("wal")) as f64 / raw_bytes as f64})
    );
    server.report_size("logs settled");
    search(&api, args, start_ms).await?;
    println!(
        "{}",
        json!({"step": "restart after kill -9", "ready_s": server.restart().await?})
    );
    server.report_size("logs restarted");
    search(&api, args, start_ms).await
}

async fn search(api: &Api, args: &Args, start_ms: i64) -> Result<(), Failure> {
    let all_s = start_ms / 1_000 - 60;
    let filter = |pattern: String| async move {
        let mut input = json!({"logGroupName": GROUP, "filterPattern": pattern});
        let mut found = 0;
        loop {
            let answer = api.call(Service::Logs, "FilterLogEvents", &input).await?;
            found += answer["events"].as_array().map_or(0, Vec::len) as u64;
            if answer["nextToken"].is_null() {
                return Ok(found);
            }
            input["nextToken"] = answer["nextToken"].clone();
        }
    };
    let insights = |query: String, start_s: i64| async move {
        let end_s = SystemClock.now().as_secs() + 60;
        let input = json!({"logGroupName": GROUP, "queryString": query, "startTime": start_s, "endTime": end_s});
        let started = api.call(Service::Logs, "StartQuery", &input).await?;
        let ask = json!({"queryId": started["queryId"]});
        loop {
            let answer = api.call(Service::Logs, "GetQueryResults", &ask).await?;
            match answer["status"].as_str() {
                Some("Complete") => {
                    let rows = answer["results"].as_array();
                    let only = rows.and_then(|rows| {
                        rows.first()?.as_array()?.first()?["value"]
                            .as_str()?
                            .parse()
                            .ok()
                    });
                    return Ok(match (rows.map_or(0, Vec::len), only) {
                        (1, Some(count)) => count,
                        (rows, _) => rows as u64,
                    });
                }
                Some("Scheduled" | "Running") => tokio::time::sleep(Duration::from_millis(1)).await,
                _ => return Err(answer.to_string().into()),
            }
        }
    };
    if let Some(needle) = &args.needle {
        let pattern: Value = json!(needle);
        api::time("needle: FilterLogEvents", 50, || {
            filter(pattern.to_string())
        })
        .await?;
        api::time("needle: Insights", 50, || {
            insights(format!("filter @message like {pattern}"), all_s)
        })
        .await?;
    }
    let term = &args.term;
    let queries = [
        (
            "common term, count",
            format!("filter @message like \"{term}\" | stats count(*)"),
        ),
        (
            "last 100 of a filter",
            format!(
                "fields @timestamp, @message | filter {} | sort @timestamp desc | limit 100",
                args.condition
            ),
        ),
        ("count by level", "stats count(*) by level".to_owned()),
    ];
    let of_peers = PEERS_QUERIES.map(|(name, query)| (name, query.to_owned()));
    for (name, query) in queries.into_iter().chain(of_peers) {
        let start_s = match name.ends_with(LAST_HOUR) {
            true => SystemClock.now().as_secs() - 3_600,
            false => all_s,
        };
        let name = format!("{name}: Insights");
        api::time(&name, 20, || insights(query.clone(), start_s)).await?;
    }
    Ok(())
}
