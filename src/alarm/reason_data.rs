//! StateReasonData, the machine-readable half of a reason (spec alarms.md 8).

use belfry_model::TimestampMs;
use belfry_model::alarm::{AlarmState, MetricAlarm};
use serde::Serialize;

use crate::number::JavaDouble;
use crate::reason::{minimum_points, supporting};
use crate::verdict::{Band, Condition, Slot, Verdict};

/// Members in the order AWS writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReasonData {
    version: &'static str,
    query_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<String>,
    period: u32,
    recent_datapoints: Vec<JavaDouble>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recent_lower_thresholds: Option<Vec<JavaDouble>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recent_upper_thresholds: Option<Vec<JavaDouble>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<JavaDouble>,
    evaluated_datapoints: Vec<EvaluatedDatapoint>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EvaluatedDatapoint {
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_count: Option<JavaDouble>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<JavaDouble>,
}

/// The JSON text for a change to `state`, decided at `query_date` on `slots` (oldest first).
pub fn reason_data(
    alarm: &MetricAlarm,
    condition: &Condition,
    verdict: &Verdict,
    slots: &[Slot],
    state: AlarmState,
    query_date: TimestampMs,
) -> String {
    let used = &verdict.used;
    let band = condition.comparison.is_band();
    let bounds = |bound: fn(Band) -> f64| {
        band.then(|| {
            used.iter()
                .filter_map(|point| point.datapoint.band)
                .map(|band| JavaDouble(bound(band)))
                .collect()
        })
    };
    let data = ReasonData {
        version: "1.0",
        query_date: query_date.to_alarm_text(),
        start_date: used.first().map(|oldest| oldest.start.to_alarm_text()),
        unit: alarm.unit.map(|unit| unit.as_str()),
        statistic: Some(alarm.statistic.to_string()),
        period: alarm.period_s,
        recent_datapoints: used
            .iter()
            .map(|point| JavaDouble(point.datapoint.value))
            .collect(),
        recent_lower_thresholds: bounds(|band| band.lower),
        recent_upper_thresholds: bounds(|band| band.upper),
        threshold: (!band).then_some(JavaDouble(condition.threshold)),
        evaluated_datapoints: evaluated(condition, verdict, slots, state),
    };
    // Strings and numbers only: this cannot fail, and an alarm must change its state anyway.
    serde_json::to_string(&data).unwrap_or_default()
}

/// The supporting points, padded with the newest missing slots up to the minimum that the
/// state needs; newest first.
fn evaluated(
    condition: &Condition,
    verdict: &Verdict,
    slots: &[Slot],
    state: AlarmState,
) -> Vec<EvaluatedDatapoint> {
    let mut entries: Vec<(TimestampMs, EvaluatedDatapoint)> = supporting(verdict, state)
        .map(|point| {
            let entry = EvaluatedDatapoint {
                timestamp: point.start.to_alarm_text(),
                sample_count: Some(JavaDouble(point.datapoint.sample_count)),
                value: Some(JavaDouble(point.datapoint.value)),
            };
            (point.start, entry)
        })
        .collect();
    let needed = minimum_points(condition, state) as usize;
    let padding = needed.saturating_sub(entries.len());
    let missing = slots.iter().rev().filter(|slot| slot.datapoint.is_none());
    entries.extend(missing.take(padding).map(|slot| {
        let entry = EvaluatedDatapoint {
            timestamp: slot.start.to_alarm_text(),
            sample_count: None,
            value: None,
        };
        (slot.start, entry)
    }));
    entries.sort_by_key(|(start, _)| std::cmp::Reverse(*start));
    entries.into_iter().map(|(_, entry)| entry).collect()
}
