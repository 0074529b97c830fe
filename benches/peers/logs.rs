//! PutLogEvents x 1,000, and searching.

use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use belfry_model::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::Failure;
use crate::api::{Api, Service};
use crate::report::Report;
use crate::server::Server;

const GROUP: &str = "bench";
const EVENTS: usize = 1_000;
const STREAMS: usize = 100;
/// Requests that are built and signed ahead, so that building them is not measured.
const PREPARED_MAX: usize = 200;

/// What the peers were asked over their JSON events (12 fields, words of a made-up language).
pub struct Question {
    pub name: &'static str,
    pub runs: usize,
    pub insights: String,
    /// In LogsQL.
    pub logsql: String,
    /// The most rows of a LogsQL answer, the newest; 0 for all.
    pub limit: usize,
    /// Looks at the last hour alone.
    pub last_hour: bool,
}

pub fn questions(args: &Args) -> Vec<Question> {
    let question = |name, insights: &str, logsql: &str| Question {
        name,
        runs: 20,
        insights: insights.to_owned(),
        logsql: logsql.to_owned(),
        limit: 0,
        last_hour: false,
    };
    let (term, condition) = (&args.term, &args.condition);
    let mut all = Vec::new();
    if let Some(needle) = &args.needle {
        all.push(Question {
            runs: 50,
            ..question(
                "one request id",
                &format!("filter @message like \"{needle}\""),
                &format!("request_id:\"{needle}\""),
            )
        });
    }
    let p99_by_service = (
        "stats pct(latency_ms, 99) by bin(1m), service | limit 10000",
        "* | stats by (_time:1m, service) quantile(0.99, latency_ms) p99",
    );
    all.extend([
        question(
            "common term, count",
            &format!("filter @message like \"{term}\" | stats count(*)"),
            &format!("_msg:\"{term}\" | stats count() n"),
        ),
        Question {
            limit: 100,
            ..question(
                "last 100 of a filter",
                &format!(
                    "fields @timestamp, @message | filter {condition} | sort @timestamp desc | limit 100"
                ),
                &args.victoria_condition,
            )
        },
        question(
            "count by level",
            "stats count(*) by level",
            "* | stats by (level) count() n",
        ),
        question(
            "rare phrase, fetch all",
            "filter msg like \"checksum mismatch on replica\" | limit 10000",
            "_msg:\"checksum mismatch on replica\"",
        ),
        question(
            "common word of a field, count",
            "filter msg like \"request\" | stats count(*)",
            "_msg:request | stats count() n",
        ),
        question(
            "substring of 5 hex digits, count",
            "filter msg like \"3fa9c\" | stats count(*)",
            "_msg:~\"3fa9c\" | stats count() n",
        ),
        question(
            "regex with a literal, count",
            "filter msg like /obj_[0-9]{3}[a-f]{3}.* store/ | stats count(*)",
            "_msg:~\"obj_[0-9]{3}[a-f]{3}.* store\" | stats count() n",
        ),
        question(
            "p99 by service, 1 min bins, 12 h",
            p99_by_service.0,
            p99_by_service.1,
        ),
        Question {
            last_hour: true,
            ..question(
                "p99 by service, 1 min bins, last hour",
                p99_by_service.0,
                p99_by_service.1,
            )
        },
        question(
            "top 10 paths, status >= 500",
            "filter status >= 500 | stats count(*) as n by path | sort n desc | limit 10",
            "status:>=500 | stats by (path) count() n | sort by (n desc) limit 10",
        ),
        question(
            "distinct users",
            "stats count_distinct(user_id)",
            "* | stats count_uniq(user_id) n",
        ),
        question(
            "two words, count",
            "filter msg like \"nepar\" and msg like \"lovide\" | stats count(*)",
            "_msg:nepar _msg:lovide | stats count() n",
        ),
        Question {
            limit: 100,
            ..question(
                "two words, last 100",
                "fields @timestamp, @message | filter msg like \"nepar\" and msg like \"lovide\" \
                 | sort @timestamp desc | limit 100",
                "_msg:nepar _msg:lovide",
            )
        },
        question(
            "errors per 5 min",
            "filter level = \"error\" | stats count(*) by bin(5m) | limit 10000",
            "level:=error | stats by (_time:5m) count() n",
        ),
    ]);
    all
}

/// The lines of the file.
pub fn lines(args: &Args) -> Result<impl Iterator<Item = std::io::Result<String>>, Failure> {
    let file = std::io::BufReader::new(std::fs::File::open(&args.lines)?);
    Ok(file.lines().take(args.max))
}

#[derive(clap::Args)]
pub struct Args {
    /// Log messages, one a line
    #[arg(long)]
    pub lines: PathBuf,
    /// Hours that the events are spread over, up to now
    #[arg(long, default_value_t = 12)]
    hours: i64,
    /// The request id of one event: the text to look for
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
    /// The same condition in LogsQL
    #[arg(long, default_value = "level:=error")]
    victoria_condition: String,
    /// A VictoriaLogs that takes the same events afterwards, and is asked the same
    #[arg(long)]
    pub victoria_logs: Option<PathBuf>,
    /// Only the queries, over what an earlier run left in `--data-dir`
    #[arg(long)]
    search_only: bool,
}

pub async fn run(args: &Args, server: &mut Server, connections: usize) -> Result<Report, Failure> {
    let mut report = Report::new("belfry");
    let api = Arc::new(Api::new(server)?);
    if args.search_only {
        // Older by up to a day than what was sent: the window of the queries has to hold it all.
        let start_ms = SystemClock.now().0 - (args.hours + 24) * 3_600_000;
        search(&mut report, &api, args, start_ms).await?;
        return Ok(report);
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
    let total = lines(args)?.count().max(1) as i64;
    let span_ms = args.hours * 3_600_000;
    let start_ms = SystemClock.now().0 - span_ms;

    let (mut events, mut requests) = (Vec::with_capacity(EVENTS), Vec::new());
    let (mut sent, mut raw_bytes, mut seconds, cpu_before) =
        (0_u64, 0_u64, 0.0, server.process.cpu_s());
    let mut lines = lines(args)?.peekable();
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
                report.figures(
                    "last batch of requests",
                    &[("p50_ms", latency.ms(0.5)), ("p99_ms", latency.ms(0.99))],
                );
            }
        }
    }
    let (gb, sent) = (raw_bytes as f64 / 1e9, sent as f64);
    let cpu_per_gb = |server: &Server| (server.process.cpu_s() - cpu_before) / gb;
    report.keep(
        "PutLogEvents x 1000, signed, durable",
        &[
            ("events", sent),
            ("events_per_s", sent / seconds),
            ("raw_mb_per_s", gb * 1e3 / seconds),
            ("cpu_s_per_gb_accepted", cpu_per_gb(server)),
        ],
    );
    server.report_size(&report, "logs sent");
    let process = &server.process;
    process.settle().await;
    let disk = process.disk_bytes("objects") + process.disk_bytes("wal");
    let disk_of_raw = disk as f64 / raw_bytes as f64;
    report.keep(
        "logs settled",
        &[
            ("cpu_s_per_gb", cpu_per_gb(server)),
            ("disk_of_raw", disk_of_raw),
            ("peak_memory_mb", process.peak_memory_mb()),
        ],
    );
    server.report_size(&report, "logs settled");
    search(&mut report, &api, args, start_ms).await?;
    let ready_s = server.restart().await?;
    report.figures("restart after kill -9", &[("ready_s", ready_s)]);
    server.report_size(&report, "logs restarted");
    search(&mut Report::new("belfry, restarted"), &api, args, start_ms).await?;
    Ok(report)
}

async fn search(report: &mut Report, api: &Api, args: &Args, start_ms: i64) -> Result<(), Failure> {
    if let Some(needle) = &args.needle {
        // Quoted: a phrase.
        let pattern = format!("\"{needle}\"");
        let ask = || filter(api, &pattern);
        report
            .time("one request id, FilterLogEvents", 50, ask)
            .await?;
    }
    let newest_ms = newest(api).await?;
    for question in questions(args) {
        let start_s = match question.last_hour {
            true => newest_ms / 1_000 - 3_600,
            false => start_ms / 1_000 - 60,
        };
        let ask = || insights(api, &question.insights, start_s);
        report.time(question.name, question.runs, ask).await?;
    }
    Ok(())
}

/// The time of the newest event.
async fn newest(api: &Api) -> Result<i64, Failure> {
    let input = json!({"logGroupName": GROUP, "orderBy": "LastEventTime", "descending": true});
    let streams = api
        .call(Service::Logs, "DescribeLogStreams", &input)
        .await?;
    let newest = streams["logStreams"][0]["lastEventTimestamp"].as_i64();
    newest.ok_or_else(|| format!("no events: {streams}").into())
}

/// How many events FilterLogEvents finds, over all its pages.
async fn filter(api: &Api, pattern: &str) -> Result<u64, Failure> {
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
}

/// How many rows a query gives; of one row with a number, the number.
async fn insights(api: &Api, query: &str, start_s: i64) -> Result<u64, Failure> {
    let end_s = SystemClock.now().as_secs() + 60;
    let input = json!({"logGroupName": GROUP, "queryString": query, "startTime": start_s, "endTime": end_s});
    let started = api.call(Service::Logs, "StartQuery", &input).await?;
    let ask = json!({"queryId": started["queryId"]});
    loop {
        let answer = api.call(Service::Logs, "GetQueryResults", &ask).await?;
        match answer["status"].as_str() {
            Some("Complete") => {
                let rows = answer["results"].as_array();
                let rows = rows.map_or(&[][..], Vec::as_slice);
                let value = |row: &Value| row[0]["value"].as_str()?.parse().ok();
                let count = match rows {
                    [only] => value(only),
                    _ => None,
                };
                return Ok(count.unwrap_or(rows.len() as u64));
            }
            Some("Scheduled" | "Running") => tokio::time::sleep(Duration::from_millis(1)).await,
            _ => return Err(answer.to_string().into()),
        }
    }
}
