//! `belfry query`: a Logs Insights query against a running server, by its API.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use belfry_model::tenant::DEFAULT_ACCOUNT;
use belfry_model::{Clock, SystemClock, TimestampMs};
use belfry_server::data_dir::read_credentials;
use belfry_wire::RequestHead;
use belfry_wire::sigv4::Signer;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::Failure;
use super::table::{self, Row};

/// Between two looks at a query that runs.
const POLL: Duration = Duration::from_millis(50);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The query, e.g. 'filter level = "error" | stats count(*) by bin(5m)'
    query: String,
    /// Log group; may be given several times
    #[arg(long = "log-group", short = 'g', required = true)]
    log_groups: Vec<String>,
    /// Begin of the time range: 2026-03-01T00:00:00Z, or how long ago: 30m, 12h, 7d
    #[arg(long, default_value = "1h", value_parser = Instant::parse)]
    start: Instant,
    /// End of the time range, likewise
    #[arg(long, default_value = "0m", value_parser = Instant::parse)]
    end: Instant,
    /// The server's data directory, which holds the root key
    #[arg(long, env = "BELFRY_DATA_DIR")]
    data_dir: PathBuf,
    /// Where the server listens
    #[arg(long, default_value = "127.0.0.1:2355", env = "BELFRY_LISTEN")]
    listen: SocketAddr,
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Print rows as JSON objects, one a line, instead of a table
    #[arg(long)]
    json: bool,
}

/// A point in time as the command line gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instant {
    At(TimestampMs),
    /// Milliseconds before the server's time.
    Ago(i64),
}

impl Instant {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(time) = TimestampMs::parse_iso8601(text) {
            return Ok(Self::At(time));
        }
        let expected =
            || "expected 2026-03-01T00:00:00Z or, for how long ago, 30m, 12h, 7d".to_owned();
        let unit = text.chars().last().ok_or_else(expected)?;
        let number = text.get(..text.len() - unit.len_utf8()).unwrap_or_default();
        let number: i64 = number.parse().map_err(|_| expected())?;
        let unit_s = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(expected()),
        };
        Ok(Self::Ago(
            number.saturating_mul(unit_s).saturating_mul(1_000),
        ))
    }

    fn from(self, now: TimestampMs) -> TimestampMs {
        match self {
            Self::At(time) => time,
            Self::Ago(ms) => now.saturating_sub_ms(ms),
        }
    }
}

pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let rows = runtime.block_on(query(&args))?;
    if args.json {
        for row in &rows {
            let object: serde_json::Map<String, Value> = row
                .iter()
                .map(|(field, value)| (field.clone(), json!(value)))
                .collect();
            println!("{}", Value::Object(object));
        }
    } else {
        table::print(&rows);
    }
    Ok(ExitCode::SUCCESS)
}

async fn query(args: &Args) -> Result<Vec<Row>, Failure> {
    let client = LogsClient::new(args)?;
    let now = client.server_time().await?;
    let started = client
        .call(
            "StartQuery",
            &json!({
                "logGroupNames": args.log_groups, "queryString": args.query,
                "startTime": args.start.from(now).as_secs(), "endTime": args.end.from(now).as_secs(),
            }),
        )
        .await?;
    let mut ask = json!({"queryId": started["queryId"]});
    let mut rows = Vec::new();
    loop {
        let answer = client.call("GetQueryResults", &ask).await?;
        match answer["status"].as_str() {
            Some("Scheduled" | "Running") => tokio::time::sleep(POLL).await,
            Some("Complete") => {
                rows.extend(answer["results"].as_array().into_iter().flatten().map(row));
                if answer["nextToken"].is_null() {
                    return Ok(rows);
                }
                ask["nextToken"] = answer["nextToken"].clone();
            }
            status => return Err(format!("the query ended as {status:?}").into()),
        }
    }
}

fn row(cells: &Value) -> Row {
    let text = |cell: &Value, member: &str| cell[member].as_str().unwrap_or_default().to_owned();
    cells
        .as_array()
        .into_iter()
        .flatten()
        .map(|cell| (text(cell, "field"), text(cell, "value")))
        .filter(|(field, _)| field != "@ptr")
        .collect()
}

/// Calls the Logs API, signed with the root key.
struct LogsClient {
    http: reqwest::Client,
    url: String,
    host: String,
    signer: Signer,
}

impl LogsClient {
    fn new(args: &Args) -> Result<Self, Failure> {
        let credentials = read_credentials(&args.data_dir, DEFAULT_ACCOUNT)?;
        let key = credentials
            .default_key()
            .ok_or("the credentials file has no profile default")?;
        Ok(Self {
            http: reqwest::Client::new(),
            url: format!("http://{}/", args.listen),
            host: args.listen.to_string(),
            signer: Signer {
                access_key: key.access_key_id.clone(),
                secret: key.secret_access_key.clone(),
                session_token: None,
                region: args.region.clone(),
                service: "logs".to_owned(),
            },
        })
    }

    /// The time at which the server is: a test clock's, if it runs on one.
    async fn server_time(&self) -> Result<TimestampMs, Failure> {
        let url = format!("{}_belfry/clock", self.url);
        let answer = self.http.get(url).send().await?;
        if !answer.status().is_success() {
            return Ok(SystemClock.now());
        }
        let answer: Value = serde_json::from_str(&answer.text().await?)?;
        let time = answer["now"].as_str().and_then(TimestampMs::parse_iso8601);
        time.ok_or_else(|| format!("the server's clock shows {answer}").into())
    }

    async fn call(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        let body = input.to_string();
        let mut headers = HeaderMap::new();
        let target = format!("Logs_20140328.{operation}");
        for (name, value) in [
            ("host", self.host.as_str()),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", &target),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
        }
        let mut head = RequestHead {
            method: Method::POST,
            path: "/".to_owned(),
            query: String::new(),
            headers,
        };
        self.signer
            .sign(&mut head, body.as_bytes(), SystemClock.now());
        let answer = self
            .http
            .post(&self.url)
            .headers(head.headers)
            .body(body)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(answer);
        }
        let message = answer["message"].as_str().unwrap_or(&text);
        Err(format!("{operation} failed with {status}: {message}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago_counts_from_the_servers_time() {
        let now = TimestampMs(1_000_000_000);
        let time = |text: &str| Instant::parse(text).map(|instant| instant.from(now));
        assert_eq!(time("1h"), Ok(TimestampMs(1_000_000_000 - 3_600_000)));
        assert_eq!(time("0m"), Ok(now));
        assert_eq!(time("1970-01-01T00:00:01Z"), Ok(TimestampMs(1_000)));
        for wrong in ["", "h", "1", "1y", "yesterday"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
