//! What an alarm action publishes to a topic: the JSON document, the subject, and the object
//! of texts by protocol that carries them (spec alarms.md 18).

use belfry_catalog::alarms::AlarmRow;
use belfry_model::alarm::{AlarmState, AlarmStatus, MetricAlarm};
use belfry_model::{Tenant, TimestampMs, arn};
use serde::Serialize;

use crate::email::{self, EmailContext};
use crate::number::JavaDouble;
use crate::regions::display_name;
use crate::statistic_text;

/// Longest subject, in ASCII characters.
pub const SUBJECT_CHARS_MAX: usize = 100;
/// Ends a name that was cut.
const ELLIPSIS: &str = "...";

/// The former and the new state of an alarm, with its definition.
#[derive(Clone, Copy, Debug)]
pub struct StateChange<'a> {
    pub tenant: &'a Tenant,
    pub alarm: &'a MetricAlarm,
    pub configured_at: TimestampMs,
    pub old_state: AlarmState,
    pub new: &'a AlarmStatus,
}

impl<'a> StateChange<'a> {
    pub fn of(row: &'a AlarmRow, alarm: &'a MetricAlarm, new: &'a AlarmStatus) -> Self {
        Self {
            tenant: &row.tenant,
            alarm,
            configured_at: row.configured_at,
            old_state: row.status.state,
            new,
        }
    }
}

/// The texts of one notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub subject: String,
    /// With `MessageStructure` json: `default`, `sms`, `email`.
    pub message: String,
}

#[derive(Serialize)]
struct Texts<'a> {
    default: &'a str,
    sms: &'a str,
    email: &'a str,
}

/// All texts for a change. `console_url` is where a reader can open the alarm, if anywhere.
pub fn notification(change: &StateChange<'_>, console_url: Option<&str>) -> Notification {
    let subject = subject(change);
    let document = document(change);
    let email = email::text(&EmailContext {
        change,
        region: display_name(&change.tenant.region),
        console_url,
    });
    let texts = Texts {
        default: &document,
        sms: &subject,
        email: &email,
    };
    Notification {
        // Three strings: this cannot fail.
        message: serde_json::to_string(&texts).unwrap_or(document),
        subject,
    }
}

/// `ALARM: "name" in EU (Ireland)`: at most 100 ASCII characters, a long name cut, each run of
/// other characters one `_`.
pub fn subject(change: &StateChange<'_>) -> String {
    let name = ascii_only(&change.alarm.name);
    let before = format!("{}: \"", change.new.state);
    let after = format!("\" in {}", ascii_only(display_name(&change.tenant.region)));
    let room = SUBJECT_CHARS_MAX.saturating_sub(before.len() + after.len());
    let name = if name.len() <= room {
        name
    } else {
        let kept: String = name
            .chars()
            .take(room.saturating_sub(ELLIPSIS.len()))
            .collect();
        kept + ELLIPSIS
    };
    let mut subject = before + &name + &after;
    // Only a region with an endless name gets here.
    subject.truncate(SUBJECT_CHARS_MAX);
    subject
}

/// One `_` for each run of characters outside of printable ASCII.
fn ascii_only(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    let mut in_run = false;
    for c in text.chars() {
        let printable = c == ' ' || c.is_ascii_graphic();
        if printable {
            ascii.push(c);
        } else if !in_run {
            ascii.push('_');
        }
        in_run = !printable;
    }
    ascii
}

/// Members in the order of the recordings.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    alarm_name: &'a str,
    alarm_description: Option<&'a str>,
    #[serde(rename = "AWSAccountId")]
    aws_account_id: &'a str,
    alarm_configuration_updated_timestamp: String,
    new_state_value: AlarmState,
    new_state_reason: &'a str,
    state_change_time: String,
    region: &'a str,
    alarm_arn: String,
    old_state_value: AlarmState,
    action_executed_after_mute_window: bool,
    #[serde(rename = "OKActions")]
    ok_actions: &'a [String],
    alarm_actions: &'a [String],
    insufficient_data_actions: &'a [String],
    trigger: Trigger<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Trigger<'a> {
    metric_name: &'a str,
    namespace: &'a str,
    statistic_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_statistic: Option<String>,
    unit: Option<&'static str>,
    dimensions: Vec<TriggerDimension<'a>>,
    period: u32,
    evaluation_periods: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoints_to_alarm: Option<u32>,
    comparison_operator: &'static str,
    threshold: JavaDouble,
    treat_missing_data: &'static str,
    evaluate_low_sample_count_percentile: &'static str,
}

#[derive(Serialize)]
struct TriggerDimension<'a> {
    value: &'a str,
    name: &'a str,
}

impl<'a> Trigger<'a> {
    fn of(alarm: &'a MetricAlarm) -> Self {
        let statistic = statistic_text::plain_name(&alarm.statistic);
        let extended = statistic.is_none();
        Self {
            metric_name: &alarm.metric.name,
            namespace: &alarm.metric.namespace,
            statistic_type: if extended {
                "ExtendedStatistic"
            } else {
                "Statistic"
            },
            statistic,
            extended_statistic: extended.then(|| alarm.statistic.to_string()),
            unit: alarm.unit.map(|unit| unit.as_str()),
            dimensions: alarm
                .metric
                .dimensions()
                .iter()
                .map(|d| TriggerDimension {
                    value: &d.value,
                    name: &d.name,
                })
                .collect(),
            period: alarm.period_s,
            evaluation_periods: alarm.evaluation_periods,
            datapoints_to_alarm: alarm.datapoints_to_alarm,
            comparison_operator: alarm.comparison.as_str(),
            threshold: JavaDouble(alarm.threshold),
            treat_missing_data: alarm.treat_missing_data.map_or("", |t| t.as_str()),
            evaluate_low_sample_count_percentile: alarm
                .low_sample_percentile
                .map_or("", |l| l.as_str()),
        }
    }
}

/// The JSON document.
pub fn document(change: &StateChange<'_>) -> String {
    let StateChange { tenant, alarm, .. } = change;
    let document = Document {
        alarm_name: &alarm.name,
        alarm_description: alarm.description.as_deref(),
        aws_account_id: &tenant.account,
        alarm_configuration_updated_timestamp: change.configured_at.to_alarm_text(),
        new_state_value: change.new.state,
        new_state_reason: &change.new.reason,
        state_change_time: change.new.transitioned_at.to_alarm_text(),
        region: display_name(&tenant.region),
        alarm_arn: arn::alarm(tenant, &alarm.name),
        old_state_value: change.old_state,
        action_executed_after_mute_window: false,
        ok_actions: &alarm.ok_actions,
        alarm_actions: &alarm.alarm_actions,
        insufficient_data_actions: &alarm.insufficient_data_actions,
        trigger: Trigger::of(alarm),
    };
    // Strings, numbers and lists of them: this cannot fail.
    serde_json::to_string(&document).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn status(state: AlarmState) -> AlarmStatus {
        AlarmStatus {
            state,
            reason: "Threshold \"Crossed\"".to_owned(),
            reason_data: None,
            updated_at: sample::at("2026-02-03T10:06:21.130Z"),
            transitioned_at: sample::at("2026-02-03T10:06:21.130Z"),
        }
    }

    fn change<'a>(
        tenant: &'a Tenant,
        alarm: &'a MetricAlarm,
        new: &'a AlarmStatus,
    ) -> StateChange<'a> {
        StateChange {
            tenant,
            alarm,
            configured_at: sample::at("2026-02-01T08:00:00.123Z"),
            old_state: AlarmState::Ok,
            new,
        }
    }

    #[test]
    fn document_has_the_recorded_members_in_order() {
        let (tenant, mut alarm, new) =
            (sample::tenant(), sample::alarm(), status(AlarmState::Alarm));
        alarm.treat_missing_data = Some(belfry_model::alarm::TreatMissingData::Missing);
        assert_eq!(
            document(&change(&tenant, &alarm, &new)),
            concat!(
                r#"{"AlarmName":"checkout-latency","AlarmDescription":null,"AWSAccountId":"111122223333","#,
                r#""AlarmConfigurationUpdatedTimestamp":"2026-02-01T08:00:00.123+0000","NewStateValue":"ALARM","#,
                r#""NewStateReason":"Threshold \"Crossed\"","StateChangeTime":"2026-02-03T10:06:21.130+0000","#,
                r#""Region":"EU (Ireland)","AlarmArn":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-latency","#,
                r#""OldStateValue":"OK","ActionExecutedAfterMuteWindow":false,"OKActions":[],"#,
                r#""AlarmActions":["arn:aws:sns:eu-west-1:111122223333:ops"],"InsufficientDataActions":[],"#,
                r#""Trigger":{"MetricName":"Latency","Namespace":"Shop/Api","StatisticType":"Statistic","#,
                r#""Statistic":"AVERAGE","Unit":null,"Dimensions":[{"value":"/pay","name":"Route"}],"Period":60,"#,
                r#""EvaluationPeriods":3,"DatapointsToAlarm":2,"ComparisonOperator":"GreaterThanThreshold","#,
                r#""Threshold":7.0,"TreatMissingData":"missing","EvaluateLowSampleCountPercentile":""}}"#
            )
        );
    }

    #[test]
    fn what_was_not_given_is_left_out_or_empty() {
        let (tenant, mut alarm, new) = (sample::tenant(), sample::alarm(), status(AlarmState::Ok));
        alarm.datapoints_to_alarm = None;
        let text = document(&change(&tenant, &alarm, &new));
        assert!(!text.contains("DatapointsToAlarm"));
        assert!(text.contains(r#""TreatMissingData":"","#));
    }

    #[test]
    fn subjects_fit() {
        let (tenant, mut alarm, new) =
            (sample::tenant(), sample::alarm(), status(AlarmState::Alarm));
        assert_eq!(
            subject(&change(&tenant, &alarm, &new)),
            "ALARM: \"checkout-latency\" in EU (Ireland)"
        );
        alarm.name = "größe—日本 x".to_owned();
        assert_eq!(
            subject(&change(&tenant, &alarm, &new)),
            "ALARM: \"gr_e_ x\" in EU (Ireland)"
        );
        alarm.name = "n".repeat(255);
        let long = subject(&change(&tenant, &alarm, &new));
        assert_eq!(long.len(), SUBJECT_CHARS_MAX);
        assert!(long.starts_with("ALARM: \"nnn"));
        assert!(long.ends_with("n...\" in EU (Ireland)"));
        let nowhere = Tenant::new("111122223333", "x".repeat(300));
        assert!(subject(&change(&nowhere, &alarm, &new)).len() <= SUBJECT_CHARS_MAX);
    }

    #[test]
    fn each_protocol_has_its_text() {
        let (tenant, alarm, new) = (sample::tenant(), sample::alarm(), status(AlarmState::Alarm));
        let change = change(&tenant, &alarm, &new);
        let notification = notification(&change, None);
        let texts: serde_json::Value =
            serde_json::from_str(&notification.message).expect("an object");
        assert_eq!(texts["sms"], notification.subject);
        assert_eq!(texts["default"], document(&change));
        assert!(
            texts["email"]
                .as_str()
                .expect("text")
                .starts_with("ALARM: checkout-latency")
        );
    }
}
