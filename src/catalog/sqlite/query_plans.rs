//! No statement reads a whole table or sorts, but for those that are meant to.
//!
//! The contract's tests run under a tracing subscriber that collects what sqlx executes;
//! SQLite then explains each statement.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Row};
use tracing::field::{Field, Visit};
use tracing::span;

use crate::SqliteCatalog;
use crate::contract::call;

/// Plan steps that are as intended, with the reason.
const INTENDED: &[(&str, &str)] = &[
    // Everything is asked for.
    ("SELECT * FROM log_group ORDER BY id", "SCAN log_group"),
    (
        "SELECT * FROM alarm ORDER BY account",
        "SCAN alarm USING INDEX",
    ),
    ("SELECT COUNT(*) AS len", "SCAN outbox USING COVERING INDEX"),
    ("UPDATE lease SET owner = '', expires_at = $1", "SCAN lease"),
    // The checkpoint to set, which is in the statement.
    ("INSERT INTO wal_checkpoint", "SCAN CONSTANT ROW"),
    // The rows to merge, which are in the statement.
    ("UPDATE log_stream", "SCAN v"),
    ("UPDATE log_stream", "SCAN CONSTANT ROW"),
    // The streams with events that are not flushed, which are in the statement.
    (
        "SELECT * FROM log_stream WHERE group_id = ? AND id NOT IN",
        "SCAN json_each VIRTUAL TABLE",
    ),
    // The API refuses a prefix together with this order; the range of names is sorted.
    (
        "SELECT * FROM log_stream WHERE group_id = ? AND name >= ?",
        "USE TEMP B-TREE FOR ORDER BY",
    ),
];

/// Begins the names of the threads that execute what is to be explained: other tests run in
/// this process as well.
const THREAD: &str = "explained";

#[derive(Clone, Default)]
struct Statements(Arc<Mutex<BTreeSet<String>>>);

struct Statement {
    summary: String,
    full: String,
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.trim().clone_into(&mut self.full),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl tracing::Subscriber for Statements {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let thread = std::thread::current();
        if !thread.name().is_some_and(|name| name.starts_with(THREAD)) {
            return;
        }
        let mut statement = Statement {
            summary: String::new(),
            full: String::new(),
        };
        event.record(&mut statement);
        let sql = if statement.full.is_empty() {
            statement.summary
        } else {
            statement.full
        };
        self.0.lock().insert(sql);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

async fn open() -> (SqliteCatalog, ()) {
    let options = SqliteConnectOptions::new().thread_name(|n| format!("{THREAD} {n}"));
    let catalog = SqliteCatalog::in_memory_with(options).await;
    (catalog.expect("open"), ())
}

/// Not the making of the schema.
fn is_ours(sql: &str) -> bool {
    ["SELECT", "INSERT", "UPDATE", "DELETE"]
        .iter()
        .any(|verb| sql.starts_with(verb))
        && !sql.contains("_sqlx_migrations")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_a_whole_table() {
    let statements = Statements::default();
    // The worker threads of sqlx see only the global one.
    tracing::subscriber::set_global_default(statements.clone()).expect("the only one");
    crate::contract::each!(call, open);

    let (catalog, ()) = open().await;
    let statements: Vec<String> = statements.0.lock().iter().cloned().collect();
    let mut explained = 0;
    let mut offences = Vec::new();
    for sql in statements.iter().filter(|sql| is_ours(sql)) {
        let plan = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
            .fetch_all(&catalog.writer)
            .await
            .expect("explained");
        explained += 1;
        for step in plan {
            let step: String = step.try_get("detail").expect("detail");
            let scan = step.starts_with("SCAN") && !step.ends_with("-ROW VALUES CLAUSE");
            let costly = scan || step.contains("TEMP B-TREE");
            let intended = INTENDED
                .iter()
                .any(|(begin, known)| sql.starts_with(begin) && step.starts_with(known));
            if costly && !intended {
                offences.push(format!("{step}: {sql:.400}"));
            }
        }
    }
    assert!(explained > 80, "only {explained} statements were seen");
    assert!(offences.is_empty(), "{}", offences.join("\n\n"));
}
