//! Alarms from their creation on, by service, runner and catalog together, on a clock that
//! only moves when told.

use std::sync::Arc;

use crate::changes::AlarmChanges;
use crate::error::Error;
use crate::lease::{LEASE_MS, RETRY_MS};
use crate::runner::{AlarmRunner, RunReport, RunnerConfig};
use crate::sample::{self, FakeSource, at};
use crate::schedule::OffsetRule;
use crate::service::AlarmService;
use crate::transition::ActionSettings;
use belfry_catalog::alarms::{AlarmRow, HistoryFilter, HistoryItemType};
use belfry_catalog::topics::TopicRow;
use belfry_catalog::{AlarmCatalog, OutboxCatalog, SqliteCatalog, TopicCatalog};
use belfry_model::alarm::{AlarmState, MetricAlarm};
use belfry_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use belfry_model::{Clock, ManualClock};
use belfry_notify::message::PublishPayload;
use belfry_notify::{NoObserver, Notifications, NotifyConfig};

struct Setting {
    clock: Arc<ManualClock>,
    catalog: Arc<SqliteCatalog>,
    source: Arc<FakeSource>,
    runner: AlarmRunner<SqliteCatalog>,
    service: AlarmService<SqliteCatalog>,
}

fn runner(
    catalog: &Arc<SqliteCatalog>,
    source: &Arc<FakeSource>,
    changes: &Arc<AlarmChanges>,
    owner: &str,
) -> AlarmRunner<SqliteCatalog> {
    let config = RunnerConfig {
        offsets: OffsetRule::None,
        ..RunnerConfig::new(owner)
    };
    AlarmRunner::new(catalog.clone(), source.clone(), changes.clone(), config)
}

/// Midnight of 1 March 2026, nothing there.
async fn setting() -> Setting {
    let clock = ManualClock::new(at("2026-03-01T00:00:00Z"));
    let catalog = Arc::new(SqliteCatalog::open_in_memory().await.expect("a catalog"));
    let source = Arc::new(FakeSource::default());
    let settings = ActionSettings::default();
    let service = AlarmService::new(catalog.clone(), Arc::new(clock.clone()), settings);
    Setting {
        runner: runner(&catalog, &source, &service.changes(), "one"),
        service,
        clock,
        catalog,
        source,
    }
}

impl Setting {
    async fn put(&self, alarm: MetricAlarm) {
        let tenant = sample::tenant();
        let put = self.service.put_alarm(&tenant, alarm, Vec::new());
        put.await.expect("put");
    }

    /// Steps through every turn up to `minutes` from now, as a test clock does.
    async fn advance(&self, minutes: i64) -> RunReport {
        let end = self.clock.now() + minutes * MINUTE_MS;
        let mut total = RunReport::default();
        loop {
            let now = self.clock.now();
            let due = self.runner.next_due(now).await.expect("due");
            if due > end {
                break;
            }
            self.clock.set(due.max(now));
            let report = self.runner.run_due(self.clock.now()).await.expect("run");
            total.evaluated += report.evaluated;
            total.transitions += report.transitions;
            total.failed += report.failed;
        }
        self.clock.set(end);
        total
    }

    async fn row(&self) -> AlarmRow {
        let name = sample::alarm().name;
        let row = self.catalog.alarm(&sample::tenant(), &name).await;
        row.expect("read").expect("the alarm")
    }

    async fn history(&self, item_type: HistoryItemType) -> Vec<String> {
        let filter = HistoryFilter {
            item_type: Some(item_type),
            ascending: true,
            ..HistoryFilter::default()
        };
        let tenant = sample::tenant();
        let page = self.catalog.alarm_history(&tenant, &filter, None, 100);
        let items = page.await.expect("history").items;
        items.into_iter().map(|item| item.summary).collect()
    }
}

#[tokio::test]
async fn an_alarm_goes_through_all_states() {
    let s = setting().await;
    s.put(sample::alarm()).await;
    let row = s.row().await;
    assert_eq!(row.status.state, AlarmState::InsufficientData);
    assert_eq!(row.status.reason, "Unchecked: Initial alarm creation");

    // No data: nothing changes, and nothing is written.
    assert_eq!(s.advance(2).await.evaluated, 2);
    assert_eq!(s.row().await.version, row.version);

    s.source.put("Latency", at("2026-03-01T00:02:10Z"), 3.0);
    assert_eq!(s.advance(1).await.transitions, 1);
    let row = s.row().await;
    assert_eq!(row.status.state, AlarmState::Ok);
    assert_eq!(
        row.status.reason,
        "Threshold Crossed: 1 out of the last 3 datapoints [3.0 (01/03/26 00:02:00)] was not \
         greater than the threshold (7.0) (minimum 2 datapoints for ALARM -> OK transition)."
    );
    assert_eq!(row.status.transitioned_at, at("2026-03-01T00:03:00Z"));

    s.source.put("Latency", at("2026-03-01T00:03:00Z"), 8.5);
    assert_eq!(s.advance(1).await.transitions, 0);
    s.source.put("Latency", at("2026-03-01T00:04:59Z"), 9.0);
    assert_eq!(s.advance(1).await.transitions, 1);
    let row = s.row().await;
    assert_eq!(row.status.state, AlarmState::Alarm);
    assert_eq!(
        row.status.reason,
        "Threshold Crossed: 2 out of the last 3 datapoints [9.0 (01/03/26 00:04:00), 8.5 \
         (01/03/26 00:03:00)] were greater than the threshold (7.0) (minimum 2 datapoints for \
         OK -> ALARM transition)."
    );
    assert_eq!(
        row.status.reason_data.as_deref(),
        Some(concat!(
            r#"{"version":"1.0","queryDate":"2026-03-01T00:05:00.000+0000","#,
            r#""startDate":"2026-03-01T00:02:00.000+0000","statistic":"Average","period":60,"#,
            r#""recentDatapoints":[3.0,8.5,9.0],"threshold":7.0,"evaluatedDatapoints":["#,
            r#"{"timestamp":"2026-03-01T00:04:00.000+0000","sampleCount":1.0,"value":9.0},"#,
            r#"{"timestamp":"2026-03-01T00:03:00.000+0000","sampleCount":1.0,"value":8.5}]}"#
        ))
    );

    s.source.put("Latency", at("2026-03-01T00:05:00Z"), 1.0);
    s.source.put("Latency", at("2026-03-01T00:06:00Z"), 1.0);
    s.advance(2).await;
    assert_eq!(s.row().await.status.state, AlarmState::Ok);
    // The stream ends: the alarm does not know any more.
    s.advance(5).await;
    let row = s.row().await;
    assert_eq!(row.status.state, AlarmState::InsufficientData);
    assert_eq!(
        row.status.reason,
        "Insufficient Data: 3 datapoints were unknown."
    );

    assert_eq!(
        s.history(HistoryItemType::StateUpdate).await,
        [
            "Alarm updated from INSUFFICIENT_DATA to OK",
            "Alarm updated from OK to ALARM",
            "Alarm updated from ALARM to OK",
            "Alarm updated from OK to INSUFFICIENT_DATA",
        ]
    );
    // One notification: only ALARM has an action.
    let now = s.clock.now();
    let rows = s
        .catalog
        .claim_outbox("w", now, 1, 10)
        .await
        .expect("claim");
    assert_eq!(rows.len(), 1);
    let payload: PublishPayload =
        serde_json::from_value(rows[0].payload.clone()).expect("a payload");
    let subject = payload.message.subject.as_deref();
    assert_eq!(subject, Some("ALARM: \"checkout-latency\" in EU (Ireland)"));
    assert!(
        payload
            .message
            .text_for("http")
            .contains(r#""OldStateValue":"OK""#)
    );
    assert!(
        payload
            .message
            .text_for("email")
            .starts_with("ALARM: checkout-latency")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn repeated_and_racing_runs_write_once() {
    let s = setting().await;
    s.put(sample::alarm()).await;
    // Of one owner, so that the lease keeps neither out.
    let racers: Vec<_> = (0..4)
        .map(|_| runner(&s.catalog, &s.source, &s.service.changes(), "one"))
        .collect();
    for racer in &racers {
        racer
            .next_due(s.clock.now())
            .await
            .expect("reads the alarm");
    }
    for minute in 0..4 {
        let time = at("2026-03-01T00:00:00Z") + minute * MINUTE_MS;
        s.source.put("Latency", time, 9.0);
    }
    s.clock.set(at("2026-03-01T00:04:00Z"));
    let now = s.clock.now();
    let tasks: Vec<_> = racers
        .into_iter()
        .map(|racer| tokio::spawn(async move { racer.run_due(now).await.expect("run") }))
        .collect();
    let mut transitions = 0;
    for task in tasks {
        transitions += task.await.expect("no panic").transitions;
    }
    transitions += s.runner.run_due(now).await.expect("run").transitions;
    transitions += s.runner.run_due(now).await.expect("run").transitions;
    assert_eq!(transitions, 1);
    assert_eq!(s.row().await.status.state, AlarmState::Alarm);
    assert_eq!(s.catalog.outbox_len().await.expect("length"), 1);
    assert_eq!(s.history(HistoryItemType::StateUpdate).await.len(), 1);
}

#[tokio::test]
async fn a_lease_keeps_other_nodes_out_until_it_ends() {
    let s = setting().await;
    s.put(sample::alarm()).await;
    let other = runner(&s.catalog, &s.source, &s.service.changes(), "two");
    assert_eq!(s.advance(1).await.evaluated, 1);
    let now = s.clock.now();
    assert_eq!(other.run_due(now).await.expect("run"), RunReport::default());
    let retry = other.next_due(now).await.expect("due");
    assert_eq!(retry, now + RETRY_MS);
    // The first one dies; the second catches up with the turn it could not take.
    let later = now + LEASE_MS;
    assert_eq!(other.run_due(later).await.expect("run").evaluated, 1);
    // And shuts down in order: no waiting.
    other.release().await.expect("release");
    assert_eq!(s.advance(1).await.evaluated, 1);
}

#[tokio::test]
async fn a_state_set_by_hand_falls_back() {
    let s = setting().await;
    s.put(sample::alarm()).await;
    for minute in 0..10 {
        let time = at("2026-03-01T00:00:00Z") + minute * MINUTE_MS;
        s.source.put("Latency", time, 1.0);
    }
    s.advance(2).await;
    assert_eq!(s.row().await.status.state, AlarmState::Ok);
    let tenant = sample::tenant();
    let set = s.service.set_alarm_state(
        &tenant,
        "checkout-latency",
        AlarmState::Alarm,
        "drill".to_owned(),
        Some("[1]".to_owned()),
    );
    set.await.expect("set");
    assert_eq!(s.catalog.outbox_len().await.expect("length"), 1);
    assert_eq!(s.row().await.status.state, AlarmState::Alarm);
    s.advance(1).await;
    assert_eq!(s.row().await.status.state, AlarmState::Ok);
}

#[tokio::test]
async fn alarms_of_a_tick_share_a_read_and_failures_stay_alone() {
    let s = setting().await;
    for i in 0..20 {
        let mut alarm = sample::alarm();
        alarm.name = format!("a{i}");
        let metric = if i == 7 {
            FakeSource::BROKEN
        } else {
            "Latency"
        };
        alarm.metric = belfry_model::MetricId::new("Shop/Api", metric, Vec::new());
        s.put(alarm).await;
    }
    s.source.put("Latency", at("2026-03-01T00:00:10Z"), 1.0);
    let report = s.advance(1).await;
    assert_eq!(report.evaluated, 19);
    assert_eq!(report.transitions, 19);
    assert_eq!(report.failed, 1);
    assert_eq!(s.source.reads(), 1);
    let broken = s
        .catalog
        .alarm(&sample::tenant(), "a7")
        .await
        .expect("read");
    let status = broken.expect("the alarm").status;
    assert_eq!(status.state, AlarmState::InsufficientData);
    // It is tried again before its next turn.
    let now = s.clock.now();
    assert_eq!(s.runner.next_due(now).await.expect("due"), now + 15_000);
}

#[tokio::test]
async fn high_resolution_alarms_have_a_turn_every_ten_seconds() {
    let s = setting().await;
    let mut alarm = sample::alarm();
    alarm.period_s = 10;
    s.put(alarm).await;
    assert_eq!(s.advance(1).await.evaluated, 6);
}

#[tokio::test]
async fn deleted_alarms_are_not_judged_and_their_history_ends_after_30_days() {
    let s = setting().await;
    s.put(sample::alarm()).await;
    s.advance(1).await;
    let names = vec![sample::alarm().name, "unknown".to_owned()];
    let tenant = sample::tenant();
    s.service
        .delete_alarms(&tenant, &names)
        .await
        .expect("delete");
    assert_eq!(s.advance(5).await, RunReport::default());
    assert_eq!(
        s.history(HistoryItemType::ConfigurationUpdate).await,
        [
            r#"Alarm "checkout-latency" created"#,
            r#"Alarm "checkout-latency" deleted"#
        ]
    );
    s.clock.advance_ms(30 * DAY_MS + HOUR_MS);
    s.runner.run_due(s.clock.now()).await.expect("run");
    assert!(
        s.history(HistoryItemType::ConfigurationUpdate)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn setting_the_same_state_runs_nothing() {
    let s = setting().await;
    s.put(sample::alarm()).await;
    let tenant = sample::tenant();
    let name = sample::alarm().name;
    let set = |reason: &'static str, data: Option<&'static str>| {
        s.service.set_alarm_state(
            &tenant,
            &name,
            AlarmState::Alarm,
            reason.to_owned(),
            data.map(ToOwned::to_owned),
        )
    };
    set("first", Some("{\"a\": 1}")).await.expect("set");
    let first = s.row().await.status;
    s.clock.advance_ms(5_000);
    set("", None).await.expect("set");
    let second = s.row().await.status;
    assert_eq!(second.reason, "");
    assert_eq!(second.reason_data, None);
    assert_eq!(second.transitioned_at, first.transitioned_at);
    assert_eq!(second.updated_at, first.updated_at + 5_000);
    assert_eq!(s.catalog.outbox_len().await.expect("length"), 1);
    assert_eq!(s.history(HistoryItemType::StateUpdate).await.len(), 1);

    let refused = set("bad", Some("{nope")).await;
    assert!(matches!(refused, Err(Error::ReasonDataNotJson { .. })));
    assert_eq!(s.row().await.status, second);
    let unknown = s.service.set_alarm_state(
        &tenant,
        "unknown",
        AlarmState::Ok,
        String::new(),
        Some("null".to_owned()),
    );
    assert!(matches!(unknown.await, Err(Error::NoSuchAlarm { .. })));
}

#[tokio::test]
async fn an_update_keeps_the_state_and_is_judged_at_the_next_tick() {
    let s = setting().await;
    s.put(sample::alarm()).await;
    for minute in 0..5 {
        let time = at("2026-03-01T00:00:00Z") + minute * MINUTE_MS;
        s.source.put("Latency", time, 5.0);
    }
    s.advance(2).await;
    s.clock.advance_ms(30_000);
    let mut stricter = sample::alarm();
    stricter.threshold = 4.0;
    s.put(stricter).await;
    let row = s.row().await;
    assert_eq!(row.status.state, AlarmState::Ok);
    assert_eq!(row.configured_at, at("2026-03-01T00:02:30Z"));
    s.advance(1).await;
    let row = s.row().await;
    assert_eq!(row.status.state, AlarmState::Alarm);
    assert_eq!(row.status.transitioned_at, at("2026-03-01T00:03:00Z"));
    assert_eq!(
        s.history(HistoryItemType::ConfigurationUpdate).await,
        [
            r#"Alarm "checkout-latency" created"#,
            r#"Alarm "checkout-latency" updated"#
        ]
    );
}

#[tokio::test]
async fn disabled_actions_do_not_run() {
    let s = setting().await;
    s.put(sample::alarm()).await;
    let tenant = sample::tenant();
    let names = vec!["unknown".to_owned(), sample::alarm().name];
    let switch = |enabled| s.service.set_actions_enabled(&tenant, &names, enabled);
    switch(false).await.expect("disable");
    switch(false).await.expect("disable again");
    for minute in 0..5 {
        let time = at("2026-03-01T00:00:00Z") + minute * MINUTE_MS;
        s.source.put("Latency", time, 9.0);
    }
    s.advance(3).await;
    assert_eq!(s.row().await.status.state, AlarmState::Alarm);
    assert_eq!(s.catalog.outbox_len().await.expect("length"), 0);
    switch(true).await.expect("enable");
    s.advance(1).await;
    assert_eq!(
        s.catalog.outbox_len().await.expect("length"),
        0,
        "no transition"
    );
    // Created, disabled, enabled; what changed nothing is not told.
    assert_eq!(
        s.history(HistoryItemType::ConfigurationUpdate).await.len(),
        3
    );
}

#[tokio::test]
async fn puts_that_race_leave_one_alarm_and_all_history() {
    let s = setting().await;
    let service = Arc::new(s.service);
    let tasks: Vec<_> = (1..=4)
        .map(|i| {
            let service = service.clone();
            let mut alarm = sample::alarm();
            alarm.threshold = f64::from(i);
            tokio::spawn(async move {
                service
                    .put_alarm(&sample::tenant(), alarm, Vec::new())
                    .await
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic").expect("put");
    }
    let filter = HistoryFilter {
        ascending: true,
        ..HistoryFilter::default()
    };
    let tenant = sample::tenant();
    let page = s.catalog.alarm_history(&tenant, &filter, None, 100);
    let items = page.await.expect("history").items;
    let verbs: Vec<&str> = items
        .iter()
        .filter_map(|item| item.summary.rsplit(' ').next())
        .collect();
    assert_eq!(verbs, ["created", "updated", "updated", "updated"]);
}

#[tokio::test]
async fn actions_that_are_none_are_refused() {
    let s = setting().await;
    let mut alarm = sample::alarm();
    alarm.ok_actions = vec!["nobody".to_owned()];
    let tenant = sample::tenant();
    let put = s.service.put_alarm(&tenant, alarm, Vec::new()).await;
    assert!(matches!(put, Err(Error::Definition(_))));
}

#[tokio::test]
async fn the_history_tells_what_became_of_actions() {
    let s = setting().await;
    let tenant = sample::tenant();
    let mut alarm = sample::alarm();
    alarm.alarm_actions.push(format!("{}-gone", sample::TOPIC));
    alarm
        .alarm_actions
        .push("arn:aws:lambda:eu-west-1:111122223333:function:fix".to_owned());
    s.put(alarm).await;
    let topic = TopicRow {
        arn: sample::TOPIC.to_owned(),
        tenant: tenant.clone(),
        name: "ops".to_owned(),
        attributes: Default::default(),
        created_at: s.clock.now(),
        subscriptions_deleted: 0,
    };
    s.catalog
        .create_topic(topic, Vec::new())
        .await
        .expect("topic");
    let notifications = Notifications::open(
        s.catalog.clone(),
        Arc::new(s.clock.clone()),
        NotifyConfig::default(),
        Arc::new(NoObserver),
    );
    let worker = notifications.await.expect("notifications").worker;

    let name = sample::alarm().name;
    let set =
        s.service
            .set_alarm_state(&tenant, &name, AlarmState::Alarm, "drill".to_owned(), None);
    set.await.expect("set");
    worker.run_due(s.clock.now()).await.expect("delivered");
    assert_eq!(s.catalog.outbox_len().await.expect("length"), 0);
    let mut told = s.history(HistoryItemType::Action).await;
    told.sort();
    assert_eq!(
        told,
        [
            "Failed to execute action arn:aws:lambda:eu-west-1:111122223333:function:fix. \
             Received error: \"no destination is configured for this action\"",
            "Failed to execute action arn:aws:sns:eu-west-1:111122223333:ops-gone. \
             Received error: \"Topic does not exist\"",
            "Successfully executed action arn:aws:sns:eu-west-1:111122223333:ops",
        ]
    );
}
