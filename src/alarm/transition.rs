//! What must happen together when an alarm's state changes: the new status, its history, and
//! an outbox row for each action (spec alarms.md 7).

use belfry_catalog::alarms::{AlarmDefinition, AlarmRow, AlarmTransition};
use belfry_catalog::outbox::NewOutboxRow;
use belfry_model::alarm::{AlarmStatus, MetricAlarm};
use belfry_model::arn;
use belfry_notify::history::action_item;
use belfry_notify::message::{
    AlarmAction, Message, MessageAttributes, PublishPayload, STRUCTURE_JSON, new_message_id,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::actions::{ActionKind, actions_of};
use crate::document::{Notification, StateChange, notification};
use crate::error::Result;
use crate::history;
use crate::range::stable_hash;

/// The error in the history of an action that has no destination here (spec alarms.md 20).
const UNMAPPED: &str = "no destination is configured for this action";

/// How notifications are worded.
#[derive(Clone, Debug, Default)]
pub struct ActionSettings {
    /// Where people open alarms: mails link to `<console_url>/alarms/<region>/<name>`. Without
    /// it they have no link.
    pub console_url: Option<String>,
}

impl ActionSettings {
    fn alarm_url(&self, region: &str, name: &str) -> Option<String> {
        let base = self.console_url.as_deref()?.trim_end_matches('/');
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        Some(format!("{base}/alarms/{region}/{name}"))
    }
}

/// The change of `row` to `status`, to be written on the version of `row`. The same state
/// again changes reason and time, and runs nothing.
///
/// # Errors
/// `Notification` if a payload cannot be written as JSON.
pub fn transition(
    settings: &ActionSettings,
    row: &AlarmRow,
    status: AlarmStatus,
) -> Result<AlarmTransition> {
    let AlarmDefinition::Metric(alarm) = &row.definition;
    let mut items = Vec::new();
    let mut outbox = Vec::new();
    if status.state != row.status.state {
        items.push(history::state_updated(
            &row.tenant,
            &alarm.name,
            &row.status,
            &status,
        ));
        let runs = actions_to_run(alarm, &status);
        if !runs.is_empty() {
            let url = settings.alarm_url(&row.tenant.region, &alarm.name);
            let told = notification(&StateChange::of(row, alarm, &status), url.as_deref());
            for (arn, kind) in runs {
                let action = AlarmAction {
                    alarm_name: alarm.name.clone(),
                    alarm_type: history::METRIC_ALARM.to_owned(),
                    action_arn: arn.to_owned(),
                    state_updated_at: status.updated_at,
                };
                if kind == ActionKind::Sns {
                    outbox.push(publish(row, &status, &told, action)?);
                } else {
                    let (tenant, now) = (&row.tenant, status.updated_at);
                    items.push(action_item(
                        tenant,
                        &action,
                        &told.message,
                        Some(UNMAPPED),
                        now,
                    ));
                }
            }
        }
    }
    Ok(AlarmTransition {
        tenant: row.tenant.clone(),
        name: alarm.name.clone(),
        expected_version: row.version,
        status,
        history: items,
        outbox,
    })
}

/// The actions of the new state, each once.
fn actions_to_run<'a>(alarm: &'a MetricAlarm, status: &AlarmStatus) -> Vec<(&'a str, ActionKind)> {
    if !alarm.actions_enabled {
        return Vec::new();
    }
    let mut runs: Vec<(&str, ActionKind)> = Vec::new();
    for arn in actions_of(alarm, status.state) {
        // What is no action was refused when the alarm was put.
        let Some(kind) = ActionKind::of(arn).filter(|kind| kind.runs_in(status.state)) else {
            continue;
        };
        if runs.iter().all(|(known, _)| known != arn) {
            runs.push((arn, kind));
        }
    }
    runs
}

fn publish(
    row: &AlarmRow,
    status: &AlarmStatus,
    told: &Notification,
    action: AlarmAction,
) -> Result<NewOutboxRow> {
    let alarm_arn = arn::alarm(&row.tenant, &action.alarm_name);
    let topic_arn = action.action_arn.clone();
    // Versions are never used twice, so this names the transition: another attempt to write
    // it, on another node or after a crash, inserts nothing.
    let idempotency_key = format!("alarm|{alarm_arn}|{}|{topic_arn}", row.version);
    // One group for each alarm keeps its messages in order (spec alarms.md 18).
    let fifo = topic_arn.ends_with(".fifo");
    let message = Message {
        topic_arn,
        message_id: new_message_id(),
        timestamp: status.updated_at,
        subject: Some(told.subject.clone()),
        message: told.message.clone(),
        message_structure: Some(STRUCTURE_JSON.to_owned()),
        attributes: MessageAttributes::default(),
        group_id: fifo.then(|| format!("{:016x}", stable_hash(&alarm_arn))),
        deduplication_id: fifo.then(|| format!("{alarm_arn}:{}", row.version)),
    };
    let mut outbox = PublishPayload::of_alarm(message, action).into_row(&row.tenant)?;
    outbox.idempotency_key = idempotency_key;
    Ok(outbox)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use belfry_model::TimestampMs;
    use belfry_model::alarm::AlarmState;

    fn row(alarm: MetricAlarm, state: AlarmState) -> AlarmRow {
        AlarmRow {
            tenant: sample::tenant(),
            definition: AlarmDefinition::Metric(alarm),
            status: status(state),
            created_at: TimestampMs(0),
            configured_at: TimestampMs(0),
            version: 7,
        }
    }

    fn status(state: AlarmState) -> AlarmStatus {
        AlarmStatus {
            state,
            reason: "why".to_owned(),
            reason_data: None,
            updated_at: TimestampMs(60_000),
            transitioned_at: TimestampMs(60_000),
        }
    }

    fn written(alarm: MetricAlarm, to: AlarmState) -> AlarmTransition {
        let row = row(alarm, AlarmState::Ok);
        transition(&ActionSettings::default(), &row, status(to)).expect("a transition")
    }

    #[test]
    fn each_topic_is_published_to_once() {
        let mut alarm = sample::alarm();
        let fifo = format!("{}.fifo", sample::TOPIC);
        alarm
            .alarm_actions
            .extend([sample::TOPIC.to_owned(), fifo.clone()]);
        let transition = written(alarm, AlarmState::Alarm);
        assert_eq!(transition.expected_version, 7);
        assert_eq!(transition.history.len(), 1);
        let keys: Vec<&str> = transition
            .outbox
            .iter()
            .map(|row| row.idempotency_key.as_str())
            .collect();
        let alarm_arn = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-latency";
        assert_eq!(
            keys,
            [
                format!("alarm|{alarm_arn}|7|{}", sample::TOPIC),
                format!("alarm|{alarm_arn}|7|{fifo}")
            ]
        );
        let read = |row: &NewOutboxRow| {
            serde_json::from_value::<PublishPayload>(row.payload.clone()).expect("a payload")
        };
        let standard = read(&transition.outbox[0]);
        assert_eq!(standard.message.group_id, None);
        let action = standard.alarm.expect("from an alarm");
        assert_eq!(action.alarm_name, "checkout-latency");
        assert_eq!(action.state_updated_at, TimestampMs(60_000));
        let ordered = read(&transition.outbox[1]);
        assert_eq!(ordered.message.group_id.map(|id| id.len()), Some(16));
    }

    #[test]
    fn what_has_no_destination_fails_in_the_history() {
        let mut alarm = sample::alarm();
        let lambda = "arn:aws:lambda:eu-west-1:111122223333:function:fix";
        let ops_item = "arn:aws:ssm:eu-west-1:111122223333:opsitem:3";
        alarm.ok_actions = vec![lambda.to_owned(), ops_item.to_owned()];
        alarm.alarm_actions = vec![ops_item.to_owned()];
        let failed = |transition: &AlarmTransition| {
            let summaries = transition.history.iter().skip(1).map(|i| i.summary.clone());
            summaries.collect::<Vec<_>>()
        };
        let to_alarm = written(alarm.clone(), AlarmState::Alarm);
        assert!(to_alarm.outbox.is_empty());
        assert_eq!(
            failed(&to_alarm),
            [format!(
                "Failed to execute action {ops_item}. Received error: \"{UNMAPPED}\""
            )]
        );
        let row = row(alarm, AlarmState::Alarm);
        let to_ok = transition(&ActionSettings::default(), &row, status(AlarmState::Ok));
        let failed_ok = failed(&to_ok.expect("a transition"));
        assert_eq!(failed_ok.len(), 1, "OpsItems are for ALARM only");
        assert!(failed_ok[0].contains(lambda));
    }

    #[test]
    fn nothing_runs_when_disabled_or_unchanged() {
        let mut alarm = sample::alarm();
        assert!(written(alarm.clone(), AlarmState::Ok).history.is_empty());
        alarm.actions_enabled = false;
        let disabled = written(alarm, AlarmState::Alarm);
        assert_eq!(disabled.history.len(), 1);
        assert!(disabled.outbox.is_empty());
    }

    #[test]
    fn mails_link_to_the_console() {
        let settings = ActionSettings {
            console_url: Some("http://localhost:2355/".to_owned()),
        };
        assert_eq!(
            settings.alarm_url("eu-west-1", "a/b c").as_deref(),
            Some("http://localhost:2355/alarms/eu-west-1/a%2Fb%20c")
        );
    }
}
