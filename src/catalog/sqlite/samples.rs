//! What an earlier build wrote is read. `BELFRY_WRITE_SAMPLES=1` writes the file anew.

use std::path::Path;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};

use super::SqliteCatalog;
use crate::check::CheckCatalog;
use crate::contract::sample::{contents, fill};

async fn write(sample: &Path) {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("catalog.sqlite");
    let catalog = SqliteCatalog::open(&path).await.expect("open");
    fill(&catalog).await.expect("filled");
    catalog.close().await;
    // Small pages: most tables have a row or two.
    let mut small = SqliteConnectOptions::new()
        .filename(&path)
        .journal_mode(SqliteJournalMode::Delete)
        .page_size(512)
        .connect()
        .await
        .expect("connect");
    let vacuum = sqlx::raw_sql("VACUUM").execute(&mut small).await;
    vacuum.expect("vacuum");
    sqlx::Connection::close(small).await.expect("close");
    std::fs::copy(&path, sample).expect("copy");
}

#[tokio::test]
async fn a_catalog_of_version_3_is_read() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/formats/catalog-v3");
    if std::env::var_os("BELFRY_WRITE_SAMPLES").is_some() {
        write(&sample).await;
    }
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("catalog.sqlite");
    std::fs::copy(&sample, &path).expect("copy");
    let old = SqliteCatalog::open(&path).await.expect("open");
    let report = old.check().await.expect("checked");
    assert!(report.is_sound(), "{:?}", report.faults);
    let new = SqliteCatalog::open_in_memory().await.expect("open");
    fill(&new).await.expect("filled");
    let found = contents(&old).await.expect("contents");
    let expected = contents(&new).await.expect("contents");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}
