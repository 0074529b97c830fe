//! Runs golden cases of alarm evaluation (`tests/examples/alarm-evaluation.jsonl`) through the
//! code the server runs. One case is one JSON object:
//!
//! - `alarm`: members of PutMetricAlarm; `initial_state` or `previous_state`
//! - `datapoints`: one slot per period, oldest first, a value or null; with `kind: "reason"`
//!   pairs of slot start (epoch seconds) and value
//! - `bands`: `[lower, upper]` per datapoint; `sample_counts`: samples per datapoint
//! - `evaluation_range`: R, if it is not to follow from the period
//! - `expect`: `state`; `reason` (null: none); with `mode: "stream"` `transitions` and
//!   `final_state`, where entry i arrives before evaluation i

use belfry_model::TimestampMs;
use belfry_model::alarm::{AlarmState, ComparisonOperator, TreatMissingData};
use serde::Deserialize;

use crate::low_samples;
use crate::range::evaluation_range;
use crate::reason::reason;
use crate::verdict::{Band, Condition, Datapoint, Slot, judge};

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// What was expected and what came, for people.
    Failed(String),
    /// What the case needs that this program does not evaluate.
    Unsupported(String),
}

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    mode: Option<String>,
    alarm: CaseAlarm,
    datapoints: Vec<Entry>,
    #[serde(default)]
    bands: Vec<Option<(f64, f64)>>,
    #[serde(default)]
    sample_counts: Vec<Option<f64>>,
    evaluation_range: Option<u32>,
    #[serde(alias = "previous_state")]
    initial_state: Option<AlarmState>,
    expect: Expectation,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CaseAlarm {
    period: u32,
    evaluation_periods: u32,
    datapoints_to_alarm: Option<u32>,
    threshold: Option<f64>,
    comparison_operator: ComparisonOperator,
    treat_missing_data: Option<TreatMissingData>,
    extended_statistic: Option<String>,
    evaluate_low_sample_count_percentile: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Entry {
    Stamped(i64, Option<f64>),
    Plain(Option<f64>),
}

#[derive(Deserialize)]
struct Expectation {
    state: Option<AlarmState>,
    /// Present with null: no new reason.
    #[serde(default, deserialize_with = "present")]
    reason: Option<Option<String>>,
    transitions: Option<Vec<(usize, AlarmState, AlarmState)>>,
    final_state: Option<AlarmState>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(from).map(Some)
}

/// Runs one case, given as JSON text.
pub fn run(case: &str) -> Outcome {
    let case: Case = match serde_json::from_str(case) {
        Ok(case) => case,
        Err(error) => return Outcome::Unsupported(format!("unreadable case: {error}")),
    };
    match (case.kind.as_deref(), case.mode.as_deref()) {
        (None, None) | (Some("reason"), None) => run_single(&case),
        (None, Some("stream")) => run_stream(&case),
        (kind, mode) => {
            Outcome::Unsupported(format!("kind {kind:?} in mode {mode:?} is not known"))
        }
    }
}

impl Case {
    fn condition(&self) -> Condition {
        let alarm = &self.alarm;
        let n = alarm.evaluation_periods;
        let ignore_low = alarm.evaluate_low_sample_count_percentile.as_deref() == Some("ignore");
        let limit = || low_samples::Limit::of(alarm.extended_statistic.as_deref()?);
        Condition {
            evaluation_periods: n,
            datapoints_to_alarm: alarm.datapoints_to_alarm.unwrap_or(n),
            datapoints_to_alarm_given: alarm.datapoints_to_alarm.is_some(),
            comparison: alarm.comparison_operator,
            threshold: alarm.threshold.unwrap_or_default(),
            treatment: alarm
                .treat_missing_data
                .unwrap_or(TreatMissingData::Missing),
            low_samples: ignore_low.then(limit).flatten(),
        }
    }

    /// The newest R slots up to entry `end`, filled up with missing ones on the old side.
    fn slots(&self, end: usize) -> Vec<Slot> {
        let period_s = self.alarm.period;
        let range = self
            .evaluation_range
            .unwrap_or_else(|| evaluation_range(period_s, self.alarm.evaluation_periods));
        let entries = self.datapoints.get(..end).unwrap_or(&self.datapoints);
        let start_of_first = match entries.first() {
            Some(Entry::Stamped(start, _)) => *start,
            _ => 0,
        };
        let step_s = i64::from(period_s);
        (0..i64::from(range))
            .map(|age| {
                let back = usize::try_from(age + 1).ok();
                let index = back.and_then(|back| end.checked_sub(back));
                let position = i64::try_from(end).unwrap_or_default() - age - 1;
                let start_s = start_of_first + position * step_s;
                Slot {
                    start: TimestampMs::from_secs(start_s),
                    datapoint: index.and_then(|index| self.datapoint(index)),
                }
            })
            .rev()
            .collect()
    }

    fn datapoint(&self, index: usize) -> Option<Datapoint> {
        let value = match self.datapoints.get(index)? {
            Entry::Plain(value) | Entry::Stamped(_, value) => (*value)?,
        };
        let samples = self.sample_counts.get(index).copied().flatten();
        let band = self.bands.get(index).copied().flatten();
        Some(Datapoint {
            value,
            sample_count: samples.unwrap_or(1.0),
            band: band.map(|(lower, upper)| Band { lower, upper }),
        })
    }

    fn initial_state(&self) -> AlarmState {
        self.initial_state.unwrap_or(AlarmState::InsufficientData)
    }
}

fn run_single(case: &Case) -> Outcome {
    let condition = case.condition();
    let verdict = judge(&condition, &case.slots(case.datapoints.len()));
    let before = case.initial_state();
    let state = verdict.state_after(before);
    if let Some(expected) = case.expect.state
        && expected != state
    {
        return Outcome::Failed(format!("state: expected {expected}, got {state}"));
    }
    if let Some(expected) = &case.expect.reason {
        let got = (state != before).then(|| reason(&condition, &verdict, state));
        if *expected != got {
            return Outcome::Failed(format!("reason: expected {expected:?}, got {got:?}"));
        }
    }
    if case.expect.state.is_none() && case.expect.reason.is_none() {
        return Outcome::Unsupported("the case expects nothing known".to_owned());
    }
    Outcome::Passed
}

fn run_stream(case: &Case) -> Outcome {
    let condition = case.condition();
    let mut state = case.initial_state();
    let mut transitions = Vec::new();
    for end in 1..=case.datapoints.len() {
        let next = judge(&condition, &case.slots(end)).state_after(state);
        if next != state {
            transitions.push((end, state, next));
            state = next;
        }
    }
    if let Some(expected) = &case.expect.transitions
        && *expected != transitions
    {
        return Outcome::Failed(format!(
            "transitions: expected {expected:?}, got {transitions:?}"
        ));
    }
    match case.expect.final_state {
        Some(expected) if expected != state => {
            Outcome::Failed(format!("final state: expected {expected}, got {state}"))
        }
        None if case.expect.transitions.is_none() => {
            Outcome::Unsupported("the case expects nothing known".to_owned())
        }
        _ => Outcome::Passed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &str = include_str!("../../tests/examples/alarm-evaluation.jsonl");

    #[test]
    fn golden_cases_pass() {
        let mut failed = Vec::new();
        let mut passed = 0;
        for line in CASES.lines().filter(|line| !line.trim().is_empty()) {
            let name = serde_json::from_str::<serde_json::Value>(line).expect("JSON")["name"]
                .as_str()
                .expect("a name")
                .to_owned();
            match run(line) {
                Outcome::Passed => passed += 1,
                // None of these cases is out of scope: static thresholds and bands.
                Outcome::Failed(why) | Outcome::Unsupported(why) => {
                    failed.push(format!("{name}: {why}"));
                }
            }
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert_eq!(passed, 85);
    }

    #[test]
    fn a_wrong_expectation_fails() {
        let line = CASES.lines().next().expect("a case");
        let wrong = line.replace(
            r#""expect":{"state":"OK"}"#,
            r#""expect":{"state":"ALARM"}"#,
        );
        assert_ne!(wrong, line);
        assert!(matches!(run(&wrong), Outcome::Failed(_)));
    }

    #[test]
    fn what_is_not_known_is_said() {
        assert!(matches!(run("{}"), Outcome::Unsupported(_)));
        let line = CASES.lines().next().expect("a case");
        let odd = line.replacen('{', r#"{"kind":"composite","#, 1);
        assert!(matches!(run(&odd), Outcome::Unsupported(_)));
    }
}
