//! The exact items of an alarm's history (spec alarms.md 16). Those on its actions are told by
//! who carries them out, `belfry_notify::history`.

use belfry_catalog::alarms::{AlarmHistoryItem, HistoryItemType};
use belfry_model::alarm::{AlarmState, AlarmStatus, MetricAlarm};
use belfry_model::{Tenant, TimestampMs, arn};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::number::JavaDouble;
use crate::statistic_text;

/// Longest HistoryData, in characters.
pub const DATA_CHARS_MAX: usize = 4_095;
/// How long items are kept (spec alarms.md 16).
pub const RETENTION_MS: i64 = 30 * belfry_model::time::DAY_MS;
/// The kind of the alarms that are evaluated here.
pub const METRIC_ALARM: &str = "MetricAlarm";

const VERSION: &str = "1.0";

/// An alarm definition and when it became that.
#[derive(Clone, Copy, Debug)]
pub struct Configured<'a> {
    pub alarm: &'a MetricAlarm,
    pub at: TimestampMs,
}

/// `Alarm "X" created`.
pub fn created(tenant: &Tenant, new: Configured<'_>) -> AlarmHistoryItem {
    configuration_update(tenant, new, "created", &|fields| {
        ConfigurationData::new("Create").with_created(fields)
    })
}

/// `Alarm "X" updated`, with the former values of what changed.
pub fn updated(tenant: &Tenant, old: Configured<'_>, new: Configured<'_>) -> AlarmHistoryItem {
    let changed = Fields::of(tenant, old).former_values(&Fields::of(tenant, new));
    configuration_update(tenant, new, "updated", &|fields| {
        ConfigurationData::new("Update").with_updated(fields, &changed)
    })
}

/// `Alarm "X" deleted` at `now`.
pub fn deleted(tenant: &Tenant, old: Configured<'_>, now: TimestampMs) -> AlarmHistoryItem {
    let mut item = configuration_update(tenant, old, "deleted", &|fields| {
        ConfigurationData::new("Delete").with_deleted(fields)
    });
    item.timestamp = now;
    item
}

fn configuration_update(
    tenant: &Tenant,
    alarm: Configured<'_>,
    verb: &str,
    data: &dyn for<'f> Fn(&'f Fields) -> ConfigurationData<'f>,
) -> AlarmHistoryItem {
    let name = &alarm.alarm.name;
    let fields = Fields::of(tenant, alarm);
    let full = json(&data(&fields));
    let text = if fits(&full) {
        full
    } else {
        // The description is the longest member nobody parses; then the former values go.
        let short = fields.without_description();
        let mut data = data(&short);
        let text = json(&data);
        if fits(&text) {
            text
        } else {
            data.original_updated_fields = None;
            json(&data)
        }
    };
    AlarmHistoryItem {
        tenant: tenant.clone(),
        alarm_name: name.clone(),
        alarm_type: METRIC_ALARM.to_owned(),
        timestamp: alarm.at,
        item_type: HistoryItemType::ConfigurationUpdate,
        summary: format!("Alarm \"{name}\" {verb}"),
        data: cut(text),
    }
}

/// `Alarm updated from OK to ALARM`.
pub fn state_updated(
    tenant: &Tenant,
    name: &str,
    old: &AlarmStatus,
    new: &AlarmStatus,
) -> AlarmHistoryItem {
    let data = |old_data: bool, new_data: bool| {
        json(&StateData {
            version: VERSION,
            old_state: StateOf::status(old, old_data),
            new_state: StateOf::status(new, new_data),
        })
    };
    // The former reason data goes first, it stands in the former item; then the new one.
    let text = [(true, true), (false, true), (false, false)]
        .into_iter()
        .map(|(old_data, new_data)| data(old_data, new_data))
        .find(|text| fits(text))
        .unwrap_or_else(|| data(false, false));
    AlarmHistoryItem {
        tenant: tenant.clone(),
        alarm_name: name.to_owned(),
        alarm_type: METRIC_ALARM.to_owned(),
        timestamp: new.updated_at,
        item_type: HistoryItemType::StateUpdate,
        summary: format!("Alarm updated from {} to {}", old.state, new.state),
        data: cut(text),
    }
}

fn json(value: &impl Serialize) -> String {
    // Strings, numbers and checked raw JSON only: this cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

fn fits(text: &str) -> bool {
    text.chars().nth(DATA_CHARS_MAX).is_none()
}

/// The last resort: as much as there is room for.
fn cut(text: String) -> String {
    match text.char_indices().nth(DATA_CHARS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigurationData<'a> {
    version: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_alarm: Option<&'a Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_alarm: Option<&'a Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_alarm: Option<&'a Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_updated_fields: Option<Fields>,
}

impl<'a> ConfigurationData<'a> {
    const fn new(r#type: &'static str) -> Self {
        Self {
            version: VERSION,
            r#type,
            created_alarm: None,
            updated_alarm: None,
            deleted_alarm: None,
            original_updated_fields: None,
        }
    }

    fn with_created(mut self, fields: &'a Fields) -> Self {
        self.created_alarm = Some(fields);
        self
    }

    fn with_updated(mut self, fields: &'a Fields, former: &Fields) -> Self {
        self.updated_alarm = Some(fields);
        self.original_updated_fields = Some(former.clone());
        self
    }

    fn with_deleted(mut self, fields: &'a Fields) -> Self {
        self.deleted_alarm = Some(fields);
        self
    }
}

/// The members of a configuration in lowerCamelCase, each as its JSON text.
#[derive(Clone)]
struct Fields(Vec<(&'static str, Box<RawValue>)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

const DESCRIPTION: &str = "alarmDescription";

impl Fields {
    fn of(tenant: &Tenant, configured: Configured<'_>) -> Self {
        let alarm = configured.alarm;
        let mut fields = Self(Vec::with_capacity(20));
        fields.put("alarmName", &alarm.name);
        fields.put("alarmArn", &arn::alarm(tenant, &alarm.name));
        fields.put_given(DESCRIPTION, alarm.description.as_ref());
        fields.put(
            "alarmConfigurationUpdatedTimestamp",
            &configured.at.to_alarm_text(),
        );
        fields.put("actionsEnabled", &alarm.actions_enabled);
        // Not `okActions`: so it is in the recordings.
        fields.put("okactions", &alarm.ok_actions);
        fields.put("alarmActions", &alarm.alarm_actions);
        fields.put("insufficientDataActions", &alarm.insufficient_data_actions);
        fields.put("metricName", &alarm.metric.name);
        fields.put("namespace", &alarm.metric.namespace);
        // A plain statistic too: so it is in the recordings.
        let plain = statistic_text::plain_name(&alarm.statistic);
        let statistic = plain.map_or_else(|| alarm.statistic.to_string(), ToOwned::to_owned);
        fields.put("extendedStatistic", &statistic);
        fields.put("dimensions", &alarm.metric.dimensions());
        fields.put("period", &alarm.period_s);
        fields.put_given("unit", alarm.unit.map(|unit| unit.as_str()).as_ref());
        fields.put("evaluationPeriods", &alarm.evaluation_periods);
        fields.put_given("datapointsToAlarm", alarm.datapoints_to_alarm.as_ref());
        fields.put("threshold", &JavaDouble(alarm.threshold));
        fields.put("comparisonOperator", &alarm.comparison.as_str());
        let treatment = alarm.treat_missing_data.map(|t| t.as_str());
        fields.put_given("treatMissingData", treatment.as_ref());
        let low_samples = alarm.low_sample_percentile.map(|l| l.as_str());
        fields.put_given("evaluateLowSampleCountPercentile", low_samples.as_ref());
        fields
    }

    fn put(&mut self, name: &'static str, value: &impl Serialize) {
        // Strings, numbers and lists of them: this cannot fail.
        if let Ok(raw) = to_raw_value(value) {
            self.0.push((name, raw));
        }
    }

    fn put_given(&mut self, name: &'static str, value: Option<&impl Serialize>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn get(&self, name: &str) -> Option<&RawValue> {
        let found = self.0.iter().find(|(field, _)| *field == name);
        found.map(|(_, value)| &**value)
    }

    /// The values here of all that is different in `new`; null for what was not given here.
    fn former_values(&self, new: &Self) -> Self {
        let text = |value: Option<&RawValue>| value.map(|v| v.get().to_owned());
        let mut former = Self(Vec::new());
        for (name, value) in &self.0 {
            if text(new.get(name)).as_deref() != Some(value.get()) {
                former.0.push((name, value.clone()));
            }
        }
        for (name, _) in &new.0 {
            if self.get(name).is_none() {
                former.put(name, &());
            }
        }
        former
    }

    fn without_description(&self) -> Self {
        let mut short = self.clone();
        short.0.retain(|(name, _)| *name != DESCRIPTION);
        short
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StateData<'a> {
    version: &'static str,
    old_state: StateOf<'a>,
    new_state: StateOf<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StateOf<'a> {
    state_value: AlarmState,
    state_reason: &'a str,
    /// A JSON value, in the spelling of whoever gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason_data: Option<&'a RawValue>,
}

impl<'a> StateOf<'a> {
    fn status(status: &'a AlarmStatus, with_data: bool) -> Self {
        let data = status.reason_data.as_deref().filter(|_| with_data);
        Self {
            state_value: status.state,
            state_reason: &status.reason,
            state_reason_data: data.and_then(|text| serde_json::from_str(text).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn status(state: AlarmState, reason: &str, data: Option<&str>) -> AlarmStatus {
        AlarmStatus {
            state,
            reason: reason.to_owned(),
            reason_data: data.map(ToOwned::to_owned),
            updated_at: TimestampMs(1_770_111_600_000),
            transitioned_at: TimestampMs(1_770_111_600_000),
        }
    }

    #[test]
    fn creation_tells_the_configuration() {
        let alarm = sample::alarm();
        let at = TimestampMs(1_770_111_600_125);
        let item = created(&sample::tenant(), Configured { alarm: &alarm, at });
        assert_eq!(item.summary, r#"Alarm "checkout-latency" created"#);
        assert_eq!(item.timestamp, at);
        assert_eq!(
            item.data,
            concat!(
                r#"{"version":"1.0","type":"Create","createdAlarm":{"alarmName":"checkout-latency","#,
                r#""alarmArn":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-latency","#,
                r#""alarmConfigurationUpdatedTimestamp":"2026-02-03T09:40:00.125+0000","actionsEnabled":true,"#,
                r#""okactions":[],"alarmActions":["arn:aws:sns:eu-west-1:111122223333:ops"],"#,
                r#""insufficientDataActions":[],"metricName":"Latency","namespace":"Shop/Api","#,
                r#""extendedStatistic":"AVERAGE","dimensions":[{"name":"Route","value":"/pay"}],"period":60,"#,
                r#""evaluationPeriods":3,"datapointsToAlarm":2,"threshold":7.0,"#,
                r#""comparisonOperator":"GreaterThanThreshold"}}"#
            )
        );
    }

    #[test]
    fn updates_tell_the_former_values_of_what_changed() {
        let old = sample::alarm();
        let mut new = old.clone();
        new.threshold = 8.0;
        new.datapoints_to_alarm = None;
        new.description = Some("d".to_owned());
        let item = updated(
            &sample::tenant(),
            Configured {
                alarm: &old,
                at: TimestampMs(0),
            },
            Configured {
                alarm: &new,
                at: TimestampMs(60_000),
            },
        );
        assert_eq!(item.summary, r#"Alarm "checkout-latency" updated"#);
        assert!(item.data.contains(r#""threshold":8.0"#));
        assert!(
            item.data.ends_with(concat!(
                r#""originalUpdatedFields":{"alarmConfigurationUpdatedTimestamp":"1970-01-01T00:00:00.000+0000","#,
                r#""datapointsToAlarm":2,"threshold":7.0,"alarmDescription":null}}"#
            )),
            "{}",
            item.data
        );
    }

    #[test]
    fn deletion_is_dated_now() {
        let alarm = sample::alarm();
        let configured = Configured {
            alarm: &alarm,
            at: TimestampMs(5),
        };
        let item = deleted(&sample::tenant(), configured, TimestampMs(9));
        assert_eq!(item.timestamp, TimestampMs(9));
        assert!(
            item.data
                .starts_with(r#"{"version":"1.0","type":"Delete","deletedAlarm":{"#)
        );
    }

    #[test]
    fn state_updates_keep_the_spelling_of_reason_data() {
        let old = status(AlarmState::Ok, "fine", None);
        let new = status(AlarmState::Alarm, "not \"fine\"", Some("[ 1.50, null ]"));
        let item = state_updated(&sample::tenant(), "a", &old, &new);
        assert_eq!(item.summary, "Alarm updated from OK to ALARM");
        assert_eq!(
            item.data,
            concat!(
                r#"{"version":"1.0","oldState":{"stateValue":"OK","stateReason":"fine"},"#,
                r#""newState":{"stateValue":"ALARM","stateReason":"not \"fine\"","stateReasonData":[ 1.50, null ]}}"#
            )
        );
    }

    #[test]
    fn long_data_is_cut_and_stays_json_where_it_can() {
        let big = format!("\"{}\"", "x".repeat(3_900));
        let old = status(AlarmState::Ok, "a", Some(&big));
        let new = status(AlarmState::Alarm, "b", Some(&big));
        let item = state_updated(&sample::tenant(), "a", &old, &new);
        let data: serde_json::Value = serde_json::from_str(&item.data).expect("JSON");
        assert!(data["newState"]["stateReasonData"].is_string());
        assert!(data["oldState"].get("stateReasonData").is_none());

        let mut alarm = sample::alarm();
        alarm.description = Some("\u{1}".repeat(1_024)); // 6 characters each in JSON
        let at = TimestampMs(0);
        let item = created(&sample::tenant(), Configured { alarm: &alarm, at });
        assert!(item.data.chars().count() <= DATA_CHARS_MAX);
        serde_json::from_str::<serde_json::Value>(&item.data).expect("JSON");
    }
}
