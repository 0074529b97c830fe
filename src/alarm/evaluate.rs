//! One evaluation: slots in, change of state with its reason (or none) out, and the
//! explanation of either. A pure function.

use std::collections::HashMap;

use belfry_model::TimestampMs;
use belfry_model::alarm::{AlarmState, MetricAlarm, TreatMissingData};
use serde::Serialize;

use crate::range::Window;
use crate::reason::reason;
use crate::reason_data::reason_data;
use crate::verdict::{Condition, Datapoint, Rule, Slot, judge};

/// A new state and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub state: AlarmState,
    pub reason: String,
    /// JSON text.
    pub reason_data: String,
}

/// Puts datapoints (by start) into the slots of `window`, oldest slot first. What fits no slot
/// is left out.
pub fn slots(window: &Window, datapoints: &HashMap<TimestampMs, Datapoint>) -> Vec<Slot> {
    window
        .slot_starts()
        .map(|start| Slot {
            start,
            datapoint: datapoints.get(&start).copied(),
        })
        .collect()
}

/// Judges `slots` (oldest first) for an alarm that is in `previous`. `now` is the query date.
/// `None`: the state stays, and with it its reason.
pub fn evaluate(
    alarm: &MetricAlarm,
    slots: &[Slot],
    previous: AlarmState,
    now: TimestampMs,
) -> Option<Change> {
    let condition = Condition::of(alarm);
    let verdict = judge(&condition, slots);
    let state = verdict.state_after(previous);
    (state != previous).then(|| Change {
        state,
        reason: reason(&condition, &verdict, state),
        reason_data: reason_data(alarm, &condition, &verdict, slots, state, now),
    })
}

/// What one slot meant to a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotRole {
    Breaching,
    NotBreaching,
    /// No datapoint, or one that cannot be compared.
    Missing,
    /// A datapoint older than the N that decided.
    Unused,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExplainedSlot {
    #[serde(flatten)]
    pub slot: Slot,
    pub role: SlotRole,
}

/// Which points were looked at, which count, what stood in for missing ones, which rule decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The evaluation range, oldest first.
    pub slots: Vec<ExplainedSlot>,
    /// N and M.
    pub evaluation_periods: u32,
    pub datapoints_to_alarm: u32,
    pub treat_missing_data: TreatMissingData,
    pub breaching: usize,
    pub not_breaching: usize,
    /// How many points were short of N; filled as `treat_missing_data` says.
    pub fills: u32,
    pub rule: Rule,
    pub state_before: AlarmState,
    pub state_after: AlarmState,
}

/// Why [`evaluate`] comes to what it comes to: the same judgement, told slot by slot.
pub fn explain(alarm: &MetricAlarm, slots: &[Slot], previous: AlarmState) -> Explanation {
    let condition = Condition::of(alarm);
    let verdict = judge(&condition, slots);
    let oldest_used = verdict.used.first().map(|point| point.start);
    // Both are in order of time: one walk over both.
    let mut used = verdict.used.iter().peekable();
    let mut explained = Vec::with_capacity(slots.len());
    for slot in slots {
        let role = match used.next_if(|point| point.start == slot.start) {
            Some(point) if point.breaching => SlotRole::Breaching,
            Some(_) => SlotRole::NotBreaching,
            None if slot.datapoint.is_some() && Some(slot.start) < oldest_used => SlotRole::Unused,
            None => SlotRole::Missing,
        };
        explained.push(ExplainedSlot { slot: *slot, role });
    }
    let breaching = verdict.breaching();
    Explanation {
        slots: explained,
        evaluation_periods: condition.evaluation_periods,
        datapoints_to_alarm: condition.datapoints_to_alarm,
        treat_missing_data: condition.treatment,
        breaching,
        not_breaching: verdict.used.len() - breaching,
        fills: verdict.fills,
        rule: verdict.rule,
        state_before: previous,
        state_after: verdict.state_after(previous),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use belfry_model::TimestampMs;
    use belfry_model::alarm::ComparisonOperator;
    use proptest::prelude::*;

    fn minute(i: i64) -> TimestampMs {
        TimestampMs(1_770_111_300_000 + i * 60_000)
    }

    fn line(values: &[Option<f64>]) -> Vec<Slot> {
        values
            .iter()
            .zip(0..)
            .map(|(value, i)| Slot {
                start: minute(i),
                datapoint: value.map(|v| Datapoint::new(v, 2.0)),
            })
            .collect()
    }

    #[test]
    fn reason_data_lists_supporters_newest_first() {
        let mut alarm = sample::alarm(); // M 2 of N 3, > 7
        alarm.unit = Some(belfry_model::Unit::Seconds);
        let slots = line(&[Some(1.0), Some(1.0), Some(5.0), Some(8.5), Some(9.0)]);
        let change = evaluate(
            &alarm,
            &slots,
            AlarmState::Ok,
            TimestampMs(1_770_111_600_125),
        );
        let change = change.expect("goes to ALARM");
        assert_eq!(
            change.reason_data,
            concat!(
                r#"{"version":"1.0","queryDate":"2026-02-03T09:40:00.125+0000","#,
                r#""startDate":"2026-02-03T09:37:00.000+0000","unit":"Seconds","statistic":"Average","#,
                r#""period":60,"recentDatapoints":[5.0,8.5,9.0],"threshold":7.0,"evaluatedDatapoints":["#,
                r#"{"timestamp":"2026-02-03T09:39:00.000+0000","sampleCount":2.0,"value":9.0},"#,
                r#"{"timestamp":"2026-02-03T09:38:00.000+0000","sampleCount":2.0,"value":8.5}]}"#
            )
        );
    }

    #[test]
    fn reason_data_shows_empty_slots_without_value() {
        let alarm = sample::alarm();
        let slots = line(&[None, None, None, None, None]);
        let change = evaluate(&alarm, &slots, AlarmState::Ok, minute(5));
        let change = change.expect("goes to INSUFFICIENT_DATA");
        assert!(
            change.reason_data.ends_with(concat!(
                r#""statistic":"Average","period":60,"recentDatapoints":[],"threshold":7.0,"#,
                r#""evaluatedDatapoints":[{"timestamp":"2026-02-03T09:39:00.000+0000"},"#,
                r#"{"timestamp":"2026-02-03T09:38:00.000+0000"}]}"#
            )),
            "{}",
            change.reason_data
        );
        assert!(!change.reason_data.contains("startDate"));
    }

    #[test]
    fn explanation_tells_the_role_of_each_slot() {
        let mut alarm = sample::alarm();
        alarm.evaluation_periods = 2;
        let slots = line(&[Some(9.0), None, Some(8.0), Some(1.0)]);
        let explanation = explain(&alarm, &slots, AlarmState::Ok);
        let roles: Vec<SlotRole> = explanation.slots.iter().map(|s| s.role).collect();
        use SlotRole::*;
        assert_eq!(roles, [Unused, Missing, Breaching, NotBreaching]);
        assert_eq!(explanation.rule, Rule::EnoughData);
        assert_eq!((explanation.breaching, explanation.not_breaching), (1, 1));
    }

    proptest! {
        /// Whatever the data, a change has a reason of its length and reason data that is JSON,
        /// and its explanation counts every slot once.
        #[test]
        fn texts_hold_for_any_data(
            values in proptest::collection::vec(proptest::option::of(any::<f64>()), 0..80),
            n in 1u32..40,
            m_seed in 0u32..40,
            given in any::<bool>(),
            operator in 0usize..4,
            treatment in proptest::option::of(0usize..4),
            previous in 0usize..3,
        ) {
            use AlarmState::{Alarm, InsufficientData, Ok};
            let mut alarm = sample::alarm();
            alarm.evaluation_periods = n;
            alarm.datapoints_to_alarm = given.then_some(1 + m_seed % n);
            alarm.comparison = [
                ComparisonOperator::GreaterThanThreshold,
                ComparisonOperator::GreaterThanOrEqualToThreshold,
                ComparisonOperator::LessThanThreshold,
                ComparisonOperator::LessThanOrEqualToThreshold,
            ][operator];
            alarm.treat_missing_data = treatment.map(|t| [
                TreatMissingData::Breaching,
                TreatMissingData::NotBreaching,
                TreatMissingData::Ignore,
                TreatMissingData::Missing,
            ][t]);
            let previous = [Ok, Alarm, InsufficientData][previous];
            let slots = line(&values);
            let explanation = explain(&alarm, &slots, previous);
            prop_assert_eq!(explanation.slots.len(), slots.len());
            let with_role = |role| explanation.slots.iter().filter(|s| s.role == role).count();
            prop_assert_eq!(with_role(SlotRole::Breaching), explanation.breaching);
            prop_assert_eq!(with_role(SlotRole::NotBreaching), explanation.not_breaching);
            match evaluate(&alarm, &slots, previous, minute(80)) {
                None => prop_assert_eq!(explanation.state_after, previous),
                Some(change) => {
                    prop_assert_eq!(explanation.state_after, change.state);
                    prop_assert!(change.reason.chars().count() <= crate::reason::REASON_CHARS_MAX);
                    let start = match change.state {
                        InsufficientData => "Insufficient Data: ",
                        Ok | Alarm => "Threshold Crossed: ",
                    };
                    prop_assert!(change.reason.starts_with(start));
                    let data: serde_json::Value =
                        serde_json::from_str(&change.reason_data).expect("JSON");
                    prop_assert!(data["evaluatedDatapoints"].is_array());
                }
            }
        }
    }
}
