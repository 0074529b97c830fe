use belfry_model::TimestampMs;
use serde_json::json;
use ulid::Ulid;

use super::tenant;
use crate::log_groups::LogStreamActivity;
use crate::objects::{ObjectKind, ObjectRow, Publish, WalCheckpoint};
use crate::{Catalog, Error};

const NOW: TimestampMs = TimestampMs(1_772_000_000_000);

pub fn object(n: u128, kind: ObjectKind) -> ObjectRow {
    ObjectRow {
        id: Ulid(n),
        kind,
        tenant: tenant(),
        level: 3,
        retention_class: "forever".to_owned(),
        min_ts: TimestampMs(-5),
        max_ts: TimestampMs(i64::MAX),
        rows: 7,
        bytes: 1 << 40,
        created_at: NOW,
        meta: json!({"z": 1, "a": [0.1, null, "é"], "big": u64::MAX}),
    }
}

fn insert(rows: Vec<ObjectRow>) -> Publish {
    Publish {
        insert: rows,
        ..Publish::default()
    }
}

pub async fn publish_is_one_transaction(catalog: &impl Catalog) {
    let (a, b, c) = (
        object(2, ObjectKind::LogSegment),
        object(1, ObjectKind::LogSegment),
        object(3, ObjectKind::MetricsBlock),
    );
    catalog
        .publish(insert(vec![a.clone(), b.clone(), c.clone()]), NOW)
        .await
        .expect("publish");
    let segments = catalog.live_objects(ObjectKind::LogSegment).await;
    assert_eq!(segments.expect("live"), [b.clone(), a.clone()]);
    let blocks = catalog.live_objects(ObjectKind::MetricsBlock).await;
    assert_eq!(blocks.expect("live"), [c]);

    // The second removal is of nothing: neither the first nor the insertion, the checkpoint or
    // the sequence of events may stay.
    let change = Publish {
        insert: vec![object(4, ObjectKind::LogSegment)],
        remove: vec![a.id, Ulid(99)],
        checkpoint: Some(WalCheckpoint {
            wal: "logs".to_owned(),
            before: 0,
            lsn: 10,
        }),
        stream_activity: Vec::new(),
    };
    let failed = catalog.publish(change.clone(), NOW).await;
    assert!(matches!(failed, Err(Error::Conflict { .. })), "{failed:?}");
    let segments = catalog.live_objects(ObjectKind::LogSegment).await;
    assert_eq!(segments.expect("live"), [b.clone(), a.clone()]);
    assert_eq!(catalog.wal_checkpoint("logs").await.expect("lsn"), 0);

    let change = Publish {
        remove: vec![a.id],
        ..change
    };
    catalog.publish(change.clone(), NOW).await.expect("publish");
    let segments = catalog.live_objects(ObjectKind::LogSegment).await;
    let expected = [b, object(4, ObjectKind::LogSegment)];
    assert_eq!(segments.expect("live"), expected);
    assert_eq!(catalog.wal_checkpoint("logs").await.expect("lsn"), 10);

    // Twice the same compaction: its input is gone.
    let again = catalog.publish(change, NOW).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    let known = catalog.publish(insert(vec![a]), NOW).await;
    assert!(matches!(known, Err(Error::AlreadyExists { .. })));
}

pub async fn checkpoint_is_compared_and_set(catalog: &impl Catalog) {
    for (n, before, lsn, expected) in [
        (1, 3, 5, Err(0)),
        (2, 0, 5, Ok(5)),
        (3, 0, 5, Err(5)),
        (4, 5, 9, Ok(9)),
        (5, 5, 9, Err(9)),
        (6, 9, 7, Err(9)),
        (7, 9, 9, Ok(9)),
        (8, 10, 11, Err(9)),
    ] {
        let change = Publish {
            insert: vec![object(n, ObjectKind::MetricsBlock)],
            checkpoint: Some(WalCheckpoint {
                wal: "metrics".to_owned(),
                before,
                lsn,
            }),
            ..Publish::default()
        };
        let published = catalog.publish(change, NOW).await;
        match expected {
            Ok(_) => published.expect("publish"),
            Err(_) => assert!(
                matches!(published, Err(Error::Conflict { .. })),
                "{before} {lsn}: {published:?}"
            ),
        }
        let (Ok(at) | Err(at)) = expected;
        let stored = catalog.wal_checkpoint("metrics").await;
        assert_eq!(stored.expect("checkpoint"), at, "{before} {lsn}");
        // All or nothing.
        let live = catalog.live_objects(ObjectKind::MetricsBlock).await;
        let is_live = live.expect("live").iter().any(|row| row.id.0 == n);
        assert_eq!(is_live, expected.is_ok(), "{before} {lsn}");
    }
    assert_eq!(catalog.wal_checkpoint("logs").await.expect("other"), 0);
}

pub async fn activity_merges(catalog: &impl Catalog) {
    let group = super::log_groups::create(catalog, "g").await;
    let first = catalog.create_log_stream(group.id, "a", NOW).await;
    let first = first.expect("stream").id;
    let second = catalog.create_log_stream(group.id, "b", NOW).await;
    let second = second.expect("stream").id;
    let active = |stream, first_event, last_event, last_ingestion| LogStreamActivity {
        stream,
        first_event: TimestampMs(first_event),
        last_event: TimestampMs(last_event),
        last_ingestion: TimestampMs(last_ingestion),
    };
    for stream_activity in [
        vec![active(first, 50, 60, 100), active(second, 1, 2, 3)],
        // One stream twice in a batch, and one that does not exist.
        vec![
            active(first, 40, 45, 90),
            active(crate::log_groups::LogStreamId(u64::MAX), 0, 0, 0),
            active(first, 55, 70, 95),
        ],
        (1_000..4_000)
            .map(|n| active(crate::log_groups::LogStreamId(n), 0, 0, 0))
            .collect(),
    ] {
        let change = Publish {
            stream_activity,
            ..Publish::default()
        };
        catalog.publish(change, NOW).await.expect("publish");
    }
    let mut streams = catalog
        .log_streams_by_id(&[second, first])
        .await
        .expect("streams");
    streams.sort_by_key(|stream| stream.id);
    let times: Vec<_> = streams
        .iter()
        .map(|s| [s.first_event, s.last_event, s.last_ingestion].map(|t| t.map(|t| t.0)))
        .collect();
    assert_eq!(
        times,
        [[Some(40), Some(70), Some(100)], [Some(1), Some(2), Some(3)],]
    );
}

pub async fn removed_objects_wait_for_the_sweep(catalog: &impl Catalog) {
    let rows: Vec<_> = (1..=3)
        .map(|n| object(n, ObjectKind::QueryResult))
        .collect();
    catalog
        .publish(insert(rows.clone()), NOW)
        .await
        .expect("publish");
    for (n, at) in [(2, NOW), (1, NOW + 10)] {
        let change = Publish {
            remove: vec![Ulid(n)],
            ..Publish::default()
        };
        catalog.publish(change, at).await.expect("remove");
    }
    let removed = |before, limit| async move {
        let rows = catalog
            .removed_objects(ObjectKind::QueryResult, before, limit)
            .await;
        rows.expect("removed")
            .iter()
            .map(|row| row.id.0)
            .collect::<Vec<_>>()
    };
    assert_eq!(removed(NOW, 10).await, [0_u128; 0]);
    assert_eq!(removed(NOW + 1, 10).await, [2]);
    assert_eq!(removed(NOW + 11, 10).await, [2, 1]);
    assert_eq!(removed(NOW + 11, 1).await, [2]);
    // Another kind is somebody else's to sweep.
    let other = catalog.removed_objects(ObjectKind::LogSegment, NOW + 11, 10);
    assert_eq!(other.await.expect("removed"), []);
    // The third is live and stays.
    catalog
        .forget_objects(&[Ulid(2), Ulid(3), Ulid(77)])
        .await
        .expect("forget");
    assert_eq!(removed(NOW + 11, 10).await, [1]);
    let live = catalog.live_objects(ObjectKind::QueryResult).await;
    assert_eq!(live.expect("live"), rows[2..]);
}

pub async fn sequences_and_settings(catalog: &impl Catalog) {
    let reserve = |name, count| async move {
        let first = catalog.reserve_sequence(name, count).await;
        first.expect("reserve")
    };
    assert_eq!(reserve("a", 10).await, 1);
    assert_eq!(reserve("a", 1).await, 11);
    assert_eq!(reserve("b", 1).await, 1);
    assert_eq!(reserve("a", 1).await, 12);
    // Beyond the end there is an error, not a number that was given out before.
    assert!(catalog.reserve_sequence("a", u64::MAX).await.is_err());
    assert!(
        catalog
            .reserve_sequence("a", i64::MAX.unsigned_abs())
            .await
            .is_err()
    );
    assert_eq!(reserve("a", 1).await, 13);

    assert_eq!(catalog.get_setting("key").await.expect("none"), None);
    let first = catalog.init_setting("key", &[0, 255]).await;
    assert_eq!(first.expect("init"), [0, 255]);
    let second = catalog.init_setting("key", &[1]).await;
    assert_eq!(second.expect("init"), [0, 255]);
    let stored = catalog.get_setting("key").await;
    assert_eq!(stored.expect("get"), Some(vec![0, 255]));
}
