//! What version 1 wrote is read.

use belfry_catalog::objects::{ObjectKind, ObjectRow, Publish};
use belfry_model::time::DAY_MS;
use ulid::Ulid;

use super::*;
use crate::samples;

const JSON: &str = r#"{"level":"ERROR","n":12.5,"id":"6f1c8a52-9d0e-4b7a-8c3f-0123456789ab","tags":["a",null],"ok":true}"#;
const TEXT: &str = "GET /größe 200 17ms";

/// A call without an id, one whose first event is too old, and one to another stream.
async fn put_all(b: &Bench) -> [PutOutcome; 3] {
    let put = async |stream, id, events: &[(i64, &str)]| {
        b.store
            .put_events(&b.tenant, "g", stream, batch(events), id)
            .await
            .unwrap()
    };
    let outcomes = [
        put("s", None, &[(0, JSON), (7, "")]).await,
        put("s", Some("call-1"), &[(-15 * DAY_MS, "old"), (3, TEXT)]).await,
        put("t", Some(KEY), &[(1, "{\"n\":1}")]).await,
    ];
    b.store.flush().await.unwrap();
    put("t", None, &[(9, "after the flush")]).await;
    outcomes
}

const KEY: &str = "00112233445566778899aabbccddeeff";

async fn bench() -> (Bench, LogGroup) {
    let b = Bench::new().await;
    let group = b.group("g", &["s", "t"]).await;
    (b, group)
}

/// Time, number of the call, index in it, stream and message of each event.
async fn events(b: &Bench, scan: EventScan) -> Vec<(i64, u64, u32, String, String)> {
    let page = b.store.snapshot().events(scan).await.unwrap();
    let events = page.events.into_iter().map(|event| {
        assert_eq!(event.ingestion_time, NOW);
        let stream = event.stream_name.to_string();
        let EventKey {
            timestamp,
            seq,
            index,
        } = event.key;
        (timestamp - NOW, seq, index, stream, event.message)
    });
    events.collect()
}

fn expected() -> Vec<(i64, u64, u32, String, String)> {
    [
        (0, 1, 0, "s", JSON),
        (1, 3, 0, "t", "{\"n\":1}"),
        (3, 2, 1, "s", TEXT),
        (7, 1, 1, "s", ""),
    ]
    .map(|(at, seq, index, stream, message)| {
        (at, seq, index, stream.to_owned(), message.to_owned())
    })
    .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_of_version_1_is_read() {
    let sample = samples::path("log-segment-v1");
    let key = |id| Objects::key(ObjectKind::LogSegment, id).to_string();
    if samples::are_written() {
        let (b, _) = bench().await;
        put_all(&b).await;
        let row = b.store.snapshot().segments[0].row.clone();
        let object = b.directory.path().join("objects").join(key(row.id));
        std::fs::copy(object, &sample).unwrap();
    }
    let (b, group) = bench().await;
    let id = Ulid::from_parts(1, 1);
    let object = b.directory.path().join("objects").join(key(id));
    std::fs::create_dir_all(object.parent().unwrap()).unwrap();
    std::fs::copy(&sample, &object).unwrap();
    let text_bytes = JSON.len() + TEXT.len() + "{\"n\":1}".len();
    let row = ObjectRow {
        id,
        kind: ObjectKind::LogSegment,
        tenant: b.tenant.clone(),
        level: 0,
        retention_class: "forever".to_owned(),
        min_ts: NOW,
        max_ts: NOW.saturating_add_ms(7),
        rows: 4,
        bytes: std::fs::metadata(&sample).unwrap().len(),
        created_at: NOW,
        meta: serde_json::json!({
            "groups": [{
                "id": group.id.0, "first_row": 0, "rows": 4, "min_ts": NOW.0, "max_ts": NOW.0 + 7,
                "text_bytes": text_bytes,
            }],
            "text_bytes": text_bytes,
        }),
    };
    let publish = Publish {
        insert: vec![row.clone()],
        ..Publish::default()
    };
    b.catalog.publish(publish, NOW).await.unwrap();
    let b = b.reopen().await;
    let objects = Objects::open_local(&b.directory.path().join("objects")).unwrap();
    let verified = tokio::task::spawn_blocking(move || verify_object(&objects, &row));
    verified.await.unwrap().unwrap();
    assert_eq!(events(&b, b.event_scan(&group)).await, expected());
    // The indexes of words, values and ids; the last tell only what is not there.
    let contains = |text: &str| Prefilter::MessageContains(text.into());
    let equals = Prefilter::FieldEquals {
        path: "level".into(),
        value: "ERROR".into(),
    };
    for (prefilter, rows) in [
        (contains("größe"), 2..3),
        (equals, 0..1),
        (contains("6f1c8a52-9d0e-4b7a-8c3f-0123456789ab"), 0..4),
        (contains("6f1c8a52-9d0e-4b7a-8c3f-000000000000"), 0..0),
    ] {
        let scan = EventScan {
            prefilter: prefilter.clone(),
            ..b.event_scan(&group)
        };
        assert_eq!(events(&b, scan).await, expected()[rows], "{prefilter:?}");
    }
}

/// Events in records of version 1, calls in one of version 2.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_version_1_is_replayed() {
    let sample = samples::path("log-wal-v1");
    if samples::are_written() {
        let (b, _) = bench().await;
        put_all(&b).await;
        let file = samples::only_file(&b.directory.path().join("wal"));
        std::fs::copy(file, &sample).unwrap();
    }
    let (b, group) = bench().await;
    let file = samples::only_file(&b.directory.path().join("wal"));
    std::fs::remove_file(&file).unwrap();
    std::fs::copy(&sample, &file).unwrap();
    let b = b.reopen().await;
    let mut all = expected();
    all.push((9, 4, 0, "t".to_owned(), "after the flush".to_owned()));
    assert_eq!(events(&b, b.event_scan(&group)).await, all);
    let mut outcome = PutOutcome {
        rejected: RejectedRanges {
            too_old_end: Some(1),
            ..RejectedRanges::default()
        },
        accepted: 1,
        ingestion_time: NOW,
        seq: 2,
        repeated: true,
    };
    for id in ["call-1", KEY] {
        let events = batch(&[(0, "again")]);
        let put = b.store.put_events(&b.tenant, "g", "s", events, Some(id));
        assert_eq!(put.await.unwrap(), outcome);
        outcome.rejected = RejectedRanges::default();
        outcome.seq = 3;
    }
}
