//! Segments change no answer: flush, index, restart.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type, UInt8Type, UInt32Type, UInt64Type};
use proptest::prelude::*;

use super::*;
use crate::logs::json::extract::{Extracted, extract, is_json_object, leaves};
use crate::logs::part::{BATCH_BYTES, FIRST_BATCH_ROWS};

/// Scalars as JSON texts: every kind of value, canonical and not.
fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "(0|-?[1-9][0-9]{0,8})",
        "-?(0|[1-9][0-9]{0,3})\\.[0-9]{1,4}",
        Just("1e3".to_owned()),
        Just("12345678901234567890".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("null".to_owned()),
        "\"(error|info|warn) (time|timeout|request)?\"",
        "\"[a-f0-9]{15,18}\"",
        "\"obj_[a-f0-9]{16}\"",
        "\"[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-8[a-f0-9]{3}-[a-f0-9]{12}\"",
        "\"x[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-8[a-f0-9]{3}-[a-f0-9]{12}-cafe\"",
        "\"2026-01-[0-3][0-9]T12:00:0[0-9]\\.00[0-9]Z\"",
        "\"(caf\u{e9}|caf\\\\u00e9|a\\\\nb|say \\\\\"hi\\\\\"|a\\\\/b|tab\\\\tx)\"",
        "\"u_[0-9]{6}\"",
        "\"[ -!#-\\[\\]-~]{0,12}\"",
    ]
}

fn value() -> impl Strategy<Value = String> {
    let blank = "[ ]?";
    scalar().prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..3), blank)
                .prop_map(|(items, b)| format!("[{b}{}]", items.join(&format!(",{b}")))),
            (proptest::collection::vec(("[a-c]", inner), 0..3), blank).prop_map(|(members, b)| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(k, v)| format!("\"{k}\":{b}{v}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn message() -> impl Strategy<Value = String> {
    let json = (
        proptest::collection::vec(("(level|a|b|a\\.b|@id|msg|n)", value()), 0..5),
        "[ ]?",
    )
        .prop_map(|(members, b)| {
            let members: Vec<String> = members
                .iter()
                .map(|(k, v)| format!("\"{k}\":{b}{v}"))
                .collect();
            format!("{{{}}}{b}", members.join(&format!(",{b}")))
        });
    prop_oneof![
        4 => json,
        1 => "(GET|POST) /api/v1/(orders|carts)\\?id=[0-9]{1,7} [0-9]{3} -?[a-f0-9]{7,9}",
        1 => any::<String>().prop_filter("not empty", |s| !s.is_empty()),
        1 => Just("x".repeat(300)),
        1 => Just("{\"broken\": tru}".to_owned()),
    ]
}

/// A part of `text` between two characters.
fn part_of(text: &str, from: u16, length: u8) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return String::new();
    }
    let from = usize::from(from) % chars.len();
    chars.iter().skip(from).take(usize::from(length)).collect()
}

/// Conditions about what is (nearly) there.
fn condition(messages: &[String], pick: &(u16, u16, u8, u8)) -> Prefilter {
    let (which, from, length, kind) = *pick;
    let message = &messages[usize::from(which) % messages.len()];
    let mut fields = Vec::new();
    leaves(message, &mut |path, _, text| {
        fields.push((path.to_owned(), text.to_owned()))
    });
    let field = fields.get(usize::from(from) % fields.len().max(1)).cloned();
    let short = part_of(message, from, length % 40 + 1);
    match (kind % 10, field) {
        (9, _) => Prefilter::MessageSpells(short.into()),
        (8, _) => Prefilter::NotJson,
        (0, _) => Prefilter::contains(short),
        (1, _) => Prefilter::MessageContainsIgnoreCase(short.to_uppercase().into()),
        (2, Some((path, text))) => Prefilter::field_equals(path, text),
        (3, Some((path, text))) => Prefilter::FieldContains {
            path: path.into(),
            text: part_of(&text, from, length % 12).into(),
        },
        (4, Some((path, text))) => {
            let number = parse_number(&text).unwrap_or(5.0);
            Prefilter::FieldNumber {
                path: path.into(),
                min: number,
                max: number + f64::from(length),
            }
        }
        (5, Some((path, _))) => Prefilter::FieldPresent { path: path.into() },
        (6, Some((path, text))) => Prefilter::Or(vec![
            Prefilter::field_equals(path, text),
            Prefilter::contains(short),
        ]),
        (7, Some((path, _))) => {
            Prefilter::contains(short).and(Prefilter::FieldPresent { path: path.into() })
        }
        _ => Prefilter::contains(part_of(message, from, 4)),
    }
}

fn field_of(message: &str, path: &str) -> Option<Extracted> {
    let mut found = Vec::new();
    extract(
        message,
        &ahash::AHashMap::from_iter([(path, 0)]),
        &mut found,
    );
    found.pop().flatten()
}

/// What a condition means.
fn meets(message: &str, condition: &Prefilter) -> bool {
    let scalar = |path: &str| field_of(message, path).filter(|e| e.kind != ValueKind::Structure);
    match condition {
        Prefilter::All => true,
        Prefilter::Nothing => false,
        Prefilter::And(all) => all.iter().all(|c| meets(message, c)),
        Prefilter::Or(any) => any.iter().any(|c| meets(message, c)),
        Prefilter::MessageContains(text) => message.contains(&**text),
        Prefilter::MessageContainsIgnoreCase(text) => message
            .to_ascii_lowercase()
            .contains(&text.to_ascii_lowercase()),
        Prefilter::MessageSpells(text) => message.contains(&**text) || message.contains('\\'),
        Prefilter::FieldEquals { path, value } => scalar(path).is_some_and(|e| e.text == **value),
        Prefilter::FieldContains { path, text } => {
            scalar(path).is_some_and(|e| e.text.contains(&**text))
        }
        Prefilter::FieldNumber { path, min, max } => scalar(path).is_some_and(|e| {
            let number = match e.kind {
                ValueKind::Boolean => Some(f64::from(u8::from(e.text == "true"))),
                _ => parse_number(&e.text),
            };
            number.is_some_and(|n| *min <= n && n <= *max)
        }),
        Prefilter::FieldPresent { path } => field_of(message, path).is_some(),
        Prefilter::NotJson => !is_json_object(message),
    }
}

/// All rows a scan returns: by key, with message and the fields asked for.
type Rows = BTreeMap<(i64, u64, u32), (String, Vec<Option<(u8, String, Option<String>)>>)>;

async fn scan(
    b: &Bench,
    group: &LogGroup,
    filter: Prefilter,
    paths: &[&str],
    direction: Direction,
) -> Rows {
    let mut columns = vec![
        FieldRef::Timestamp,
        FieldRef::Seq,
        FieldRef::Index,
        FieldRef::Message,
    ];
    for path in paths {
        columns.push(FieldRef::JsonKind((*path).into()));
        columns.push(FieldRef::json(*path));
        columns.push(FieldRef::JsonNumber((*path).into()));
    }
    let scan = LogScan {
        columns,
        prefilter: filter,
        direction,
        ..LogScan::new(vec![b.scope(group)], TimestampMs(0), TimestampMs::MAX)
    };
    let mut scan = scan;
    scan.columns.push(FieldRef::TextMessage);
    let parts = b.store.snapshot().parts(&scan).await.unwrap();
    let fields = paths.len();
    tokio::task::spawn_blocking(move || {
        let mut rows = Rows::new();
        for part in parts {
            let mut last = None;
            for batch in part.read() {
                let batch = batch.unwrap();
                assert_eq!(batch.schema(), scan.schema());
                let times = batch.column(0).as_primitive::<Int64Type>();
                let seqs = batch.column(1).as_primitive::<UInt64Type>();
                let indexes = batch.column(2).as_primitive::<UInt32Type>();
                let messages = batch.column(3).as_string_view();
                let texts = batch.column(batch.num_columns() - 1).as_string_view();
                for row in 0..batch.num_rows() {
                    let key = (times.value(row), seqs.value(row), indexes.value(row));
                    if let Some(last) = last {
                        assert_eq!(
                            last < key,
                            direction == Direction::Ascending,
                            "order in a part"
                        );
                    }
                    last = Some(key);
                    let message = messages.value(row);
                    let text = texts.is_valid(row).then(|| texts.value(row));
                    assert_eq!(text, (!is_json_object(message)).then_some(message));
                    let values = (0..fields)
                        .map(|f| {
                            let kind = batch
                                .column(4 + 3 * f)
                                .as_primitive::<UInt8Type>()
                                .value(row);
                            let text = batch.column(5 + 3 * f).as_string_view();
                            let number = batch.column(6 + 3 * f).as_primitive::<Float64Type>();
                            assert_eq!(text.is_null(row), kind == 0);
                            (kind != 0).then(|| {
                                let number = number
                                    .is_valid(row)
                                    .then(|| format!("{:?}", number.value(row)));
                                (kind, text.value(row).to_owned(), number)
                            })
                        })
                        .collect();
                    let before = rows.insert(key, (messages.value(row).to_owned(), values));
                    assert!(before.is_none(), "row delivered twice");
                }
            }
        }
        rows
    })
    .await
    .unwrap()
}

fn run<F: Future<Output = ()>>(test: F) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn segments_and_their_index_change_no_answer(
        messages in proptest::collection::vec(message(), 1..60),
        picks in proptest::collection::vec(any::<(u16, u16, u8, u8)>(), 12),
        descending in any::<bool>(),
    ) {
        run(async move {
            let b = Bench::new().await;
            let group = b.group("g", &["s1", "s2"]).await;
            let other = b.group("other", &["s1"]).await;
            for (i, chunk) in messages.chunks(7).enumerate() {
                let events: Vec<(i64, &str)> =
                    chunk.iter().enumerate().map(|(k, m)| ((i + k) as i64, m.as_str())).collect();
                b.put("g", if i % 2 == 0 { "s1" } else { "s2" }, &events).await;
            }
            b.put("other", "s1", &[(0, "{\"level\":\"error\"}")]).await;
            let paths = ["level", "a", "a.b", "b.0", "@@id", "n", "msg"];
            let all = scan(&b, &group, Prefilter::All, &paths, Direction::Ascending).await;
            assert_eq!(all.len(), messages.len());
            let pages_before = b.store.snapshot().events(b.event_scan(&group)).await.unwrap();
            b.store.flush().await.unwrap();
            assert_eq!(b.store.head_bytes(), 0);
            assert_eq!(scan(&b, &other, Prefilter::All, &[], Direction::Ascending).await.len(), 1);
            let direction = if descending { Direction::Descending } else { Direction::Ascending };
            let flushed = scan(&b, &group, Prefilter::All, &paths, direction).await;
            assert_eq!(flushed, all, "a flush changes nothing");
            let pages = b.store.snapshot().events(b.event_scan(&group)).await.unwrap();
            assert_eq!(pages.events, pages_before.events);
            for pick in &picks {
                let condition = condition(&messages, pick);
                let found = scan(&b, &group, condition.clone(), &paths, direction).await;
                for (key, row) in &all {
                    let is_wanted = meets(&row.0, &condition);
                    match found.get(key) {
                        Some(found) => assert_eq!(found, row),
                        None => assert!(!is_wanted, "{condition:?} misses {:?}", row.0),
                    }
                }
                let counted = b.store.snapshot().count(&LogScan {
                    prefilter: condition.clone(),
                    ..LogScan::new(vec![b.scope(&group)], TimestampMs(0), TimestampMs::MAX)
                }).await.unwrap();
                if let Some(count) = counted {
                    let exact = all.values().filter(|row| meets(&row.0, &condition)).count();
                    assert_eq!(count, exact as u64, "{condition:?} of {messages:?}");
                }
            }
            let b = b.reopen().await;
            assert_eq!(scan(&b, &group, Prefilter::All, &paths, direction).await, all);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_keeps_calls_and_truncates_the_log() {
    let b = Bench::new().await;
    let group = b.group("g", &["s"]).await;
    let put = |store: LogsStore, tenant: Tenant| async move {
        store
            .put_events(&tenant, "g", "s", batch(&[(0, "once")]), Some("call"))
            .await
            .unwrap()
    };
    put(b.store.clone(), b.tenant.clone()).await;
    b.store.flush().await.unwrap();
    b.put("g", "s", &[(1, "later")]).await;
    let b = b.reopen().await;
    assert!(put(b.store.clone(), b.tenant.clone()).await.repeated);
    assert_eq!(b.messages(b.event_scan(&group)).await, ["once", "later"]);
    let stream = b.catalog.log_stream(group.id, "s").await.unwrap().unwrap();
    assert_eq!(stream.first_event, Some(NOW));
    assert_eq!(stream.last_event, Some(NOW), "of what is flushed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_many_tenants_share_commits() {
    const TENANTS: usize = 100;
    let b = Bench::new().await;
    let put = async |b: &Bench, i: usize| {
        let tenant = Tenant::new(format!("{i:012}"), "eu-west-1");
        let events = batch(&[(0, "once")]);
        let put = b
            .store
            .put_events(&tenant, "g", "s", events, Some("call"))
            .await;
        put.unwrap().repeated
    };
    for i in 0..TENANTS {
        let tenant = Tenant::new(format!("{i:012}"), "eu-west-1");
        create_group(&b.catalog, &tenant, "g", &["s"]).await;
        assert!(!put(&b, i).await);
    }
    let before = b.store.inner.wal.commits();
    b.store.flush().await.unwrap();
    let after = b.store.inner.wal.commits();
    assert_eq!(after.records - before.records, TENANTS as u64);
    let commits = after.commits - before.commits;
    assert!(commits < TENANTS as u64 / 2, "{commits} commits");
    let b = b.reopen().await;
    for i in 0..TENANTS {
        assert!(put(&b, i).await, "{i}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_do_not_mix_days_or_retention_classes() {
    let b = Bench::new().await;
    let forever = b.group("forever", &["s"]).await;
    b.group("week", &["s"]).await;
    b.catalog
        .set_retention(&b.tenant, "week", Some(7), None)
        .await
        .unwrap();
    let day = belfry_model::time::DAY_MS;
    for group in ["forever", "week"] {
        b.put(group, "s", &[(-day, "yesterday"), (0, "today")])
            .await;
    }
    b.store.flush().await.unwrap();
    let snapshot = b.store.snapshot();
    let mut classes: Vec<(String, i64)> = snapshot
        .segments
        .iter()
        .map(|s| (s.row.retention_class.clone(), s.day()))
        .collect();
    classes.sort();
    let today = NOW.0.div_euclid(day);
    let expected: Vec<(String, i64)> = [
        ("7", today - 1),
        ("7", today),
        ("forever", today - 1),
        ("forever", today),
    ]
    .map(|(c, d)| (c.to_owned(), d))
    .into();
    assert_eq!(classes, expected);
    assert_eq!(
        b.messages(b.event_scan(&forever)).await,
        ["yesterday", "today"]
    );
}

/// Rows of each batch of the only part.
async fn batches(b: &Bench, scan: &LogScan) -> Vec<usize> {
    let mut parts = b.store.snapshot().parts(scan).await.unwrap();
    assert_eq!(parts.len(), 1);
    let part = parts.remove(0);
    tokio::task::spawn_blocking(|| part.read().map(|batch| batch.unwrap().num_rows()).collect())
        .await
        .unwrap()
}

#[tokio::test]
async fn batches_of_long_messages_have_few_rows() {
    let b = Bench::new().await;
    let group = b.group("g", &["s"]).await;
    let long = "x".repeat(250_000);
    let events: Vec<(i64, &str)> = (0..60).map(|at| (at, long.as_str())).collect();
    for of_a_call in events.chunks(4) {
        b.put("g", "s", of_a_call).await;
    }
    b.store.flush().await.unwrap();
    let rows_max = BATCH_BYTES as usize / long.len();
    for (direction, limit_hint) in [
        (Direction::Ascending, None),
        (Direction::Ascending, Some(10_000)),
        (Direction::Descending, None),
        (Direction::Descending, Some(10_000)),
    ] {
        let scan = LogScan {
            columns: vec![FieldRef::Message],
            direction,
            limit_hint,
            ..LogScan::new(vec![b.scope(&group)], TimestampMs(0), TimestampMs::MAX)
        };
        let rows = batches(&b, &scan).await;
        assert_eq!(rows.iter().sum::<usize>(), 60);
        assert!(rows.iter().all(|&rows| rows <= rows_max), "{rows:?}");
    }
}

#[tokio::test]
async fn what_may_all_be_in_the_answer_is_read_at_once() {
    let b = Bench::new().await;
    let group = b.group("g", &["s"]).await;
    let events: Vec<(i64, &str)> = (0..1_000).map(|at| (at, "short")).collect();
    b.put("g", "s", &events).await;
    b.store.flush().await.unwrap();
    for direction in [Direction::Ascending, Direction::Descending] {
        let scan = |limit| LogScan {
            columns: vec![FieldRef::Message],
            direction,
            limit_hint: Some(limit),
            ..LogScan::new(vec![b.scope(&group)], TimestampMs(0), TimestampMs::MAX)
        };
        assert_eq!(batches(&b, &scan(1_000)).await, [1_000]);
        assert_eq!(batches(&b, &scan(999)).await, [FIRST_BATCH_ROWS, 744]);
        assert_eq!(batches(&b, &scan(10)).await[..3], [10, 40, 160]);
    }
}

#[tokio::test]
async fn candidates_of_one_page_are_read_at_once() {
    let b = Bench::new().await;
    let group = b.group("g", &["s"]).await;
    let id = |at: usize| format!("20bd23b2-f87a-4794-bf9a-{at:012}");
    // Two pages of ids; in every other event two words, in one of four as a phrase.
    let word = |at: usize| ["one two", "", "two one", ""][at % 4];
    let messages: Vec<String> = (0..5_000)
        .map(|at| format!("{} {}", id(at), word(at)))
        .collect();
    let events = messages.iter().enumerate();
    let events: Vec<(i64, &str)> = events.map(|(at, m)| (at as i64, m.as_str())).collect();
    b.put("g", "s", &events).await;
    b.store.flush().await.unwrap();
    let scan = |text: &str| LogScan {
        columns: vec![FieldRef::Message],
        prefilter: Prefilter::contains(text),
        limit_hint: Some(10),
        ..LogScan::new(vec![b.scope(&group)], TimestampMs(0), TimestampMs::MAX)
    };
    assert_eq!(batches(&b, &scan(&id(700))).await, [4_096]);
    // Those of words are all over the place, and many of them may match.
    assert_eq!(batches(&b, &scan("one two")).await[..3], [10, 40, 160]);
}
