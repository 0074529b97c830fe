//! `belfry check DIR`: every catalog row, every object, every checksum. Only reads.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use belfry_catalog::check::CheckCatalog;
use belfry_catalog::objects::{ObjectKind, ObjectRow};
use belfry_catalog::{ObjectCatalog, SqliteCatalog};
use belfry_model::TimestampMs;
use belfry_server::data_dir::DataDir;
use belfry_store::wal::{Lsn, Wal, WalRecord};
use belfry_store::{Error, Objects, logs, metrics};

use super::Failure;

/// Reads what is in a record of one of the write-ahead logs.
type VerifyRecord = fn(&WalRecord) -> belfry_store::Result<()>;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The data directory of a server that is not running
    dir: PathBuf,
}

pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    // Held until the end: a server must not change what is being read.
    let data_dir = DataDir::open_to_read(&args.dir)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let faults = runtime.block_on(check(&data_dir))?;
    if faults == 0 {
        println!("everything checks out");
        Ok(ExitCode::SUCCESS)
    } else {
        let noun = if faults == 1 { "fault" } else { "faults" };
        println!("{faults} {noun}");
        Ok(ExitCode::FAILURE)
    }
}

/// Prints every fault; returns their number.
async fn check(data_dir: &DataDir) -> Result<u64, Failure> {
    let catalog = SqliteCatalog::open_read_only(&data_dir.catalog_path()).await?;
    let report = catalog.check().await?;
    let rows: u64 = report.rows.values().sum();
    println!("catalog: {rows} rows");
    for fault in &report.faults {
        println!("catalog: {fault}");
    }
    let mut faults = report.faults.len() as u64 + report.faults_omitted;

    let objects = Objects::open_existing(&data_dir.objects_path())?;
    for kind in ObjectKind::ALL {
        faults += check_objects(&catalog, &objects, *kind).await?;
    }
    let logs: [(&str, VerifyRecord); 2] = [
        ("metrics", metrics::verify_record),
        ("logs", logs::verify_record),
    ];
    for (name, verify) in logs {
        let checkpoint = Lsn(catalog.wal_checkpoint(name).await?);
        faults += check_wal(name, &data_dir.wal_path(name), checkpoint, verify);
    }
    Ok(faults)
}

/// How many objects there are, and what they take.
#[derive(Default)]
struct Count {
    objects: u64,
    bytes: u64,
}

impl Count {
    fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }

    /// Says nothing of nothing.
    fn print(&self, kind: ObjectKind, what: &str) {
        let Self { objects, bytes } = self;
        if *objects > 0 {
            println!("{}: {objects} {what}, {bytes} bytes", kind.as_str());
        }
    }
}

/// Live objects must be there; removed ones may be, until the sweep has deleted them. What no row
/// names is left by a crash between storing and publishing.
async fn check_objects(
    catalog: &SqliteCatalog,
    objects: &Objects,
    kind: ObjectKind,
) -> Result<u64, Failure> {
    let mut faults = 0;
    let mut known = HashSet::new();
    let mut live = Count::default();
    for row in catalog.live_objects(kind).await? {
        live.add(row.bytes);
        known.insert(row.id);
        if let Err(error) = verify(objects, &row).await {
            println!("{error}");
            faults += 1;
        }
    }
    let mut removed = Count::default();
    let rows = catalog.removed_objects(kind, TimestampMs::MAX, usize::MAX);
    for row in rows.await? {
        known.insert(row.id);
        match verify(objects, &row).await {
            Ok(()) => removed.add(row.bytes),
            Err(Error::ObjectMissing { .. }) => {}
            Err(error) => {
                removed.add(row.bytes);
                println!("{error}");
                faults += 1;
            }
        }
    }
    let mut orphans = Count::default();
    for listed in objects.list(kind).await? {
        if !known.contains(&listed.id) {
            orphans.add(listed.bytes);
        }
    }
    let Count { objects: n, bytes } = live;
    println!("{}: {n} objects, {bytes} bytes", kind.as_str());
    removed.print(kind, "removed objects that wait to be deleted");
    orphans.print(kind, "objects that no row names and the server will delete");
    let cut_off = objects.cut_off_puts(kind)?;
    if cut_off > 0 {
        println!(
            "{}: {cut_off} half-written files that the server will delete",
            kind.as_str()
        );
    }
    Ok(faults)
}

async fn verify(objects: &Objects, row: &ObjectRow) -> belfry_store::Result<()> {
    match row.kind {
        ObjectKind::MetricsBlock => {
            let key = Objects::key(row.kind, row.id).to_string();
            let content = objects.get(row.kind, row.id).await?;
            metrics::verify_object(&key, content).map(|_| ())
        }
        ObjectKind::LogSegment => logs::verify_object(objects, row),
        ObjectKind::QueryResult => objects.get(row.kind, row.id).await.map(|_| ()),
    }
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
