//! Random lives of an alarm: data, time, changes by hand and by others, restarts, rival
//! runners. Whatever happens, the alarm is in the state that its data and its orders say, its
//! history is a chain without gaps, and each transition notified once.

use std::sync::Arc;

use belfry_catalog::alarms::{AlarmDefinition, HistoryFilter, HistoryItemType};
use belfry_catalog::{AlarmCatalog, LeaseCatalog, OutboxCatalog, SqliteCatalog};
use belfry_model::alarm::{AlarmState, MetricAlarm, TreatMissingData};
use belfry_model::time::MINUTE_MS;
use belfry_model::{Clock, ManualClock, TimestampMs};
use proptest::prelude::*;

use crate::evaluate::slots;
use crate::range::Window;
use crate::runner::{AlarmRunner, RunnerConfig};
use crate::sample::{self, FakeSource, at};
use crate::schedule::OffsetRule;
use crate::service::AlarmService;
use crate::source::ReadRequest;
use crate::transition::ActionSettings;
use crate::verdict::{Condition, judge};

#[derive(Clone, Debug)]
enum Step {
    Data(f64),
    Minutes(i64),
    SetState(AlarmState),
    Threshold(f64),
    Treatment(TreatMissingData),
    EnableActions(bool),
    /// The process dies and starts again.
    Restart,
    /// Another runner of the same owner does the same work at the same time.
    Rival(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let state = prop_oneof![
        Just(AlarmState::Ok),
        Just(AlarmState::Alarm),
        Just(AlarmState::InsufficientData),
    ];
    let treatment = prop_oneof![
        Just(TreatMissingData::Breaching),
        Just(TreatMissingData::NotBreaching),
        Just(TreatMissingData::Ignore),
        Just(TreatMissingData::Missing),
    ];
    prop_oneof![
        5 => (0u8..15).prop_map(|v| Step::Data(f64::from(v))),
        8 => (1i64..4).prop_map(Step::Minutes),
        1 => state.prop_map(Step::SetState),
        1 => (3u8..12).prop_map(|t| Step::Threshold(f64::from(t))),
        1 => treatment.prop_map(Step::Treatment),
        1 => any::<bool>().prop_map(Step::EnableActions),
        1 => Just(Step::Restart),
        1 => any::<bool>().prop_map(Step::Rival),
    ]
}

/// What should be, computed minute by minute from the rule alone.
struct Model {
    alarm: MetricAlarm,
    state: AlarmState,
    transitions: Vec<(AlarmState, AlarmState)>,
    notified: u64,
}

impl Model {
    fn go_to(&mut self, state: AlarmState) {
        if state != self.state {
            self.transitions.push((self.state, state));
            self.state = state;
            self.notified += u64::from(self.alarm.actions_enabled);
        }
    }

    fn tick(&mut self, source: &FakeSource, instant: TimestampMs) {
        let window = Window::of(&self.alarm, instant);
        let request = ReadRequest::of(&sample::tenant(), &self.alarm, window);
        let datapoints = source.slots(&request).expect("not broken");
        let verdict = judge(&Condition::of(&self.alarm), &slots(&window, &datapoints));
        self.go_to(verdict.state_after(self.state));
    }
}

async fn live(steps: Vec<Step>) {
    let clock = ManualClock::new(at("2026-03-01T00:00:00Z"));
    let catalog = Arc::new(SqliteCatalog::open_in_memory().await.expect("a catalog"));
    let source = Arc::new(FakeSource::default());
    let settings = ActionSettings::default();
    let service = AlarmService::new(catalog.clone(), Arc::new(clock.clone()), settings);
    let start_runner = |owner: usize| {
        let config = RunnerConfig {
            offsets: OffsetRule::None,
            ..RunnerConfig::new(format!("run {owner}"))
        };
        AlarmRunner::new(catalog.clone(), source.clone(), service.changes(), config)
    };
    let tenant = sample::tenant();
    let mut alarm = sample::alarm();
    for actions in [&mut alarm.ok_actions, &mut alarm.insufficient_data_actions] {
        actions.push(sample::TOPIC.to_owned());
    }
    let name = alarm.name.clone();
    let names = vec![name.clone()];
    let put = |alarm: &MetricAlarm| service.put_alarm(&tenant, alarm.clone(), Vec::new());
    put(&alarm).await.expect("put");

    let mut model = Model {
        alarm,
        state: AlarmState::InsufficientData,
        transitions: Vec::new(),
        notified: 0,
    };
    let mut owner = 0;
    let mut runner = start_runner(owner);
    let mut rival = None;
    for step in steps {
        match step {
            Step::Data(value) => source.put("Latency", clock.now(), value),
            Step::Minutes(minutes) => {
                for _ in 0..minutes {
                    let now = clock.now() + MINUTE_MS;
                    model.tick(&source, now);
                    clock.set(now);
                    if let Some(rival) = &rival {
                        let rival: &AlarmRunner<SqliteCatalog> = rival;
                        let (one, two) = tokio::join!(runner.run_due(now), rival.run_due(now));
                        one.and(two).expect("run");
                    }
                    runner.run_due(now).await.expect("run");
                }
            }
            Step::SetState(state) => {
                model.go_to(state);
                let set = service.set_alarm_state(&tenant, &name, state, "drill".to_owned(), None);
                set.await.expect("set");
            }
            Step::Threshold(threshold) => {
                model.alarm.threshold = threshold;
                put(&model.alarm).await.expect("put");
            }
            Step::Treatment(treatment) => {
                model.alarm.treat_missing_data = Some(treatment);
                put(&model.alarm).await.expect("put");
            }
            Step::EnableActions(enabled) => {
                model.alarm.actions_enabled = enabled;
                let switch = service.set_actions_enabled(&tenant, &names, enabled);
                switch.await.expect("switch");
            }
            Step::Restart => {
                owner += 1;
                catalog.void_leases().await.expect("void");
                runner = start_runner(owner);
                rival = None;
            }
            Step::Rival(present) => rival = present.then(|| start_runner(owner)),
        }
        let row = catalog.alarm(&tenant, &name).await.expect("read");
        let row = row.expect("the alarm");
        assert_eq!(row.status.state, model.state);
        assert_eq!(row.definition, AlarmDefinition::Metric(model.alarm.clone()));
    }

    let filter = HistoryFilter {
        item_type: Some(HistoryItemType::StateUpdate),
        ascending: true,
        ..HistoryFilter::default()
    };
    let page = catalog.alarm_history(&tenant, &filter, None, 1_000).await;
    let told: Vec<String> = page
        .expect("history")
        .items
        .into_iter()
        .map(|i| i.summary)
        .collect();
    let expected: Vec<String> = model
        .transitions
        .iter()
        .map(|(from, to)| format!("Alarm updated from {from} to {to}"))
        .collect();
    assert_eq!(told, expected);
    assert_eq!(catalog.outbox_len().await.expect("length"), model.notified);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn end_as_the_rule_says(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        runtime.block_on(live(steps));
    }
}
