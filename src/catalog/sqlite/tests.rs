//! The contract, run in memory and on a file; and what is SQLite's own.

use std::time::{Duration, Instant};

use belfry_model::Tenant;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::*;
use crate::check::CheckCatalog;
use crate::queries::{QueryCatalog, QueryStatistics};
use crate::{Error, ObjectCatalog};

mod in_memory {
    use crate::SqliteCatalog;

    async fn open() -> (SqliteCatalog, ()) {
        (SqliteCatalog::open_in_memory().await.expect("open"), ())
    }

    crate::contract::suite!(open);
}

mod on_a_file {
    use crate::SqliteCatalog;

    async fn open() -> (SqliteCatalog, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("catalog.sqlite");
        (SqliteCatalog::open(&path).await.expect("open"), dir)
    }

    crate::contract::suite!(open);
}

/// Start-up has 300 ms for everything; the catalog's share on an empty directory. Generous,
/// because other tests run beside this one.
const OPEN_BUDGET: Duration = Duration::from_millis(500);

#[tokio::test]
async fn opens_fast_and_reopens_what_was_not_closed() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("catalog.sqlite");
    let mut unclosed = Vec::new();
    for first in 1..4 {
        let started = Instant::now();
        let catalog = SqliteCatalog::open(&path).await.expect("open");
        let took = started.elapsed();
        println!("open {first}: {took:?}");
        assert!(took < OPEN_BUDGET, "{took:?}");
        let number = catalog.reserve_sequence("s", 1).await;
        assert_eq!(number.expect("reserve"), first);
        unclosed.push(catalog);
    }
}

/// What a killed process leaves behind: the files as they are, taken while it runs, with all
/// acknowledged changes only in the write-ahead file.
#[tokio::test]
async fn acknowledged_changes_are_in_the_files() {
    let dir = tempfile::tempdir().expect("directory");
    let catalog = SqliteCatalog::open(&dir.path().join("catalog.sqlite")).await;
    let catalog = catalog.expect("open");
    for n in 1..=20_u8 {
        catalog
            .init_setting(&n.to_string(), &[n])
            .await
            .expect("set");
        let copy = tempfile::tempdir().expect("directory");
        for file in ["catalog.sqlite", "catalog.sqlite-wal"] {
            std::fs::copy(dir.path().join(file), copy.path().join(file)).expect("copy");
        }
        let survivor = SqliteCatalog::open(&copy.path().join("catalog.sqlite")).await;
        let survivor = survivor.expect("open");
        let value = survivor.get_setting(&n.to_string()).await;
        assert_eq!(value.expect("get"), Some(vec![n]));
    }
}

#[tokio::test]
async fn refuses_a_newer_format() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("catalog.sqlite");
    let catalog = SqliteCatalog::open(&path).await.expect("open");
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'from the future', TRUE, x'00', 0)",
    )
    .execute(&catalog.writer)
    .await
    .expect("insert");
    catalog.close().await;
    let newer = SqliteCatalog::open(&path).await;
    assert!(
        matches!(
            newer,
            Err(Error::NewerFormat {
                found: 99,
                known: 3
            })
        ),
        "{newer:?}"
    );
}

/// A crash leaves changes in the write-ahead file only; a clean end leaves none.
#[tokio::test]
async fn reading_only_sees_everything_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("catalog.sqlite");
    let absent = SqliteCatalog::open_read_only(&path).await;
    assert!(matches!(absent, Err(Error::Database(_))), "{absent:?}");
    let catalog = SqliteCatalog::open(&path).await.expect("open");
    catalog.init_setting("name", b"value").await.expect("set");
    let files = |path: &Path| {
        let mut files = std::collections::BTreeMap::new();
        for entry in std::fs::read_dir(path).expect("directory") {
            let path = entry.expect("entry").path();
            if !path.to_string_lossy().ends_with("-shm") {
                let bytes = std::fs::read(&path).expect("read");
                files.insert(path, bytes);
            }
        }
        files
    };
    let crashed = tempfile::tempdir().expect("directory");
    for file in ["catalog.sqlite", "catalog.sqlite-wal"] {
        std::fs::copy(dir.path().join(file), crashed.path().join(file)).expect("copy");
    }
    catalog.close().await;
    for dir in [&crashed, &dir] {
        let before = files(dir.path());
        let path = dir.path().join("catalog.sqlite");
        let reader = SqliteCatalog::open_read_only(&path).await.expect("open");
        let value = reader.get_setting("name").await.expect("get");
        assert_eq!(value.as_deref(), Some(&b"value"[..]));
        let report = crate::check::CheckCatalog::check(&reader).await;
        assert!(report.expect("checked").is_sound());
        assert!(reader.init_setting("other", b"").await.is_err());
        reader.close().await;
        assert_eq!(files(dir.path()), before);
    }
}

#[tokio::test]
async fn reading_only_refuses_other_formats() {
    let dir = tempfile::tempdir().expect("directory");
    let known = MIGRATIONS.iter().count();
    for (name, change, expected) in [
        (
            "changed",
            "UPDATE _sqlx_migrations SET checksum = x'00'",
            "migration".to_owned(),
        ),
        (
            "newer",
            "UPDATE _sqlx_migrations SET version = 99
             WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)",
            format!("newer than {known}"),
        ),
        (
            "older",
            "DELETE FROM _sqlx_migrations",
            format!("older than {known}"),
        ),
    ] {
        let path = dir.path().join(name);
        let missing = SqliteCatalog::open_read_only(&path).await;
        assert!(missing.is_err(), "{name}: there is no file yet");
        let options = SqliteConnectOptions::new().filename(&path);
        let catalog = writer_pool(options.create_if_missing(true))
            .await
            .expect("open");
        migrate(&catalog).await.expect("migrate");
        sqlx::raw_sql(change)
            .execute(&catalog)
            .await
            .expect("change");
        catalog.close().await;
        let refused = SqliteCatalog::open_read_only(&path).await;
        let text = refused.expect_err("refused").to_string();
        assert!(text.contains(&expected), "{text}");
    }
}

#[tokio::test]
async fn results_of_version_1_become_pieces() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("catalog.sqlite");
    let options = SqliteConnectOptions::new().filename(&path);
    let old = SqlitePool::connect_with(options.create_if_missing(true))
        .await
        .expect("create");
    let first: Vec<_> = MIGRATIONS.iter().take(1).cloned().collect();
    let first = Migrator {
        migrations: first.into(),
        ..Migrator::DEFAULT
    };
    first.run(&old).await.expect("version 1");
    for (id, results) in [
        ("full", Some("[[1],[2]]")),
        ("empty", Some("[]")),
        ("none", None),
    ] {
        sqlx::query(
            "INSERT INTO insights_query (account, region, id, query_string, log_groups, start_s, \
                 end_s, created_at, status, statistics, results) \
             VALUES ('1', 'r', $1, '', '[]', 0, 0, 0, 'Complete', $2, $3)",
        )
        .bind(id)
        .bind(serde_json::to_string(&QueryStatistics::default()).expect("json"))
        .bind(results)
        .execute(&old)
        .await
        .expect("insert");
    }
    old.close().await;
    let catalog = SqliteCatalog::open(&path).await.expect("open");
    let report = catalog.check().await.expect("checked");
    assert!(report.is_sound(), "{:?}", report.faults);
    let tenant = Tenant::new("1", "r");
    for (id, rows) in [("full", 2), ("empty", 0), ("none", 0)] {
        let row = catalog.query(&tenant, id).await.expect("get");
        let row = row.expect("a row");
        assert_eq!(row.row_count, rows, "{id}");
        let pieces = catalog.query_results(&row, 0..9).await;
        let pieces = pieces.expect("results").into_iter();
        let texts: Vec<String> = pieces.map(|piece| piece.rows).collect();
        assert_eq!(texts.concat(), if rows == 2 { "[[1],[2]]" } else { "" });
    }
}

#[tokio::test]
async fn refuses_what_is_no_database() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("catalog.sqlite");
    std::fs::write(&path, "no database".repeat(1_000)).expect("write");
    let opened = SqliteCatalog::open(&path).await;
    assert!(matches!(opened, Err(Error::Database(_))), "{opened:?}");
    let nowhere = SqliteCatalog::open(&dir.path().join("a/b")).await;
    assert!(matches!(nowhere, Err(Error::Database(_))), "{nowhere:?}");
}

#[tokio::test]
async fn the_file_is_synced_on_every_commit() {
    let dir = tempfile::tempdir().expect("directory");
    let catalog = SqliteCatalog::open(&dir.path().join("catalog.sqlite")).await;
    let catalog = catalog.expect("open");
    let setting = |name: &'static str| {
        let writer = catalog.writer.clone();
        async move {
            let row = sqlx::query_scalar::<_, String>(name)
                .fetch_one(&writer)
                .await;
            row.expect("setting")
        }
    };
    let mode = setting("SELECT journal_mode FROM pragma_journal_mode").await;
    assert_eq!(mode, "wal");
    // 2 is FULL.
    let synchronous = setting("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous").await;
    assert_eq!(synchronous, "2");
    let keys = setting("SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys").await;
    assert_eq!(keys, "1");
    let refused = sqlx::query("DELETE FROM setting")
        .execute(&catalog.readers)
        .await;
    assert!(refused.is_err(), "readers cannot write");
}

#[tokio::test]
async fn unreadable_rows_are_named() {
    let catalog = SqliteCatalog::open_in_memory().await.expect("open");
    sqlx::query(
        "INSERT INTO object (id, kind, account, region, level, retention_class, min_ts, max_ts, \
             row_count, byte_count, created_at, meta) \
         VALUES ('not a ULID', 'log_segment', 'a', 'r', 0, '1s', 0, 0, 0, 0, 0, '{}')",
    )
    .execute(&catalog.writer)
    .await
    .expect("insert");
    match catalog
        .live_objects(crate::objects::ObjectKind::LogSegment)
        .await
    {
        Err(Error::Corrupt { table, key, .. }) => {
            assert_eq!((table, &*key), ("object", "not a ULID"));
        }
        other => panic!("{other:?}"),
    }
}
