//! `belfry check DIR`: every catalog row, every object, every checksum.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use belfry_catalog::check::CheckCatalog;
use belfry_catalog::objects::ObjectKind;
use belfry_catalog::{ObjectCatalog, SqliteCatalog};
use belfry_server::data_dir::DataDir;
use belfry_store::wal::{Lsn, Wal, WalRecord};
use belfry_store::{Objects, logs, metrics};

use super::Failure;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The data directory of a server that is not running
    dir: PathBuf,
}

pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    if !args.dir.is_dir() {
        return Err(format!("{} is not a directory", args.dir.display()).into());
    }
    // Held until the end: a server must not change what is being read.
    let data_dir = DataDir::open(&args.dir)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let faults = runtime.block_on(check(&data_dir))?;
    if faults == 0 {
        println!("everything checks out");
        Ok(ExitCode::SUCCESS)
    } else {
        println!("{faults} faults");
        Ok(ExitCode::FAILURE)
    }
}

/// Prints every fault; returns their number.
async fn check(data_dir: &DataDir) -> Result<u64, Failure> {
    let catalog = SqliteCatalog::open_existing(&data_dir.catalog_path()).await?;
    let report = catalog.check().await?;
    let rows: u64 = report.rows.values().sum();
    println!("catalog: {rows} rows");
    for fault in &report.faults {
        println!("catalog: {fault}");
    }
    let mut faults = report.faults.len() as u64 + report.faults_omitted;

    let objects = Objects::open_local(&data_dir.objects_path())?;
    faults += check_objects(&catalog, &objects, ObjectKind::MetricsBlock).await?;
    faults += check_objects(&catalog, &objects, ObjectKind::LogSegment).await?;
    let logs: [(&str, fn(&WalRecord) -> belfry_store::Result<()>); 2] = [
        ("metrics", metrics::verify_record),
        ("logs", logs::verify_record),
    ];
    for (name, verify) in logs {
        let checkpoint = Lsn(catalog.wal_checkpoint(name).await?);
        faults += check_wal(name, &data_dir.wal_path(name), checkpoint, verify);
    }
    Ok(faults)
}

async fn check_objects(
    catalog: &SqliteCatalog,
    objects: &Objects,
    kind: ObjectKind,
) -> Result<u64, Failure> {
    let rows = catalog.live_objects(kind).await?;
    let mut faults = 0;
    let (mut bytes, count) = (0, rows.len());
    for row in rows {
        bytes += row.bytes;
        let verdict = match kind {
            ObjectKind::MetricsBlock => {
                let key = Objects::key(kind, row.id).to_string();
                match objects.get(kind, row.id).await {
                    Ok(content) => metrics::verify_object(&key, content).map(|_| ()),
                    Err(error) => Err(error),
                }
            }
            ObjectKind::LogSegment => logs::verify_object(objects, &row),
            ObjectKind::QueryResult => Ok(()),
        };
        if let Err(error) = verdict {
            println!("{error}");
            faults += 1;
        }
    }
    println!("{}: {count} objects, {bytes} bytes", kind.as_str());
    Ok(faults)
}

/// Reads every record, and what is in it; a torn end, which a crash may leave, is no fault.
fn check_wal(
    name: &str,
    dir: &Path,
    checkpoint: Lsn,
    verify: fn(&WalRecord) -> belfry_store::Result<()>,
) -> u64 {
    match Wal::verify(name, dir, checkpoint, &mut |record| verify(record)) {
        Ok(summary) => {
            println!("write-ahead log {name}: {} records", summary.records);
            0
        }
        Err(error) => {
            println!("{error}");
            1
        }
    }
}
