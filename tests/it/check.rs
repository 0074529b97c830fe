//! `belfry check`: finds what is wrong, tells what is left over, and changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use belfry_catalog::objects::{ObjectKind, Publish};
use belfry_catalog::{ObjectCatalog, SqliteCatalog};
use belfry_model::TimestampMs;

use crate::crash::client::{Client, Writer};
use crate::process::{Server, Setup};

/// A name that no object of the catalog has.
const ORPHAN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Every file, but for SQLite's index of the write-ahead file, which holds no data.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if !path.ends_with("catalog.db-shm") {
                let bytes = fs::read(&path).unwrap();
                found.insert(path, bytes);
            }
        }
    }
    found
}

/// What a check says, and whether it found nothing wrong.
fn check(dir: &Path) -> (String, bool) {
    let before = files(dir);
    let done = Command::new(env!("CARGO_BIN_EXE_belfry"))
        .arg("check")
        .arg(dir)
        .output()
        .unwrap();
    assert_eq!(files(dir), before, "a check only reads");
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    (
        text + &String::from_utf8_lossy(&done.stderr),
        done.status.success(),
    )
}

/// How many log segments are `what`.
fn told(text: &str, what: &str) -> u64 {
    let number = text.lines().find_map(|line| {
        let rest = line.strip_prefix("log_segment: ")?;
        rest.split_once(what)?.0.trim().parse().ok()
    });
    number.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_and_tells_and_changes_nothing() {
    let mut server = Server::new(Setup {
        config: "[flush]\nage_s = 0\n",
        ..Setup::default()
    });
    server.start(None).await;
    let client = std::sync::Arc::new(Client::new(server.port()));
    let writing = tokio::spawn(Writer::new(0).write_until_dead(client, 0));
    let data = server.data_dir();
    let log_segments = data.join("objects/log_segment");
    // With the third on its way, the first is published.
    while fs::read_dir(&log_segments).unwrap().count() < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    server.kill();
    assert!(writing.await.unwrap().acknowledged() > 0);

    // What crashes leave, and this one may have left already.
    let (left, sound) = check(&data);
    assert!(sound, "{left}");
    let wal = data.join("wal/metrics");
    let mut segments: Vec<PathBuf> = fs::read_dir(&wal)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    segments.sort();
    let last = segments.last().unwrap();
    let mut torn = fs::read(last).unwrap();
    torn.extend_from_slice(b"half a record");
    fs::write(last, torn).unwrap();
    fs::write(log_segments.join(ORPHAN), b"an orphan").unwrap();
    fs::write(log_segments.join(format!("{ORPHAN}#1")), b"half").unwrap();
    let catalog = SqliteCatalog::open(&data.join("catalog.db")).await.unwrap();
    let live = catalog.live_objects(ObjectKind::LogSegment).await.unwrap();
    let removed = live.first().unwrap().id;
    let change = Publish {
        remove: vec![removed],
        ..Publish::default()
    };
    catalog.publish(change, TimestampMs(0)).await.unwrap();
    let checkpoint = catalog.wal_checkpoint("logs").await.unwrap();
    catalog.close().await;

    let (text, sound) = check(&data);
    assert!(sound, "{text}");
    assert!(text.contains("everything checks out"), "{text}");
    for what in [
        "removed objects that wait to be deleted",
        "objects that no row names and the server will delete",
        "half-written files that the server will delete",
    ] {
        let (before, now) = (told(&left, what), told(&text, what));
        assert_eq!(now, before + 1, "{what}: {left} {text}");
    }

    // The sweep deletes bytes before it forgets the row.
    let removed = log_segments.join(removed.to_string());
    let bytes = fs::read(&removed).unwrap();
    fs::remove_file(&removed).unwrap();
    assert!(check(&data).1);
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&removed, damaged).unwrap();
    let (text, sound) = check(&data);
    assert!(!sound && text.contains(&removed.file_name().unwrap().to_string_lossy()[..]));
    assert_eq!(text.lines().last(), Some("1 fault"));
    fs::write(&removed, bytes).unwrap();
    assert!(check(&data).1);

    // A lost log.
    let logs = data.join("wal/logs");
    let aside = data.join("wal/aside");
    fs::rename(&logs, &aside).unwrap();
    for empty in [true, false] {
        if empty {
            fs::create_dir(&logs).unwrap();
        }
        let (text, sound) = check(&data);
        assert!(!sound, "{text}");
        let told = format!(
            "write-ahead log logs is incomplete: there is no segment, records from {checkpoint} on"
        );
        assert!(text.contains(&told), "{text}");
        let _ = fs::remove_dir(&logs);
    }
    let refused = server.start_refused();
    assert!(
        refused.contains("write-ahead log logs is incomplete"),
        "{refused}"
    );
    let _ = fs::remove_dir(&logs);
    fs::rename(&aside, &logs).unwrap();
    assert!(check(&data).1);
}
