use std::collections::BTreeSet;

use belfry_model::alarm::{AlarmState, AlarmStatus, ComparisonOperator, MetricAlarm};
use belfry_model::{Dimension, MetricId, Statistic, TimestampMs, arn};
use futures::future::join_all;

use super::{pairs, stranger, tenant};
use crate::alarms::{
    AlarmDefinition, AlarmFilter, AlarmHistoryItem, AlarmRow, AlarmTransition, HistoryFilter,
    HistoryItemType,
};
use crate::{Catalog, Error, Result};

const NOW: TimestampMs = TimestampMs(1_772_000_000_000);

fn metric_alarm(name: &str) -> MetricAlarm {
    MetricAlarm {
        name: name.to_owned(),
        description: Some("é".to_owned()),
        actions_enabled: true,
        ok_actions: Vec::new(),
        alarm_actions: vec![format!("arn:aws:sns:eu-west-1:111122223333:{name}")],
        insufficient_data_actions: Vec::new(),
        metric: MetricId::new("AWS/EC2", "CPU", vec![Dimension::new("InstanceId", "i-1")]),
        statistic: Statistic::Average,
        period_s: 300,
        unit: None,
        evaluation_periods: 2,
        datapoints_to_alarm: None,
        threshold: 0.1 + 0.2,
        comparison: ComparisonOperator::GreaterThanThreshold,
        treat_missing_data: None,
        low_sample_percentile: None,
    }
}

fn definition(name: &str) -> AlarmDefinition {
    AlarmDefinition::Metric(metric_alarm(name))
}

fn status(state: AlarmState, reason: &str) -> AlarmStatus {
    AlarmStatus {
        state,
        reason: reason.to_owned(),
        reason_data: None,
        updated_at: NOW,
        transitioned_at: NOW,
    }
}

fn item(alarm: &str, at: i64, item_type: HistoryItemType) -> AlarmHistoryItem {
    AlarmHistoryItem {
        tenant: tenant(),
        alarm_name: alarm.to_owned(),
        alarm_type: "MetricAlarm".to_owned(),
        timestamp: TimestampMs(at),
        item_type,
        summary: format!("{alarm} at {at}"),
        data: "{}".to_owned(),
    }
}

async fn put(
    catalog: &impl Catalog,
    definition: AlarmDefinition,
    expected_version: Option<u64>,
    now: TimestampMs,
) -> Result<AlarmRow> {
    let history = item(
        definition.name(),
        now.0,
        HistoryItemType::ConfigurationUpdate,
    );
    let initial = status(AlarmState::InsufficientData, "new");
    let tags = pairs(&[("created", &now.0.to_string())]);
    catalog
        .put_alarm(
            &tenant(),
            definition,
            initial,
            tags,
            history,
            expected_version,
            now,
        )
        .await
}

pub async fn create(catalog: &impl Catalog, name: &str) -> AlarmRow {
    let row = put(catalog, definition(name), None, NOW).await;
    row.expect("alarm")
}

pub fn transition(row: &AlarmRow, state: AlarmState) -> AlarmTransition {
    AlarmTransition {
        tenant: row.tenant.clone(),
        name: row.definition.name().to_owned(),
        expected_version: row.version,
        status: status(state, "because"),
        history: vec![item(row.definition.name(), 1, HistoryItemType::StateUpdate)],
        outbox: vec![super::outbox::new_row("alarm", None)],
    }
}

async fn history_len(catalog: &impl Catalog) -> usize {
    let page = catalog
        .alarm_history(&tenant(), &HistoryFilter::default(), None, 1_000)
        .await;
    page.expect("history").items.len()
}

async fn get(catalog: &impl Catalog, name: &str) -> Option<AlarmRow> {
    catalog.alarm(&tenant(), name).await.expect("read")
}

pub async fn creates_then_replaces(catalog: &impl Catalog) {
    let generation = catalog.alarms_generation().await.expect("generation");
    let created = create(catalog, "a").await;
    assert_eq!(
        created,
        AlarmRow {
            tenant: tenant(),
            definition: definition("a"),
            status: status(AlarmState::InsufficientData, "new"),
            created_at: NOW,
            configured_at: NOW,
            version: created.version,
        }
    );
    assert_eq!(get(catalog, "a").await, Some(created.clone()));
    let foreign = catalog.alarm(&stranger(), "a").await;
    assert_eq!(foreign.expect("none"), None);
    let next = catalog.alarms_generation().await.expect("generation");
    assert!(next > generation);

    let alarming = transition(&created, AlarmState::Alarm);
    catalog.transition_alarm(alarming).await.expect("alarming");
    // A state is no definition.
    let same = catalog.alarms_generation().await.expect("generation");
    assert_eq!(same, next);

    let mut changed = metric_alarm("a");
    changed.threshold = -1e300;
    let changed = AlarmDefinition::Metric(changed);
    let replaced = put(catalog, changed.clone(), None, NOW + 5).await;
    let replaced = replaced.expect("replaced");
    assert_eq!(replaced.definition, changed);
    assert_eq!(replaced.status, status(AlarmState::Alarm, "because"));
    assert_eq!(replaced.created_at, NOW);
    assert_eq!(replaced.configured_at, NOW + 5);
    assert!(replaced.version > created.version);
    assert_eq!(get(catalog, "a").await, Some(replaced));
    // The tags of the creation stay.
    let tags = catalog.tags(&arn::alarm(&tenant(), "a")).await;
    assert_eq!(
        tags.expect("tags"),
        pairs(&[("created", &NOW.0.to_string())])
    );
    assert_eq!(history_len(catalog).await, 3);
    let last = catalog.alarms_generation().await.expect("generation");
    assert!(last > next);
}

pub async fn tell_what_changed_after_a_version(catalog: &impl Catalog) {
    let a = create(catalog, "a").await;
    let b = create(catalog, "b").await;
    let changed_after = |version| async move {
        let rows = catalog.alarms_changed_after(version).await;
        rows.expect("read")
    };
    assert_eq!(changed_after(0).await, [a.clone(), b.clone()]);
    assert_eq!(changed_after(a.version).await, std::slice::from_ref(&b));
    assert!(changed_after(b.version).await.is_empty());
    let alarming = transition(&a, AlarmState::Alarm);
    let version = catalog.transition_alarm(alarming).await.expect("alarming");
    let changed = changed_after(b.version).await;
    assert_eq!(changed.len(), 1);
    assert_eq!(
        (changed[0].version, changed[0].status.state),
        (version, AlarmState::Alarm)
    );
}

pub async fn guards_a_put_by_its_version(catalog: &impl Catalog) {
    let gone = put(catalog, definition("a"), Some(3), NOW).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })));
    let created = put(catalog, definition("a"), Some(0), NOW).await;
    let created = created.expect("created");
    for wrong in [0, created.version + 1] {
        let refused = put(catalog, definition("a"), Some(wrong), NOW).await;
        assert!(matches!(refused, Err(Error::Conflict { .. })));
    }
    assert_eq!(get(catalog, "a").await, Some(created.clone()));
    assert_eq!(history_len(catalog).await, 1);
    let replaced = put(catalog, definition("a"), Some(created.version), NOW).await;
    assert!(replaced.expect("replaced").version > created.version);
}

pub async fn refuses_numbers_json_cannot_hold(catalog: &impl Catalog) {
    for threshold in [f64::NAN, f64::INFINITY] {
        let mut alarm = metric_alarm("a");
        alarm.threshold = threshold;
        let refused = put(catalog, AlarmDefinition::Metric(alarm), None, NOW).await;
        assert!(matches!(refused, Err(Error::Unstorable { .. })));
    }
    assert_eq!(get(catalog, "a").await, None);
}

pub async fn transition_is_one_transaction(catalog: &impl Catalog) {
    let row = create(catalog, "a").await;
    let change = transition(&row, AlarmState::Alarm);
    let version = catalog.transition_alarm(change.clone()).await;
    let version = version.expect("transition");
    let stored = get(catalog, "a").await.expect("row");
    assert_eq!(stored.version, version);
    assert_eq!(stored.status, change.status);
    assert_eq!(stored.configured_at, NOW);
    assert_eq!(history_len(catalog).await, 2);
    assert_eq!(catalog.outbox_len().await.expect("len"), 1);

    // The same decision again lost its base: no history, no second message.
    let mut again = change.clone();
    again.outbox = vec![super::outbox::new_row("another", None)];
    let again = catalog.transition_alarm(again).await;
    assert!(matches!(again, Err(Error::Conflict { .. })));
    let mut missing = change;
    missing.name = "b".to_owned();
    let missing = catalog.transition_alarm(missing).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    assert_eq!(get(catalog, "a").await, Some(stored));
    assert_eq!(history_len(catalog).await, 2);
    assert_eq!(catalog.outbox_len().await.expect("len"), 1);
}

pub async fn never_uses_a_version_twice(catalog: &impl Catalog) {
    let old = create(catalog, "a").await;
    let names = ["a".to_owned()];
    let deleted = catalog.delete_alarms(&tenant(), &names, Vec::new()).await;
    deleted.expect("deleted");
    let new = create(catalog, "a").await;
    assert!(new.version > old.version);
    // What was decided about the old alarm must not be applied to its namesake.
    let stale = catalog
        .transition_alarm(transition(&old, AlarmState::Alarm))
        .await;
    assert!(matches!(stale, Err(Error::Conflict { .. })));
}

pub async fn alarms_page_and_filter(catalog: &impl Catalog) {
    for name in ["b", "a", "B", "ab", "a%"] {
        create(catalog, name).await;
    }
    let a = get(catalog, "a").await.expect("row");
    let ok = transition(&a, AlarmState::Ok);
    catalog.transition_alarm(ok).await.expect("ok");

    let find = |filter: AlarmFilter, limit| async move {
        let mut names = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = catalog
                .alarms(&tenant(), &filter, after.as_deref(), limit)
                .await
                .expect("page");
            assert!(page.items.len() <= limit);
            names.extend(
                page.items
                    .iter()
                    .map(|row| row.definition.name().to_owned()),
            );
            after = page.next_after;
            if after.is_none() {
                return names;
            }
        }
    };
    let all = AlarmFilter::default();
    let prefix = AlarmFilter {
        prefix: Some("a".to_owned()),
        ..all.clone()
    };
    let names = AlarmFilter {
        names: vec!["b".to_owned(), "x".to_owned(), "a".to_owned()],
        ..all.clone()
    };
    let state = AlarmFilter {
        state: Some(AlarmState::Ok),
        ..all.clone()
    };
    let action = AlarmFilter {
        action_prefix: Some("arn:aws:sns:eu-west-1:111122223333:a".to_owned()),
        ..all.clone()
    };
    for limit in 1..7 {
        assert_eq!(find(all.clone(), limit).await, ["B", "a", "a%", "ab", "b"]);
        assert_eq!(find(prefix.clone(), limit).await, ["a", "a%", "ab"]);
        assert_eq!(find(names.clone(), limit).await, ["a", "b"]);
        assert_eq!(find(state.clone(), limit).await, ["a"]);
        assert_eq!(find(action.clone(), limit).await, ["a", "a%", "ab"]);
    }
    let rows = catalog.all_alarms().await.expect("all");
    assert_eq!(rows.len(), 5);
    let foreign = catalog.alarms(&stranger(), &all, None, 5).await;
    assert_eq!(foreign.expect("none").items, []);
}

pub async fn deletes_those_that_exist(catalog: &impl Catalog) {
    create(catalog, "a").await;
    create(catalog, "b").await;
    let names = ["a", "nowhere"].map(String::from);
    let history = names
        .iter()
        .map(|name| item(name, 7, HistoryItemType::ConfigurationUpdate))
        .collect();
    let generation = catalog.alarms_generation().await.expect("generation");
    let deleted = catalog.delete_alarms(&tenant(), &names, history).await;
    deleted.expect("deleted");
    assert!(catalog.alarms_generation().await.expect("generation") > generation);
    assert_eq!(get(catalog, "a").await, None);
    assert!(get(catalog, "b").await.is_some());
    let tags = catalog.tags(&arn::alarm(&tenant(), "a")).await;
    assert_eq!(tags.expect("tags"), []);
    // Two creations and one deletion.
    assert_eq!(history_len(catalog).await, 3);
}

pub async fn history_pages_both_ways(catalog: &impl Catalog) {
    use HistoryItemType::{Action, StateUpdate};
    let items = vec![
        item("a", 10, StateUpdate),
        item("a", 10, Action),
        item("b", 5, StateUpdate),
        item("a", 20, StateUpdate),
    ];
    let newest_first = [&items[3], &items[1], &items[0], &items[2]].map(Clone::clone);
    let mut foreign = item("a", 10, StateUpdate);
    foreign.tenant = stranger();
    let mut appended = items.clone();
    appended.push(foreign);
    catalog
        .append_alarm_history(appended)
        .await
        .expect("append");

    let read = |filter: HistoryFilter, limit| async move {
        let mut read = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = catalog
                .alarm_history(&tenant(), &filter, after.as_deref(), limit)
                .await
                .expect("page");
            assert!(page.items.len() <= limit);
            read.extend(page.items);
            after = page.next_after;
            if after.is_none() {
                return read;
            }
        }
    };
    let all = HistoryFilter::default();
    for limit in 1..6 {
        assert_eq!(read(all.clone(), limit).await, newest_first);
        let ascending = HistoryFilter {
            ascending: true,
            ..all.clone()
        };
        let mut oldest_first = newest_first.to_vec();
        oldest_first.reverse();
        assert_eq!(read(ascending, limit).await, oldest_first);
        let of_b = HistoryFilter {
            alarm_name: Some("b".to_owned()),
            ..all.clone()
        };
        assert_eq!(read(of_b, limit).await, items[2..3]);
        let between = HistoryFilter {
            start: Some(TimestampMs(5)),
            end: Some(TimestampMs(10)),
            item_type: Some(StateUpdate),
            alarm_types: vec!["MetricAlarm".to_owned()],
            ..all.clone()
        };
        let expected = [items[0].clone(), items[2].clone()];
        assert_eq!(read(between, limit).await, expected);
        let composite = HistoryFilter {
            alarm_types: vec!["CompositeAlarm".to_owned()],
            ..all.clone()
        };
        assert_eq!(read(composite, limit).await, []);
    }
    for cursor in ["x", "1 x"] {
        let foreign = catalog
            .alarm_history(&tenant(), &all, Some(cursor), 1)
            .await;
        assert!(matches!(foreign, Err(Error::InvalidCursor { .. })));
    }

    let trimmed = catalog.trim_alarm_history(TimestampMs(10)).await;
    assert_eq!(trimmed.expect("trimmed"), 1);
    assert_eq!(read(all, 9).await, newest_first[..3]);
}

/// Fifty tasks hold the same version; each round one of them wins, the others see a conflict,
/// read again and go on until every one has won once.
pub async fn one_of_fifty_wins_each_round(catalog: &impl Catalog) {
    create(catalog, "a").await;
    let tasks = (0..50).map(|n| async move {
        let mut conflicts = 0_u32;
        loop {
            let row = get(catalog, "a").await.expect("row");
            let mut change = transition(&row, AlarmState::Alarm);
            change.outbox = vec![super::outbox::new_row(&format!("task {n}"), None)];
            match catalog.transition_alarm(change).await {
                Ok(version) => return (version, conflicts),
                Err(Error::Conflict { .. }) => conflicts += 1,
                Err(error) => panic!("{error}"),
            }
        }
    });
    let won = join_all(tasks).await;
    let versions: BTreeSet<u64> = won.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions.len(), 50);
    assert!(won.iter().any(|(_, conflicts)| *conflicts > 0));
    let row = get(catalog, "a").await.expect("row");
    assert_eq!(Some(&row.version), versions.last());
    assert_eq!(history_len(catalog).await, 51);
    assert_eq!(catalog.outbox_len().await.expect("len"), 50);
}
