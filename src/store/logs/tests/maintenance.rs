//! Compaction, retention, sweep and check.

use std::sync::atomic::Ordering;

use belfry_catalog::objects::ObjectKind;
use belfry_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};

use super::*;
use crate::test_catalog::Failure;
use crate::wal::{Lsn, WalConfig};

/// Every flush makes a small segment; four of them are worth joining.
fn eager() -> LogsConfig {
    LogsConfig {
        compact_segments_min: 4,
        ..LogsConfig::default()
    }
}

fn objects(b: &Bench) -> Objects {
    Objects::open_local(&b.directory.path().join("objects")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_changes_no_answer_and_drops_what_is_deleted() {
    let b = Bench::with(eager()).await;
    let group = b.group("g", &["s1", "s2"]).await;
    b.group("gone", &["s"]).await;
    for i in 0..5 {
        let json = format!("{{\"i\":{i},\"level\":\"error\",\"msg\":\"request {i}\"}}");
        b.put("g", "s1", &[(i, "plain text"), (i + 10, &json)])
            .await;
        b.put("g", "s2", &[(i, "to be deleted")]).await;
        b.put("gone", "s", &[(i, "of a deleted group")]).await;
        b.store.flush().await.unwrap();
    }
    b.store.delete_log_stream(&group, "s2").await.unwrap();
    b.store.delete_log_group(&b.tenant, "gone").await.unwrap();
    let before = b.store.snapshot();
    let expected = before.events(b.event_scan(&group)).await.unwrap().events;
    assert_eq!(expected.len(), 10);
    assert_eq!(before.segments.len(), 5);

    let done = b.store.run_due(b.clock.now()).await.unwrap();
    assert_eq!((done.compacted, done.compacted_into), (5, 1));
    let after = b.store.snapshot();
    assert_eq!(after.segments.len(), 1);
    let joined = &after.segments[0];
    assert_eq!((joined.row.rows, joined.row.level), (10, 1));
    assert_eq!(joined.groups.len(), 1);
    assert_eq!(
        after.events(b.event_scan(&group)).await.unwrap().events,
        expected
    );
    // Who holds the old snapshot still reads the old objects.
    assert_eq!(
        before.events(b.event_scan(&group)).await.unwrap().events,
        expected
    );
    let filtered = EventScan {
        prefilter: Prefilter::field_equals("level", "error"),
        ..b.event_scan(&group)
    };
    assert_eq!(b.messages(filtered).await.len(), 5);
    for row in b
        .catalog
        .live_objects(ObjectKind::LogSegment)
        .await
        .unwrap()
    {
        verify_object(&objects(&b), &row).unwrap();
    }

    // The old bytes go later, and a restart sees the same.
    let listed = objects(&b).list(ObjectKind::LogSegment).await.unwrap();
    assert_eq!(listed.len(), 6);
    b.clock.advance_ms(2 * HOUR_MS);
    let done = b.store.run_due(b.clock.now()).await.unwrap();
    assert_eq!(done.swept, 5);
    let listed = objects(&b).list(ObjectKind::LogSegment).await.unwrap();
    assert_eq!(listed.len(), 1);
    let b = b.reopen().await;
    assert_eq!(
        b.store
            .snapshot()
            .events(b.event_scan(&group))
            .await
            .unwrap()
            .events,
        expected
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_hides_at_once_and_retires_whole_segments() {
    let b = Bench::new().await;
    let group = b.group("g", &["s"]).await;
    b.put("g", "s", &[(-2 * DAY_MS, "old"), (0, "new")]).await;
    b.store.flush().await.unwrap();
    assert_eq!(b.store.snapshot().segments.len(), 2);
    let short = b
        .catalog
        .set_retention(&b.tenant, "g", Some(1), Some(NOW.saturating_sub_ms(DAY_MS)))
        .await
        .unwrap();
    b.store.log_group_changed(&b.tenant, "g");
    assert_eq!(b.messages(b.event_scan(&short)).await, ["new"]);
    let done = b.store.run_due(b.clock.now()).await.unwrap();
    assert_eq!(done.retired, 1);
    assert_eq!(b.store.snapshot().segments.len(), 1);
    // What was hidden stays hidden when the retention is lifted.
    let lifted = b
        .catalog
        .set_retention(&b.tenant, "g", None, None)
        .await
        .unwrap();
    assert_eq!(lifted.id, group.id);
    assert_eq!(b.messages(b.event_scan(&lifted)).await, ["new"]);
}

/// What is created and flushed while maintenance looks for work is not taken for deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_created_during_maintenance_keeps_its_events() {
    // At the first reading of the groups, which retirement may use, and at the next.
    for reading in 1..=2 {
        let b = Bench::with(eager()).await;
        let old = b.group("old", &["s"]).await;
        for i in 0..4 {
            b.put("old", "s", &[(i, "m")]).await;
            b.store.flush().await.unwrap();
        }
        let (store, catalog, tenant) = (b.store.clone(), Arc::clone(&b.catalog), b.tenant.clone());
        let create = move || async move {
            create_group(&catalog, &tenant, "new", &["s"]).await;
            let put = store.put_events(&tenant, "new", "s", batch(&[(0, "kept")]), None);
            put.await.unwrap();
            store.flush().await.unwrap();
        };
        let catalog = Arc::clone(&b.catalog);
        match reading {
            1 => b.catalog.after_groups(create),
            _ => b
                .catalog
                .after_groups(move || async move { catalog.after_groups(create) }),
        }
        let done = b.store.run_due(b.clock.now()).await.unwrap();
        // Only a segment that the view of the round has can be joined with the others.
        let joined = if reading == 1 { 5 } else { 4 };
        assert_eq!((done.retired, done.compacted), (0, joined));
        let new = b.catalog.log_group(&b.tenant, "new").await.unwrap();
        let new = new.expect("the other group was created");
        assert_eq!(b.messages(b.event_scan(&new)).await, ["kept"], "{reading}");
        assert_eq!(b.messages(b.event_scan(&old)).await.len(), 4);
    }
}

/// Whether the transaction happened or not, and whether the catalog can be asked or not.
#[tokio::test(flavor = "multi_thread")]
async fn a_publication_of_unknown_outcome_stores_events_once() {
    for (failure, silent) in [
        (Failure::Before, false),
        (Failure::Before, true),
        (Failure::After, false),
        (Failure::After, true),
    ] {
        let case = format!("{failure:?} {silent}");
        let b = Bench::with(eager()).await;
        let group = b.group("g", &["s"]).await;
        let mut texts = Vec::new();
        for i in 0..4 {
            texts.push(format!("m{i}"));
            b.put("g", "s", &[(i, &texts[i as usize])]).await;
            b.catalog.fail_publish(failure);
            b.catalog.fail_reads(silent);
            let flushed = b.store.flush().await;
            assert_eq!(
                flushed.is_ok(),
                failure == Failure::After && !silent,
                "{case}"
            );
            assert_eq!(b.messages(b.event_scan(&group)).await, texts, "{case}");
            b.catalog.fail_reads(false);
            b.store.flush().await.unwrap();
            assert_eq!(b.messages(b.event_scan(&group)).await, texts, "{case}");
            assert_eq!(b.store.snapshot().segments.len(), texts.len(), "{case}");
        }
        b.catalog.fail_publish(failure);
        b.catalog.fail_reads(silent);
        let compacted = b.store.run_due(b.clock.now()).await;
        assert_eq!(
            compacted.is_ok(),
            failure == Failure::After && !silent,
            "{case}"
        );
        b.catalog.fail_reads(false);
        b.clock.advance_ms(HOUR_MS);
        b.store.run_due(b.clock.now()).await.unwrap();
        assert_eq!(b.store.snapshot().segments.len(), 1, "{case}");
        assert_eq!(b.messages(b.event_scan(&group)).await, texts, "{case}");
        let b = b.reopen().await;
        assert_eq!(b.messages(b.event_scan(&group)).await, texts, "{case}");
    }
}

/// How many records of remembered calls the log holds.
fn call_records(b: &Bench) -> usize {
    let mut count = 0;
    b.store
        .inner
        .wal
        .replay(Lsn(0), |record| {
            count += usize::from(record.kind == super::super::wal_record::KIND_CALLS);
            Ok(())
        })
        .unwrap();
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_fails_waits_and_writes_calls_once() {
    let b = Bench::with(LogsConfig {
        flush_bytes: 2_000,
        ..LogsConfig::default()
    })
    .await;
    let group = b.group("g", &["s"]).await;
    let put = async |id: &str| {
        let put = b
            .store
            .put_events(&b.tenant, "g", "s", batch(&[(0, "m")]), Some(id));
        put.await.unwrap();
    };
    put("first").await;
    // Opening publishes where the write-ahead log begins.
    let opened = b.catalog.publications();
    b.catalog.fail_publications(Failure::Before, u32::MAX);
    b.store.flush().await.unwrap_err();
    assert_eq!(b.catalog.publications(), opened + 1);
    for i in 0..100 {
        put(&i.to_string()).await;
        let wanted = &b.store.inner.flush_wanted;
        assert!(!wanted.load(Ordering::Acquire), "put {i}");
    }
    assert!(b.store.snapshot().heads[1].memory_bytes > 2_000);
    assert_eq!(b.catalog.publications(), opened + 1);
    assert!(b.store.next_due() <= b.clock.now(), "maintenance is due");
    b.store.run_due(b.clock.now()).await.unwrap();
    assert_eq!(b.catalog.publications(), opened + 1);
    for _ in 0..3 {
        b.store.flush().await.unwrap_err();
    }
    assert_eq!(b.catalog.publications(), opened + 4);
    assert_eq!(call_records(&b), 1);
    let stored = objects(&b).list(ObjectKind::LogSegment).await.unwrap();
    assert!(
        stored.is_empty(),
        "what is not published is not left behind"
    );

    b.catalog.fail_publications(Failure::Before, 0);
    b.clock.advance_ms(LogsConfig::default().flush_age_ms);
    assert!(b.store.run_due(b.clock.now()).await.unwrap().flushed);
    assert_eq!(b.store.head_bytes(), 0);
    assert_eq!(b.messages(b.event_scan(&group)).await.len(), 101);
}

/// Calls whose events are all refused are in the log, and in no head.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_events_is_bounded() {
    let wal = WalConfig {
        segment_bytes: 1_000,
        ..WalConfig::default()
    };
    let config = |wal_bytes_max| LogsConfig {
        wal,
        wal_bytes_max,
        ..LogsConfig::default()
    };
    let put = async |b: &Bench, id: &str| {
        let old = batch(&[(-100 * DAY_MS, "too old")]);
        b.store.put_events(&b.tenant, "g", "s", old, Some(id)).await
    };
    let b = Bench::with(config(2_500)).await;
    b.group("g", &["s"]).await;
    // Nothing can be published: the log grows to its limit and no further.
    b.catalog.fail_publications(Failure::Before, u32::MAX);
    b.store.flush().await.unwrap();
    let mut full = None;
    for i in 0..100 {
        full = put(&b, &i.to_string()).await.err();
        if full.is_some() {
            break;
        }
    }
    assert!(matches!(full, Some(Error::Full { .. })), "{full:?}");
    // And when it can, the log goes, but not what calls did.
    b.catalog.fail_publications(Failure::Before, 0);
    b.clock.advance_ms(MINUTE_MS);
    b.store.flush().await.unwrap();
    b.store.flush().await.unwrap();
    assert!(b.store.inner.wal.size_bytes() < 2_500 + 4_000);
    assert_eq!(b.store.snapshot().segments.len(), 0);
    let checkpoint = b.catalog.wal_checkpoint("logs").await.unwrap();
    assert!(checkpoint > 10, "{checkpoint}");
    let b = b.reopen().await;
    assert!(put(&b, "0").await.unwrap().repeated);
}

/// Or each call would begin a flush, which writes all of them again.
#[tokio::test]
async fn many_remembered_calls_are_no_large_log() {
    let b = Bench::with(LogsConfig {
        wal: WalConfig {
            segment_bytes: 1_000,
            ..WalConfig::default()
        },
        ..LogsConfig::default()
    })
    .await;
    b.group("g", &["s"]).await;
    let mut before = 0;
    for i in 0..300 {
        if i == 200 {
            before = b.catalog.publications();
        }
        let old = batch(&[(-100 * DAY_MS, "too old")]);
        let id = i.to_string();
        let put = b.store.put_events(&b.tenant, "g", "s", old, Some(&id));
        put.await.unwrap();
        while b.store.inner.flush_wanted.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
    }
    let flushes = b.catalog.publications() - before;
    assert!((1..20).contains(&flushes), "{flushes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_falls_due_by_age() {
    let b = Bench::new().await;
    b.group("g", &["s"]).await;
    b.store.run_due(b.clock.now()).await.unwrap();
    let idle = b.store.next_due();
    b.put("g", "s", &[(0, "m")]).await;
    let config = LogsConfig::default();
    assert_eq!(
        b.store.next_due(),
        idle.min(NOW.saturating_add_ms(config.flush_age_ms))
    );
    assert!(!b.store.run_due(b.clock.now()).await.unwrap().flushed);
    b.clock.advance_ms(config.flush_age_ms);
    assert!(b.store.run_due(b.clock.now()).await.unwrap().flushed);
    assert_eq!(b.store.head_bytes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_and_orphans_are_swept() {
    let b = Bench::new().await;
    b.group("g", &["s"]).await;
    let text = format!(
        "{{\"id\":\"{}\",\"msg\":\"some words\"}}",
        "0123456789abcdef".repeat(2)
    );
    b.put("g", "s", &[(0, &text), (1, "plain")]).await;
    b.store.flush().await.unwrap();
    let row = b
        .catalog
        .live_objects(ObjectKind::LogSegment)
        .await
        .unwrap()
        .remove(0);
    let objects = objects(&b);
    verify_object(&objects, &row).unwrap();
    let key = Objects::key(ObjectKind::LogSegment, row.id);
    let path = b.directory.path().join("objects").join(key.to_string());
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(good.len() / 97 + 1) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(&path, &bad).unwrap();
        assert!(verify_object(&objects, &row).is_err(), "byte {at}");
    }
    std::fs::write(&path, &good[..good.len() / 2]).unwrap();
    assert!(verify_object(&objects, &row).is_err());
    std::fs::write(&path, &good).unwrap();

    let orphan = ulid::Ulid::from_parts(1, 99);
    objects
        .put(
            ObjectKind::LogSegment,
            orphan,
            vec![bytes::Bytes::from_static(b"half a segment")],
        )
        .await
        .unwrap();
    let b = b.reopen().await;
    let listed = objects.list(ObjectKind::LogSegment).await.unwrap();
    assert_eq!(listed.len(), 1);
    drop(b);
}

/// A segment of some events, its object's path and key, and its bytes.
async fn stored_segment(b: &Bench) -> (LogGroup, std::path::PathBuf, String, Vec<u8>) {
    let group = b.group("g", &["s"]).await;
    let messages: Vec<String> = (0..2_000u64)
        .map(|i| {
            let hash = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            format!(
                "{{\"id\":\"{hash:016x}{i:016x}\",\"n\":{},\"u\":\"{:08x}-1234-4234-8234-{:012x}\"}}",
                hash % 1_000,
                hash >> 32,
                hash >> 16
            )
        })
        .collect();
    let events: Vec<(i64, &str)> = (0..).zip(messages.iter().map(String::as_str)).collect();
    b.put("g", "s", &events).await;
    b.store.flush().await.unwrap();
    let id = b.store.snapshot().segments[0].row.id;
    let key = Objects::key(ObjectKind::LogSegment, id).to_string();
    let path = b.directory.path().join("objects").join(&key);
    let bytes = std::fs::read(&path).unwrap();
    (group, path, key, bytes)
}

/// What a reader gets that has nothing in its cache.
async fn read_afresh(b: &Bench, group: &LogGroup) -> crate::Result<Vec<String>> {
    let id = b.store.snapshot().segments[0].row.id;
    b.store.inner.cache.forget(&[id]);
    let page = b.store.snapshot().events(b.event_scan(group)).await?;
    Ok(page.events.into_iter().map(|e| e.message).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_damage_to_rows_is_read_as_other_rows() {
    let b = Bench::new().await;
    let (group, path, key, good) = stored_segment(&b).await;
    let expected = read_afresh(&b, &group).await.unwrap();
    assert_eq!(expected.len(), 2_000);
    let mut refused = 0;
    for at in (8..good.len()).step_by(good.len() / 150) {
        let mut bad = good.clone();
        bad[at] ^= 0x01;
        std::fs::write(&path, &bad).unwrap();
        match read_afresh(&b, &group).await {
            Ok(messages) => assert_eq!(messages, expected, "byte {at}"),
            Err(Error::ObjectCorrupt {
                key: found, offset, ..
            }) => {
                refused += 1;
                assert_eq!(found, key);
                let near = offset.abs_diff(at as u64) <= 8 * 1024;
                assert!(near || at as u64 >= offset, "byte {at}: {offset}");
            }
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(refused > 75, "{refused}: most of the bytes are rows");
}

/// Segments of earlier builds have no checksums of blocks.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_without_row_sums_is_read() {
    let b = Bench::new().await;
    let (group, path, _, good) = stored_segment(&b).await;
    let expected = read_afresh(&b, &group).await.unwrap();
    let trailer_at = good.len() - 20;
    let length = u32::from_le_bytes(good[trailer_at..trailer_at + 4].try_into().unwrap());
    let footer_at = trailer_at - length as usize;
    let mut footer: serde_json::Value =
        serde_json::from_slice(&good[footer_at..trailer_at]).unwrap();
    let removed = footer.as_object_mut().unwrap().remove("rows_sums");
    assert!(removed.is_some());
    let mut footer = serde_json::to_vec(&footer).unwrap();
    footer.resize(length as usize, b' ');
    let mut old = good[..footer_at].to_vec();
    old.extend_from_slice(&footer);
    old.extend_from_slice(&length.to_le_bytes());
    old.extend_from_slice(&crc32c::crc32c(&footer).to_le_bytes());
    old.extend_from_slice(&good[good.len() - 12..]);
    std::fs::write(&path, &old).unwrap();
    assert_eq!(read_afresh(&b, &group).await.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_segment_stops_no_other() {
    let b = Bench::with(eager()).await;
    let group = b.group("g", &["s"]).await;
    for i in 0..5 {
        b.put("g", "s", &[(i, "m")]).await;
        b.store.flush().await.unwrap();
    }
    let bad = b.store.snapshot().segments[2].row.id;
    let key = Objects::key(ObjectKind::LogSegment, bad);
    let path = b.directory.path().join("objects").join(key.to_string());
    std::fs::write(&path, b"no segment").unwrap();

    // The sweep comes after compaction: it must be reached, too.
    b.group("gone", &["s"]).await;
    b.put("gone", "s", &[(0, "m")]).await;
    b.store.flush().await.unwrap();
    b.store.delete_log_group(&b.tenant, "gone").await.unwrap();
    let done = b.store.run_due(b.clock.now()).await.unwrap();
    assert_eq!(
        (done.retired, done.compacted, done.compacted_into),
        (1, 4, 1)
    );
    let left: Vec<_> = b
        .store
        .snapshot()
        .segments
        .iter()
        .map(|s| s.row.rows)
        .collect();
    assert_eq!(left, [1, 4]);
    assert_eq!(b.store.snapshot().segments[0].row.id, bad);
    b.clock.advance_ms(2 * HOUR_MS);
    assert_eq!(b.store.run_due(b.clock.now()).await.unwrap().swept, 5);
    let read = b.store.snapshot().events(b.event_scan(&group)).await;
    let error = read.unwrap_err();
    assert!(matches!(&error, Error::ObjectCorrupt { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_and_stored_bytes_cover_head_and_segments() {
    let b = Bench::new().await;
    let group = b.group("g", &["s"]).await;
    let first = r#"{"a":1,"b":{"c":"x"}}"#;
    let second = r#"{"a":"one","d":true}"#;
    b.put("g", "s", &[(0, first)]).await;
    b.store.flush().await.unwrap();
    b.put("g", "s", &[(1, second), (2, "plain")]).await;
    let snapshot = b.store.snapshot();
    let scan = LogScan::new(vec![b.scope(&group)], TimestampMs(0), TimestampMs::MAX);
    let fields = snapshot.fields(&scan).await.unwrap();
    let found: Vec<(&str, u64, Vec<ValueKind>)> = fields
        .iter()
        .map(|f| (f.path.as_str(), f.events, f.kinds.clone()))
        .collect();
    assert_eq!(
        found,
        [
            ("a", 2, vec![ValueKind::String, ValueKind::Number]),
            ("b.c", 1, vec![ValueKind::String]),
            ("d", 1, vec![ValueKind::Boolean]),
        ]
    );
    let bytes = first.len() + second.len() + "plain".len();
    assert_eq!(snapshot.stored_bytes(group.id), bytes as u64);
}
