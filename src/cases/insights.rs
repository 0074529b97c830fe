//! Log events and the answer to a Logs Insights query over them (spec logs-insights.md).
//!
//! Each case gets a store of its own, and its events by the way every event takes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use belfry_catalog::log_groups::{LogGroup, NewLogGroup};
use belfry_catalog::{Catalog, SqliteCatalog};
use belfry_model::{Clock, ManualClock, Tenant, TimestampMs};
use belfry_query::insights::{
    Cancellation, EngineConfig, InsightsEngine, QueryScope, QueryTimes, ResultSet, compile,
};
use belfry_store::Objects;
use belfry_store::logs::{GroupScope, LogEventBatch, LogsConfig, LogsStore};
use serde::Deserialize;
use serde_json::Value;

use super::Outcome;

const ACCOUNT: &str = "123456789012";
const REGION: &str = "eu-west-1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    query: String,
    /// Epoch seconds, the end second counts as a whole.
    start: i64,
    end: i64,
    log_groups: Option<Vec<String>>,
    events: Vec<Event>,
    /// Tables that the query looks things up in.
    lookup_tables: Option<Value>,
    expect: Expectation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    /// Epoch milliseconds.
    timestamp: i64,
    message: String,
    log_stream: Option<String>,
    log_group: Option<String>,
}

impl Event {
    fn stream(&self) -> &str {
        self.log_stream.as_deref().unwrap_or("s1")
    }

    fn group(&self) -> &str {
        self.log_group.as_deref().unwrap_or("app")
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expectation {
    Error {
        error: String,
    },
    Rows {
        columns: Vec<String>,
        rows: Vec<BTreeMap<String, String>>,
        #[serde(default)]
        ordered: bool,
    },
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub async fn run(case: &Value) -> Outcome {
    let case: Case = match Case::deserialize(case) {
        Ok(case) => case,
        Err(error) => return Outcome::Failed(format!("unreadable case: {error}")),
    };
    let query = match (compile(&case.query), &case.expect) {
        (Err(error), _) if error.unsupported => {
            // The place in the text does not matter to a count of what is missing.
            let what = error.message.split(" is not supported").next();
            return Outcome::Unsupported(what.unwrap_or(&error.message).to_owned());
        }
        (Err(_), Expectation::Error { .. }) => return Outcome::Passed,
        (Err(error), _) => return Outcome::Failed(format!("refused: {error}")),
        (Ok(_), Expectation::Error { error }) => {
            return Outcome::Failed(format!("accepted, expected {error}"));
        }
        (Ok(query), _) => query,
    };
    if case.lookup_tables.is_some() {
        return Outcome::Unsupported("lookup tables".to_owned());
    }
    let answer = async {
        let directory = tempfile::tempdir()?;
        let (store, groups) = load(&case, directory.path()).await?;
        let engine = InsightsEngine::new(EngineConfig::default())?;
        let scope = QueryScope {
            tenant: Tenant::new(ACCOUNT, REGION),
            groups,
            times: QueryTimes::of_request(case.start, case.end, TimestampMs::from_secs(case.end)),
            limit: None,
        };
        let snapshot = store.snapshot();
        let result = engine
            .run(
                query,
                scope,
                snapshot,
                Arc::default(),
                Cancellation::default(),
            )
            .await?;
        Ok::<_, Failure>(result)
    };
    match answer.await {
        Ok(result) => compare(&result, &case.expect),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// A store with the case's events, ingested in order, and the groups that the query reads.
async fn load(case: &Case, directory: &Path) -> Result<(LogsStore, Vec<GroupScope>), Failure> {
    let catalog = SqliteCatalog::open(&directory.join("catalog.db")).await?;
    let catalog: Arc<dyn Catalog> = Arc::new(catalog);
    let times = || case.events.iter().map(|event| event.timestamp);
    let oldest = times().min().unwrap_or_default();
    let newest = times().max().unwrap_or_default();
    let clock = ManualClock::new(TimestampMs(oldest));
    let store = LogsStore::open(
        &directory.join("wal"),
        Objects::open_local(&directory.join("objects"))?,
        catalog.clone(),
        clock.clone() as Arc<dyn Clock>,
        LogsConfig::default(),
    )
    .await?;
    let wanted = case
        .log_groups
        .clone()
        .unwrap_or_else(|| vec!["app".to_owned()]);
    let groups = create_groups(case, &*catalog, &wanted, TimestampMs(oldest - 1)).await?;
    let tenant = Tenant::new(ACCOUNT, REGION);
    for event in &case.events {
        // The clock stands at each event's own time, so that none is too old to be taken.
        clock.set(TimestampMs(event.timestamp));
        let mut batch = LogEventBatch::with_capacity(1, event.message.len());
        batch.push(TimestampMs(event.timestamp), &event.message)?;
        store
            .put_events(&tenant, event.group(), event.stream(), batch, None)
            .await?;
    }
    let scopes = wanted
        .iter()
        .filter_map(|name| groups.get(name))
        .map(|group| GroupScope::new(group, TimestampMs(newest)));
    Ok((store, scopes.collect()))
}

async fn create_groups(
    case: &Case,
    catalog: &dyn Catalog,
    wanted: &[String],
    created_at: TimestampMs,
) -> Result<BTreeMap<String, LogGroup>, Failure> {
    let of_events = case.events.iter().map(Event::group);
    let names: BTreeSet<&str> = of_events.chain(wanted.iter().map(String::as_str)).collect();
    let mut groups = BTreeMap::new();
    for name in names {
        let group = NewLogGroup::standard(&Tenant::new(ACCOUNT, REGION), name, created_at);
        let group = catalog.create_log_group(group).await?;
        let events = case.events.iter().filter(|event| event.group() == name);
        let streams: BTreeSet<&str> = events.map(Event::stream).collect();
        for stream in streams {
            catalog
                .create_log_stream(group.id, stream, created_at)
                .await?;
        }
        groups.insert(name.to_owned(), group);
    }
    Ok(groups)
}

fn compare(result: &ResultSet, expect: &Expectation) -> Outcome {
    let Expectation::Rows {
        columns,
        rows,
        ordered,
    } = expect
    else {
        return Outcome::Failed("answered, expected an error".to_owned());
    };
    let got_columns: Vec<&str> = result.columns.iter().map(|column| &**column).collect();
    if got_columns != *columns {
        return Outcome::Failed(format!(
            "- expected columns {columns:?}\n+ got columns      {got_columns:?}"
        ));
    }
    // Rows as they stand: cells in order of the columns, the pointer left out.
    let mut got: Vec<Vec<(&str, &str)>> = result
        .rows
        .iter()
        .map(|row| {
            let cells = row.iter().filter(|cell| &*cell.field != "@ptr");
            cells
                .map(|cell| (&*cell.field, cell.value.as_str()))
                .collect()
        })
        .collect();
    let mut want: Vec<Vec<(&str, &str)>> = rows
        .iter()
        .map(|row| {
            let cells = columns
                .iter()
                .filter_map(|column| Some((column, row.get(column)?)));
            cells
                .map(|(column, value)| (column.as_str(), value.as_str()))
                .collect()
        })
        .collect();
    if !ordered {
        got.sort();
        want.sort();
    }
    super::compare(&got, &want)
}
