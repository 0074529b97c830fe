//! Whether the database is as the program needs it.

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::fields::Fields;
use super::{SqliteCatalog, alarm_history, alarms, dashboards, leases, log_groups, log_streams};
use super::{objects, outbox, queries, tags, topics};
use crate::check::{CheckCatalog, CheckReport, Fault};
use crate::error::{Error, Result};

/// Problems that SQLite's own check lists before it stops.
const INTEGRITY_CHECK: &str = "PRAGMA integrity_check(100)";

struct Table {
    name: &'static str,
    rows: &'static str,
    /// Reads a row as the program does.
    read: fn(&SqliteRow) -> Result<()>,
}

const TABLES: &[Table] = &[
    Table {
        name: "alarm",
        rows: "SELECT * FROM alarm",
        read: |row| alarms::alarm(row).map(drop),
    },
    Table {
        name: "alarm_history",
        rows: "SELECT * FROM alarm_history",
        read: |row| alarm_history::item(row).map(drop),
    },
    Table {
        name: "dashboard",
        rows: "SELECT * FROM dashboard",
        read: |row| {
            let body = dashboards::dashboard(row)?.body;
            let fields = Fields::of(row, "dashboard", "name");
            if fields.unsigned::<usize>("byte_count")? == body.len() {
                Ok(())
            } else {
                Err(fields.corrupt("byte_count", "differs from the body's length"))
            }
        },
    },
    Table {
        name: "insights_query",
        rows: "SELECT * FROM insights_query",
        read: |row| queries::query_row(row).map(drop),
    },
    Table {
        name: "insights_result",
        rows: "SELECT * FROM insights_result",
        read: |row| {
            let piece = queries::result_piece(row)?;
            let fields = Fields::of(row, "insights_result", "id");
            let rows: Vec<serde::de::IgnoredAny> = fields.json("rows")?;
            if u64::try_from(rows.len()) == Ok(piece.row_count) {
                Ok(())
            } else {
                Err(fields.corrupt("row_count", "differs from the rows"))
            }
        },
    },
    Table {
        name: "lease",
        rows: "SELECT * FROM lease",
        read: |row| leases::lease(row).map(drop),
    },
    Table {
        name: "log_group",
        rows: "SELECT * FROM log_group",
        read: |row| log_groups::log_group(row).map(drop),
    },
    Table {
        name: "log_stream",
        rows: "SELECT * FROM log_stream",
        read: |row| log_streams::log_stream(row).map(drop),
    },
    Table {
        name: "object",
        rows: "SELECT * FROM object",
        read: |row| {
            let object = objects::object(row)?;
            if object.min_ts <= object.max_ts {
                Ok(())
            } else {
                Err(Fields::of(row, "object", "id").corrupt("max_ts", "lies before min_ts"))
            }
        },
    },
    Table {
        name: "outbox",
        rows: "SELECT * FROM outbox",
        read: |row| outbox::outbox_row(row).map(drop),
    },
    Table {
        name: "outbox_key",
        rows: "SELECT * FROM outbox_key",
        read: |row| {
            let fields = Fields::of(row, "outbox_key", "idempotency_key");
            fields.tenant()?;
            fields.get::<&str>("idempotency_key")?;
            fields.time_opt("completed_at").map(drop)
        },
    },
    Table {
        name: "sequence",
        rows: "SELECT * FROM sequence",
        read: |row| {
            let fields = Fields::of(row, "sequence", "name");
            fields.unsigned::<u64>("next_value").map(drop)
        },
    },
    Table {
        name: "setting",
        rows: "SELECT * FROM setting",
        read: |row| {
            let fields = Fields::of(row, "setting", "name");
            fields.get::<&str>("name")?;
            fields.get::<&[u8]>("value").map(drop)
        },
    },
    Table {
        name: "subscription",
        rows: "SELECT * FROM subscription",
        read: |row| topics::subscription(row).map(drop),
    },
    Table {
        name: "tag",
        rows: "SELECT * FROM tag",
        read: |row| {
            let fields = Fields::of(row, "tag", "arn");
            fields.get::<&str>("key")?;
            fields.get::<&str>("value").map(drop)
        },
    },
    Table {
        name: "topic",
        rows: "SELECT * FROM topic",
        read: |row| topics::topic(row).map(drop),
    },
    Table {
        name: "wal_checkpoint",
        rows: "SELECT * FROM wal_checkpoint",
        read: |row| {
            let fields = Fields::of(row, "wal_checkpoint", "wal");
            fields.unsigned::<u64>("lsn").map(drop)
        },
    },
];

/// A statement that selects the names of rows which break a rule between rows.
struct Rule {
    table: &'static str,
    offenders: &'static str,
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        table: "outbox",
        offenders: "SELECT id FROM outbox o WHERE (ready_at IS NULL) <> (order_key IS NOT NULL \
             AND EXISTS (SELECT 1 FROM outbox p WHERE p.account = o.account \
                 AND p.region = o.region AND p.order_key = o.order_key AND p.seq < o.seq))",
        why: "ready_at does not tell whether an older row of the order key is in its way",
    },
    Rule {
        table: "outbox",
        offenders: "SELECT id FROM outbox o WHERE NOT EXISTS (SELECT 1 FROM outbox_key k \
             WHERE k.account = o.account AND k.region = o.region \
                 AND k.idempotency_key = o.idempotency_key AND k.completed_at IS NULL)",
        why: "its idempotency key is not marked as on its way",
    },
    Rule {
        table: "outbox_key",
        offenders: "SELECT idempotency_key FROM outbox_key WHERE completed_at IS NULL \
             AND (account, region, idempotency_key) NOT IN \
                 (SELECT account, region, idempotency_key FROM outbox)",
        why: "is marked as on its way and has no row",
    },
    Rule {
        table: "log_group",
        offenders: "SELECT name FROM log_group WHERE id >= COALESCE( \
             (SELECT next_value FROM sequence WHERE name = 'catalog.log_group'), 1)",
        why: "its id will be given out again",
    },
    Rule {
        table: "log_stream",
        offenders: "SELECT name FROM log_stream WHERE id >= COALESCE( \
             (SELECT next_value FROM sequence WHERE name = 'catalog.log_stream'), 1)",
        why: "its id will be given out again",
    },
    Rule {
        table: "alarm",
        offenders: "SELECT name FROM alarm WHERE version >= COALESCE( \
             (SELECT next_value FROM sequence WHERE name = 'catalog.alarm_version'), 1)",
        why: "its version will be given out again",
    },
];

#[async_trait]
impl CheckCatalog for SqliteCatalog {
    async fn check(&self) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        // One transaction, so that a row and its counterpart are of one moment.
        let mut tx = self.readers.begin().await?;
        check_engine(&mut tx, &mut report).await;
        for table in TABLES {
            let rows = check_table(&mut tx, table, &mut report).await;
            report.rows.insert(table.name, rows);
        }
        for rule in RULES {
            check_rule(&mut tx, rule, &mut report).await;
        }
        check_tags(&mut tx, &mut report).await;
        tx.rollback().await?;
        Ok(report)
    }
}

fn fault(table: &str, why: impl ToString) -> Fault {
    Fault {
        table: table.to_owned(),
        key: String::new(),
        why: why.to_string(),
    }
}

async fn check_engine(connection: &mut SqliteConnection, report: &mut CheckReport) {
    let problems = sqlx::query_scalar::<_, String>(INTEGRITY_CHECK)
        .fetch_all(&mut *connection)
        .await;
    match problems {
        Ok(problems) => {
            for problem in problems.iter().filter(|problem| *problem != "ok") {
                report.add(fault("(database)", problem));
            }
        }
        Err(error) => report.add(fault("(database)", error)),
    }
    let orphans = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(connection)
        .await;
    match orphans {
        Ok(orphans) => {
            for row in orphans {
                report.add(Fault {
                    table: row.try_get("table").unwrap_or_default(),
                    key: row
                        .try_get::<i64, _>("rowid")
                        .map_or_else(|_| String::new(), |rowid| format!("number {rowid}")),
                    why: format!(
                        "refers to a row of {} that does not exist",
                        row.try_get::<String, _>("parent").unwrap_or_default()
                    ),
                });
            }
        }
        Err(error) => report.add(fault("(database)", error)),
    }
}

async fn check_table(
    connection: &mut SqliteConnection,
    table: &Table,
    report: &mut CheckReport,
) -> u64 {
    let mut read = 0_u64;
    let mut rows = sqlx::query(table.rows).fetch(connection);
    loop {
        match rows.try_next().await {
            Ok(Some(row)) => {
                read = read.saturating_add(1);
                match (table.read)(&row) {
                    Ok(()) => {}
                    Err(Error::Corrupt { table, key, why }) => report.add(Fault {
                        table: table.to_owned(),
                        key,
                        why,
                    }),
                    Err(error) => report.add(fault(table.name, error)),
                }
            }
            Ok(None) => return read,
            Err(error) => {
                report.add(fault(table.name, error));
                return read;
            }
        }
    }
}

async fn check_rule(connection: &mut SqliteConnection, rule: &Rule, report: &mut CheckReport) {
    let mut offenders = sqlx::query_scalar::<_, String>(rule.offenders).fetch(connection);
    loop {
        match offenders.try_next().await {
            Ok(Some(key)) => report.add(Fault {
                table: rule.table.to_owned(),
                key,
                why: rule.why.to_owned(),
            }),
            Ok(None) => return,
            Err(error) => return report.add(fault(rule.table, error)),
        }
    }
}

/// Tags go with their resource.
async fn check_tags(connection: &mut SqliteConnection, report: &mut CheckReport) {
    let mut after = String::new();
    loop {
        let arn = sqlx::query_scalar::<_, String>(
            "SELECT arn FROM tag WHERE arn > $1 ORDER BY arn LIMIT 1",
        )
        .bind(&after)
        .fetch_optional(&mut *connection)
        .await;
        let arn = match arn {
            Ok(Some(arn)) => arn,
            Ok(None) => return,
            Err(error) => return report.add(fault("tag", error)),
        };
        match tags::resource_may_exist(&mut *connection, &arn).await {
            Ok(true) => {}
            Ok(false) => report.add(Fault {
                table: "tag".to_owned(),
                key: arn.clone(),
                why: "its resource does not exist".to_owned(),
            }),
            Err(error) => report.add(fault("tag", error)),
        }
        after = arn;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::contract;

    async fn open() -> (SqliteCatalog, ()) {
        (SqliteCatalog::open_in_memory().await.expect("open"), ())
    }

    macro_rules! leaves_a_sound_catalog {
        ($open:path; $($file:ident: $test:ident,)*) => {
            let mut rows = 0;
            $(
                let (catalog, ()) = $open().await;
                contract::$file::$test(&catalog).await;
                let report = catalog.check().await.expect("checked");
                assert!(report.is_sound(), "{}: {:?}", stringify!($test), report.faults);
                rows += report.rows.values().sum::<u64>();
            )*
            assert!(rows > 100, "only {rows} rows were checked");
        };
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_the_methods_write_is_sound() {
        contract::each!(leaves_a_sound_catalog, open);
    }

    #[tokio::test]
    async fn knows_every_table() {
        let (catalog, ()) = open().await;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_schema WHERE type = 'table' \
             AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations'",
        )
        .fetch_all(&catalog.readers)
        .await
        .expect("tables");
        let tables: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
        let known: BTreeSet<&str> = TABLES.iter().map(|table| table.name).collect();
        assert_eq!(tables, known);
    }

    #[tokio::test]
    async fn finds_each_kind_of_damage() {
        for (damage, table) in [
            ("UPDATE object SET id = 'x' || id", "object"),
            ("UPDATE object SET meta = '{'", "object"),
            ("UPDATE object SET max_ts = min_ts - 1", "object"),
            ("UPDATE object SET level = 4294967296", "object"),
            ("UPDATE alarm SET definition = '{}'", "alarm"),
            ("UPDATE alarm SET state = 'OK'", "alarm"),
            ("UPDATE alarm SET name = 'other'", "alarm"),
            ("UPDATE alarm SET version = 1000000", "alarm"),
            ("UPDATE alarm_history SET item_type = 'x'", "alarm_history"),
            ("UPDATE dashboard SET byte_count = 1", "dashboard"),
            ("UPDATE insights_query SET status = 'x'", "insights_query"),
            ("UPDATE insights_result SET rows = '[[]'", "insights_result"),
            (
                "UPDATE insights_result SET row_count = 9",
                "insights_result",
            ),
            ("UPDATE log_group SET id = id + 1000", "log_group"),
            ("UPDATE log_stream SET id = id + 1000", "log_stream"),
            ("UPDATE log_stream SET group_id = 77", "log_stream"),
            ("UPDATE outbox SET ready_at = NULL", "outbox"),
            ("UPDATE outbox SET ready_at = due_at", "outbox"),
            ("UPDATE outbox SET payload = 'x'", "outbox"),
            ("DELETE FROM outbox_key", "outbox"),
            ("DELETE FROM outbox", "outbox_key"),
            ("UPDATE subscription SET attributes = '[]'", "subscription"),
            ("UPDATE topic SET attributes = '[]'", "topic"),
            ("UPDATE tag SET arn = arn || 'gone'", "tag"),
        ] {
            let (catalog, ()) = open().await;
            fill(&catalog).await;
            let report = catalog.check().await.expect("checked");
            assert!(report.is_sound(), "{:?}", report.faults);
            for sql in ["PRAGMA foreign_keys = OFF", damage] {
                sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(&catalog.writer)
                    .await
                    .expect(damage);
            }
            let report = catalog.check().await.expect("checked");
            assert!(
                report.faults.iter().any(|fault| fault.table == table),
                "{damage}: {:?}",
                report.faults
            );
        }
    }

    #[tokio::test]
    async fn a_spoilt_page_is_a_fault_not_a_panic() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("catalog.sqlite");
        let catalog = SqliteCatalog::open(&path).await.expect("open");
        fill(&catalog).await;
        catalog.close().await;
        let sound = std::fs::read(&path).expect("read");
        let page = 4_096;
        for spoilt in 1..sound.len() / page {
            let mut bytes = sound.clone();
            bytes[spoilt * page..(spoilt + 1) * page].fill(0xA5);
            std::fs::write(&path, bytes).expect("write");
            // A page of the schema or of the migrations' table prevents the opening.
            if let Ok(catalog) = SqliteCatalog::open_read_only(&path).await {
                let report = catalog.check().await.expect("checked");
                assert!(!report.is_sound(), "page {spoilt}");
                catalog.close().await;
            }
        }
    }

    /// A row in every table that the damage is done to; each kind of work leaves some.
    async fn fill(catalog: &SqliteCatalog) {
        use crate::{OutboxCatalog, TopicCatalog};
        contract::objects::removed_objects_wait_for_the_sweep(catalog).await;
        contract::dashboards::belong_to_the_account(catalog).await;
        contract::queries::pages_newest_first(catalog).await;
        contract::objects::activity_merges(catalog).await;
        contract::alarms::create(catalog, "alarm").await;
        let topic = contract::topics::topic("topic");
        let created = catalog.create_topic(topic.clone(), Vec::new()).await;
        created.expect("created");
        let subscription = contract::topics::subscription(&topic, "1");
        let rows = ["1", "2"].map(|key| contract::outbox::new_row(key, Some("k")));
        let put = catalog
            .put_subscription(subscription, contract::topics::LIMITS, rows.to_vec())
            .await;
        put.expect("put");
        assert_eq!(catalog.outbox_len().await.expect("len"), 2);
    }
}
