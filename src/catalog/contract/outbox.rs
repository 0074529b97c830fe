use belfry_model::TimestampMs;
use proptest::prelude::*;
use serde_json::json;
use ulid::Ulid;

use super::{stranger, tenant};
use crate::alarms::{AlarmHistoryItem, HistoryFilter, HistoryItemType};
use crate::outbox::{IDEMPOTENCY_MS, NewOutboxRow, OutboxKind, OutboxRow};
use crate::{Catalog, Error};

const NOW: TimestampMs = TimestampMs(1_772_000_000_000);
const CLAIM_MS: i64 = 1_000;

/// Due at [`NOW`].
pub fn new_row(idempotency_key: &str, order_key: Option<&str>) -> NewOutboxRow {
    NewOutboxRow {
        tenant: tenant(),
        kind: OutboxKind::Publish,
        order_key: order_key.map(str::to_owned),
        idempotency_key: idempotency_key.to_owned(),
        payload: json!({"z": idempotency_key, "a": 0.1}),
        due_at: NOW,
    }
}

async fn enqueue(catalog: &impl Catalog, rows: &[(&str, Option<&str>)]) {
    let rows = rows
        .iter()
        .map(|(key, order)| new_row(key, *order))
        .collect();
    catalog.enqueue_outbox(rows, NOW).await.expect("enqueue");
}

async fn claim(catalog: &impl Catalog, now: TimestampMs, limit: usize) -> Vec<OutboxRow> {
    let rows = catalog.claim_outbox("worker", now, CLAIM_MS, limit).await;
    rows.expect("claim")
}

fn keys(rows: &[OutboxRow]) -> Vec<&str> {
    rows.iter().map(|row| &*row.idempotency_key).collect()
}

async fn complete(catalog: &impl Catalog, id: Ulid, now: TimestampMs) {
    let completed = catalog
        .complete_outbox(id, Vec::new(), Vec::new(), now)
        .await;
    completed.expect("completed");
}

pub async fn claims_once_and_retries(catalog: &impl Catalog) {
    assert_eq!(catalog.next_outbox_due().await.expect("none"), None);
    enqueue(catalog, &[("a", None), ("b", Some("")), ("c", Some(""))]).await;
    assert_eq!(catalog.next_outbox_due().await.expect("due"), Some(NOW));
    assert_eq!(claim(catalog, NOW + -1, 9).await, []);
    let first = claim(catalog, NOW, 2).await;
    assert_eq!(keys(&first), ["a", "b"]);
    assert_eq!(
        first[0],
        OutboxRow {
            id: first[0].id,
            tenant: tenant(),
            kind: OutboxKind::Publish,
            order_key: None,
            idempotency_key: "a".to_owned(),
            payload: json!({"z": "a", "a": 0.1}),
            created_at: NOW,
            due_at: NOW,
            attempts: 0,
            claimed_until: Some(NOW + CLAIM_MS),
        }
    );
    // An empty order key is none: c need not wait for b.
    assert_eq!(keys(&claim(catalog, NOW, 2).await), ["c"]);
    let until = Some(NOW + CLAIM_MS);
    assert_eq!(catalog.next_outbox_due().await.expect("due"), until);

    let retried = catalog
        .retry_outbox(first[0].id, NOW + 100, "refused")
        .await;
    retried.expect("retry");
    complete(catalog, first[1].id, NOW).await;
    assert_eq!(claim(catalog, NOW + 99, 9).await, []);
    let again = claim(catalog, NOW + 100, 9).await;
    assert_eq!(keys(&again), ["a"]);
    assert_eq!((again[0].attempts, again[0].due_at), (1, NOW + 100));
    // The claims of a worker that died run out.
    assert_eq!(keys(&claim(catalog, NOW + CLAIM_MS, 9).await), ["c"]);
    assert_eq!(catalog.outbox_len().await.expect("len"), 2);
}

pub async fn an_order_key_is_delivered_in_order(catalog: &impl Catalog) {
    enqueue(
        catalog,
        &[
            ("1", Some("k")),
            ("2", Some("k")),
            ("3", Some("k")),
            ("x", Some("l")),
        ],
    )
    .await;
    let mut foreign = new_row("1", Some("k"));
    foreign.tenant = stranger();
    catalog
        .enqueue_outbox(vec![foreign], NOW)
        .await
        .expect("enqueue");
    // One of each key; tenants do not wait for one another.
    let claimed = claim(catalog, NOW, 9).await;
    assert_eq!(keys(&claimed), ["1", "x", "1"]);
    // While the first is tried again later, the second must not overtake it, and nobody is
    // told that there is work.
    for row in &claimed {
        let retried = catalog.retry_outbox(row.id, NOW + 500, "refused").await;
        retried.expect("retry");
    }
    assert_eq!(
        catalog.next_outbox_due().await.expect("due"),
        Some(NOW + 500)
    );
    assert_eq!(claim(catalog, NOW + 499, 9).await, []);
    let again = claim(catalog, NOW + 500, 9).await;
    assert_eq!(keys(&again), ["1", "x", "1"]);
    complete(catalog, again[0].id, NOW + 500).await;
    let second = claim(catalog, NOW + 500, 9).await;
    assert_eq!(keys(&second), ["2"]);
    // One that comes while the key is busy waits too.
    enqueue(catalog, &[("4", Some("k"))]).await;
    assert_eq!(claim(catalog, NOW + 500, 9).await, []);
    complete(catalog, second[0].id, NOW + 500).await;
    assert_eq!(keys(&claim(catalog, NOW + 500, 9).await), ["3"]);
}

pub async fn an_idempotency_key_admits_one(catalog: &impl Catalog) {
    let len = || async { catalog.outbox_len().await.expect("len") };
    enqueue(catalog, &[("a", None), ("a", None)]).await;
    enqueue(catalog, &[("a", None)]).await;
    assert_eq!(len().await, 1);
    let mut foreign = new_row("a", None);
    foreign.tenant = stranger();
    catalog
        .enqueue_outbox(vec![foreign], NOW)
        .await
        .expect("enqueue");
    assert_eq!(len().await, 2);

    for row in claim(catalog, NOW, 9).await {
        complete(catalog, row.id, NOW).await;
    }
    assert_eq!(len().await, 0);
    // Whoever missed the answer and tries again must not cause a second delivery.
    let at = |now| async move {
        let rows = vec![new_row("a", None)];
        catalog.enqueue_outbox(rows, now).await.expect("enqueue");
    };
    at(NOW + IDEMPOTENCY_MS).await;
    assert_eq!(len().await, 0);
    at(NOW + IDEMPOTENCY_MS + 1).await;
    assert_eq!(len().await, 1);
    at(NOW + IDEMPOTENCY_MS + 1).await;
    assert_eq!(len().await, 1);
}

pub async fn a_stale_completion_changes_nothing(catalog: &impl Catalog) {
    enqueue(catalog, &[("a", None)]).await;
    let id = claim(catalog, NOW, 1).await[0].id;
    let history = AlarmHistoryItem {
        tenant: tenant(),
        alarm_name: "alarm".to_owned(),
        alarm_type: "MetricAlarm".to_owned(),
        timestamp: NOW,
        item_type: HistoryItemType::Action,
        summary: "Successfully executed action".to_owned(),
        data: "{}".to_owned(),
    };
    for (follow_up, works) in [("b", true), ("c", false)] {
        let follow_ups = vec![new_row(follow_up, None)];
        let completed = catalog
            .complete_outbox(id, follow_ups, vec![history.clone()], NOW)
            .await;
        match completed {
            Ok(()) => assert!(works),
            Err(Error::NotFound { .. }) => assert!(!works),
            Err(error) => panic!("{error}"),
        }
    }
    let gone = catalog.retry_outbox(id, NOW, "late").await;
    assert!(matches!(gone, Err(Error::NotFound { .. })));
    assert_eq!(keys(&claim(catalog, NOW, 9).await), ["b"]);
    let page = catalog
        .alarm_history(&tenant(), &HistoryFilter::default(), None, 9)
        .await;
    assert_eq!(page.expect("history").items, [history]);
}

pub async fn an_owner_that_died_gives_up_its_claims(catalog: &impl Catalog) {
    enqueue(catalog, &[("a", None), ("b", Some("k")), ("c", Some("k"))]).await;
    assert_eq!(keys(&claim(catalog, NOW, 1).await), ["a"]);
    let other = catalog.claim_outbox("other", NOW, CLAIM_MS, 9).await;
    assert_eq!(keys(&other.expect("claim")), ["b"]);
    let release = async |owner| catalog.release_outbox_claims(owner).await.expect("release");
    assert_eq!(release("nobody").await, 0);
    assert_eq!(claim(catalog, NOW, 9).await, []);
    assert_eq!(release("worker").await, 1);
    assert_eq!(release("worker").await, 0);
    assert_eq!(catalog.next_outbox_due().await.expect("due"), Some(NOW));
    let again = claim(catalog, NOW, 9).await;
    assert_eq!(keys(&again), ["a"]);
    assert_eq!(again[0].attempts, 0);
    // The head of an order key comes back, what waits behind it still waits.
    assert_eq!(release("other").await, 1);
    assert_eq!(keys(&claim(catalog, NOW, 9).await), ["b"]);
}

#[derive(Clone, Debug)]
pub enum Step {
    Enqueue {
        key: u8,
        order: Option<u8>,
        delay: i64,
    },
    Claim {
        limit: usize,
    },
    /// Of the rows ever claimed, which.
    Complete {
        which: usize,
    },
    Retry {
        which: usize,
        delay: i64,
    },
    Advance {
        ms: i64,
    },
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u8..12, proptest::option::of(0_u8..2), 0_i64..50)
            .prop_map(|(key, order, delay)| Step::Enqueue { key, order, delay }),
        3 => (0_usize..4).prop_map(|limit| Step::Claim { limit }),
        2 => (0_usize..20).prop_map(|which| Step::Complete { which }),
        2 => (0_usize..20, 0_i64..2_000).prop_map(|(which, delay)| Step::Retry { which, delay }),
        2 => prop_oneof![0_i64..100, 0..2 * CLAIM_MS, 0..2 * IDEMPOTENCY_MS]
            .prop_map(|ms| Step::Advance { ms }),
    ];
    proptest::collection::vec(step, 0..60)
}

/// The outbox as a plain list, oldest first.
#[derive(Default)]
struct Model {
    rows: Vec<ModelRow>,
    completed: Vec<(String, TimestampMs)>,
}

struct ModelRow {
    key: String,
    order: Option<String>,
    ready_at: TimestampMs,
}

impl Model {
    fn enqueue(&mut self, key: &str, order: Option<String>, due_at: TimestampMs, now: TimestampMs) {
        let live = self.rows.iter().any(|row| row.key == key);
        let remembered = self
            .completed
            .iter()
            .any(|(known, at)| known == key && at.saturating_add_ms(IDEMPOTENCY_MS) >= now);
        if !live && !remembered {
            self.rows.push(ModelRow {
                key: key.to_owned(),
                order,
                ready_at: due_at,
            });
        }
    }

    /// Positions of rows that no older row of their order key stands before.
    fn heads(&self) -> Vec<usize> {
        (0..self.rows.len())
            .filter(|&n| {
                let row = &self.rows[n];
                row.order.is_none() || self.rows[..n].iter().all(|older| older.order != row.order)
            })
            .collect()
    }

    fn claim(&mut self, now: TimestampMs, limit: usize) -> Vec<String> {
        let mut ready = self.heads();
        ready.retain(|&n| self.rows[n].ready_at <= now);
        ready.sort_by_key(|&n| (self.rows[n].ready_at, n));
        ready.truncate(limit);
        for &n in &ready {
            self.rows[n].ready_at = now + CLAIM_MS;
        }
        ready.iter().map(|&n| self.rows[n].key.clone()).collect()
    }

    fn next_due(&self) -> Option<TimestampMs> {
        self.heads().iter().map(|&n| self.rows[n].ready_at).min()
    }
}

/// Does the same to a catalog and to the model, and compares all that can be seen.
pub async fn follows_the_model(
    catalog: &impl Catalog,
    steps: Vec<Step>,
) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    let mut claimed: Vec<OutboxRow> = Vec::new();
    let mut now = NOW;
    for step in steps {
        match step {
            Step::Enqueue { key, order, delay } => {
                let (key, order) = (format!("key {key}"), order.map(|n| format!("order {n}")));
                let row = NewOutboxRow {
                    due_at: now + delay,
                    ..new_row(&key, order.as_deref())
                };
                catalog
                    .enqueue_outbox(vec![row], now)
                    .await
                    .expect("enqueue");
                model.enqueue(&key, order, now + delay, now);
            }
            Step::Claim { limit } => {
                let rows = claim(catalog, now, limit).await;
                prop_assert_eq!(keys(&rows), model.claim(now, limit));
                claimed.extend(rows);
            }
            Step::Complete { which } if which < claimed.len() => {
                let row = claimed.swap_remove(which);
                let done = catalog
                    .complete_outbox(row.id, Vec::new(), Vec::new(), now)
                    .await;
                let known = model.rows.iter().position(|r| r.key == row.idempotency_key);
                // The same row may have been claimed twice; the key may be another row's now.
                match done {
                    Ok(()) => {
                        let known = known.expect("the model has it");
                        model.rows.remove(known);
                        model
                            .completed
                            .retain(|(key, _)| *key != row.idempotency_key);
                        model.completed.push((row.idempotency_key, now));
                        claimed.retain(|other| other.id != row.id);
                    }
                    Err(error) => prop_assert!(false, "{}", error),
                }
            }
            Step::Retry { which, delay } if which < claimed.len() => {
                let row = &claimed[which];
                let retried = catalog.retry_outbox(row.id, now + delay, "refused").await;
                retried.expect("retry");
                let known = model.rows.iter().position(|r| r.key == row.idempotency_key);
                model.rows[known.expect("the model has it")].ready_at = now + delay;
            }
            Step::Complete { .. } | Step::Retry { .. } => {}
            Step::Advance { ms } => now = now + ms,
        }
        let due = catalog.next_outbox_due().await.expect("due");
        prop_assert_eq!(due, model.next_due());
        let len = catalog.outbox_len().await.expect("len");
        prop_assert_eq!(usize::try_from(len).expect("small"), model.rows.len());
    }
    Ok(())
}
