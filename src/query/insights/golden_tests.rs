//! Runs `tests/examples/logs-insights/cases.jsonl` (format: examples/logs-insights README) through
//! a real store and the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use belfry_catalog::log_groups::NewLogGroup;
use belfry_catalog::{Catalog, SqliteCatalog};
use belfry_model::{Clock, ManualClock, Tenant, TimestampMs};
use belfry_store::Objects;
use belfry_store::logs::{GroupScope, LogEventBatch, LogsConfig, LogsStore};
use serde_json::Value as Json;

use super::{
    Cancellation, EngineConfig, InsightsEngine, QueryScope, QueryTimes, ResultSet, compile,
};
use crate::error::Error;
use crate::scan::ScanCounters;

const CASES: &str = include_str!("../../../tests/examples/logs-insights/cases.jsonl");

/// Reasons why a case is not run yet, by a word of its query. A case that is refused for any other
/// reason fails.
const NOT_YET: &[&str] = &[
    "addtotals",
    "diff",
    "fillmissing",
    "join",
    "lookup",
    "outlier",
    "pattern",
    "sessionize",
    "subquery",
];

struct Event<'c> {
    timestamp: i64,
    message: &'c str,
    stream: &'c str,
    group: &'c str,
}

fn events(case: &Json) -> Vec<Event<'_>> {
    case["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| Event {
            timestamp: event["timestamp"].as_i64().unwrap(),
            message: event["message"].as_str().unwrap(),
            stream: event
                .get("logStream")
                .and_then(Json::as_str)
                .unwrap_or("s1"),
            group: event
                .get("logGroup")
                .and_then(Json::as_str)
                .unwrap_or("app"),
        })
        .collect()
}

/// A store of its own for each case, and its events, ingested in order.
async fn load(case: &Json, directory: &std::path::Path) -> (LogsStore, Vec<GroupScope>) {
    let tenant = Tenant::new("123456789012", "eu-west-1");
    let catalog: Arc<dyn Catalog> = Arc::new(
        SqliteCatalog::open(&directory.join("catalog.db"))
            .await
            .unwrap(),
    );
    let events = events(case);
    let newest = events.iter().map(|e| e.timestamp).max().unwrap_or(0);
    // The clock stands at each event's own time, so that none is too old to be accepted.
    let oldest = events.iter().map(|e| e.timestamp).min().unwrap_or(0);
    let clock = ManualClock::new(TimestampMs(oldest));
    let objects = Objects::open_local(&directory.join("objects")).unwrap();
    let store = LogsStore::open(
        &directory.join("wal"),
        objects,
        catalog.clone(),
        Arc::clone(&clock) as Arc<dyn Clock>,
        LogsConfig::default(),
    )
    .await
    .unwrap();
    let wanted: Vec<&str> = match case.get("logGroups").and_then(Json::as_array) {
        Some(groups) => groups.iter().map(|g| g.as_str().unwrap()).collect(),
        None => vec!["app"],
    };
    let mut groups = BTreeMap::new();
    let names: BTreeSet<&str> = events
        .iter()
        .map(|e| e.group)
        .chain(wanted.iter().copied())
        .collect();
    for name in names {
        let group = catalog
            .create_log_group(NewLogGroup::standard(
                &tenant,
                name,
                TimestampMs(oldest - 1),
            ))
            .await
            .unwrap();
        let streams: BTreeSet<&str> = events
            .iter()
            .filter(|e| e.group == name)
            .map(|e| e.stream)
            .collect();
        for stream in streams {
            catalog
                .create_log_stream(group.id, stream, TimestampMs(oldest - 1))
                .await
                .unwrap();
        }
        groups.insert(name, group);
    }
    for event in &events {
        clock.set(TimestampMs(event.timestamp));
        let mut batch = LogEventBatch::with_capacity(1, event.message.len());
        batch
            .push(TimestampMs(event.timestamp), event.message)
            .unwrap();
        store
            .put_events(&tenant, event.group, event.stream, batch, None)
            .await
            .unwrap();
    }
    let scopes = wanted
        .iter()
        .map(|name| GroupScope::new(&groups[name], TimestampMs(newest)))
        .collect();
    (store, scopes)
}

enum Outcome {
    Passed,
    NotYet(String),
    Failed(String),
}

async fn run(case: &Json, engine: &InsightsEngine) -> Outcome {
    let text = case["query"].as_str().unwrap();
    let expect = &case["expect"];
    let refused = expect.get("error").is_some();
    let query = match compile(text) {
        Err(error) if error.unsupported && NOT_YET.iter().any(|w| error.message.contains(w)) => {
            return Outcome::NotYet(error.message);
        }
        Err(error) if refused && !error.unsupported => return Outcome::Passed,
        Err(error) => return Outcome::Failed(error.to_string()),
        Ok(_) if refused => return Outcome::Failed("accepted".to_owned()),
        Ok(query) => query,
    };
    let directory = tempfile::tempdir().unwrap();
    let (store, groups) = load(case, directory.path()).await;
    let scope = QueryScope {
        tenant: Tenant::new("123456789012", "eu-west-1"),
        groups,
        times: QueryTimes::of_request(
            case["start"].as_i64().unwrap(),
            case["end"].as_i64().unwrap(),
            TimestampMs::from_secs(case["end"].as_i64().unwrap()),
        ),
        limit: None,
    };
    // From the head, then from a segment with its index: the answer is the same.
    for stage in ["head", "segment"] {
        let counters = Arc::new(ScanCounters::default());
        let cancellation = Cancellation::default();
        let snapshot = store.snapshot();
        let result = engine
            .run(
                query.clone(),
                scope.clone(),
                snapshot,
                counters,
                cancellation,
            )
            .await;
        let difference = match result {
            Ok(result) => difference(&result, expect),
            Err(error) => Some(error.to_string()),
        };
        if let Some(difference) = difference {
            return Outcome::Failed(format!("from the {stage}: {difference}"));
        }
        store.flush().await.unwrap();
    }
    Outcome::Passed
}

fn difference(result: &ResultSet, expect: &Json) -> Option<String> {
    let columns: Vec<&str> = result.columns.iter().map(|c| &**c).collect();
    let wanted: Vec<&str> = expect["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c.as_str().unwrap())
        .collect();
    if columns != wanted {
        return Some(format!("columns {columns:?}, expected {wanted:?}"));
    }
    let mut rows: Vec<Vec<(String, String)>> = result
        .rows
        .iter()
        .map(|row| {
            let cells = row.iter().filter(|cell| &*cell.field != "@ptr");
            cells
                .map(|c| (c.field.to_string(), c.value.clone()))
                .collect()
        })
        .collect();
    let mut expected: Vec<Vec<(String, String)>> = expect["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let row = row.as_object().unwrap();
            let present = wanted.iter().filter_map(|c| row.get(*c).map(|v| (*c, v)));
            present
                .map(|(c, v)| (c.to_owned(), v.as_str().unwrap().to_owned()))
                .collect()
        })
        .collect();
    if expect["ordered"] != Json::Bool(true) {
        rows.sort();
        expected.sort();
    }
    (rows != expected).then(|| format!("rows {rows:?}\n    expected {expected:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn golden_cases() {
    let engine = InsightsEngine::new(EngineConfig::default()).unwrap();
    let only = std::env::var("CASE").ok();
    let mut passed = 0;
    let mut failures = Vec::new();
    let mut not_yet: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in CASES.lines().filter(|line| !line.is_empty()) {
        let case: Json = serde_json::from_str(line).unwrap();
        let name = case["name"].as_str().unwrap().to_owned();
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        match run(&case, &engine).await {
            Outcome::Passed => passed += 1,
            Outcome::NotYet(why) => {
                let why = why.split(" is not supported").next().unwrap_or_default();
                not_yet.entry(why.to_owned()).or_default().push(name);
            }
            Outcome::Failed(why) => failures.push(format!("{name}: {why}")),
        }
    }
    for (why, names) in &not_yet {
        println!("not yet, {why}: {}", names.join(", "));
    }
    let waiting: usize = not_yet.values().map(Vec::len).sum();
    println!(
        "{passed} passed, {} failed, {waiting} not yet",
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    if only.is_none() {
        assert_eq!((passed, waiting), (105, 45), "cases passed and not yet");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_query_ends() {
    let engine = InsightsEngine::new(EngineConfig::default()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let case =
        serde_json::json!({"events": [{"timestamp": 1_772_600_400_000_i64, "message": "x"}]});
    let (store, groups) = load(&case, directory.path()).await;
    let scope = QueryScope {
        tenant: Tenant::new("123456789012", "eu-west-1"),
        groups,
        times: QueryTimes::of_request(0, 2_000_000_000, TimestampMs(0)),
        limit: None,
    };
    let cancellation = Cancellation::default();
    cancellation.cancel();
    let query = compile("fields @message").unwrap();
    let counters = Arc::new(ScanCounters::default());
    let result = engine
        .run(query, scope, store.snapshot(), counters, cancellation)
        .await;
    assert!(matches!(result, Err(Error::Cancelled)) || result.is_ok());
}
