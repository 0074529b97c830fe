//! The state decision of an alarm: M of N with the four treatments of missing data and the
//! premature-alarm logic (spec alarms.md 4 and 5). A pure function.

use belfry_model::TimestampMs;
use belfry_model::alarm::{
    AlarmState, ComparisonOperator, LowSamplePercentile, MetricAlarm, TreatMissingData,
};
use serde::Serialize;

use crate::low_samples;

/// Metrics of this namespace ignore missing data unless told otherwise (spec alarms.md 2).
const IGNORES_MISSING_BY_DEFAULT: &str = "AWS/DynamoDB";

/// What has to hold for a datapoint to breach, and for how many of how many.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// N.
    pub evaluation_periods: u32,
    /// M.
    pub datapoints_to_alarm: u32,
    /// Whether the caller gave M: the reason texts differ (spec alarms.md 8).
    pub datapoints_to_alarm_given: bool,
    pub comparison: ComparisonOperator,
    /// Not looked at by the band operators.
    pub threshold: f64,
    pub treatment: TreatMissingData,
    /// A newest datapoint with fewer samples keeps the state. `None`: every datapoint counts.
    pub low_samples: Option<low_samples::Limit>,
}

impl Condition {
    pub fn of(alarm: &MetricAlarm) -> Self {
        let n = alarm.evaluation_periods.max(1);
        let low_samples = match alarm.low_sample_percentile {
            Some(LowSamplePercentile::Ignore) => {
                low_samples::Limit::of(&alarm.statistic.to_string())
            }
            Some(LowSamplePercentile::Evaluate) | None => None,
        };
        Self {
            evaluation_periods: n,
            datapoints_to_alarm: alarm.datapoints_to_alarm.unwrap_or(n).clamp(1, n),
            datapoints_to_alarm_given: alarm.datapoints_to_alarm.is_some(),
            comparison: alarm.comparison,
            threshold: alarm.threshold,
            treatment: treatment(alarm),
            low_samples,
        }
    }

    /// Whether the datapoint breaches; `None` if it cannot be told: not a number, or a band
    /// operator without a band, which counts as missing (spec alarms.md 12).
    fn breaches(&self, datapoint: &Datapoint) -> Option<bool> {
        use ComparisonOperator as Op;
        let (v, t) = (datapoint.value, self.threshold);
        if v.is_nan() {
            return None;
        }
        let below = |band: Band| v < band.lower;
        let above = |band: Band| v > band.upper;
        match self.comparison {
            Op::GreaterThanThreshold => Some(v > t),
            Op::GreaterThanOrEqualToThreshold => Some(v >= t),
            Op::LessThanThreshold => Some(v < t),
            Op::LessThanOrEqualToThreshold => Some(v <= t),
            Op::LessThanLowerOrGreaterThanUpperThreshold => {
                datapoint.band.map(|band| below(band) || above(band))
            }
            Op::LessThanLowerThreshold => datapoint.band.map(below),
            Op::GreaterThanUpperThreshold => datapoint.band.map(above),
        }
    }
}

/// The treatment in force: the one given, else the namespace's default.
pub fn treatment(alarm: &MetricAlarm) -> TreatMissingData {
    alarm.treat_missing_data.unwrap_or_else(|| {
        if &*alarm.metric.namespace == IGNORES_MISSING_BY_DEFAULT {
            TreatMissingData::Ignore
        } else {
            TreatMissingData::Missing
        }
    })
}

/// The range a value is expected in; its edges are inside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    pub lower: f64,
    pub upper: f64,
}

/// What one slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Datapoint {
    pub value: f64,
    pub sample_count: f64,
    pub band: Option<Band>,
}

impl Datapoint {
    pub const fn new(value: f64, sample_count: f64) -> Self {
        Self {
            value,
            sample_count,
            band: None,
        }
    }
}

/// One period of the evaluation range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Slot {
    pub start: TimestampMs,
    pub datapoint: Option<Datapoint>,
}

/// A datapoint that took part in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Judged {
    pub start: TimestampMs,
    pub datapoint: Datapoint,
    pub breaching: bool,
}

/// Which rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// At least N datapoints exist: the N newest decide, however missing data is treated.
    EnoughData,
    /// Missing slots were filled with breaching or not breaching points.
    Filled,
    /// M breaching points exist, whatever the missing ones would have been.
    EnoughBreaching,
    /// Nothing in range; missing data says "unknown".
    NoData,
    /// Fewer than N, fewer than M breaching, one of them not breaching.
    SomeNotBreaching,
    /// Fewer than M, all breaching, the oldest at least M slots old.
    OldEnoughBreaching,
    /// Nothing in range; missing data is ignored.
    KeptWithoutData,
    /// Fewer than M, all breaching, none old enough: too early to tell.
    KeptPremature,
    /// The newest datapoint has too few samples for its percentile.
    KeptLowSamples,
}

/// What a decision comes to, with all that its reason and explanation need.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// `None`: the state is kept.
    pub state: Option<AlarmState>,
    pub rule: Rule,
    /// The real datapoints that decided, oldest first.
    pub used: Vec<Judged>,
    /// Slots without a datapoint that were missing to reach N.
    pub fills: u32,
}

impl Verdict {
    /// The state an alarm in `previous` has after this.
    pub fn state_after(&self, previous: AlarmState) -> AlarmState {
        self.state.unwrap_or(previous)
    }

    /// How many of the points used are breaching.
    pub fn breaching(&self) -> usize {
        self.used.iter().filter(|point| point.breaching).count()
    }
}

/// Judges the slots of an evaluation range, given oldest first; the last one is the newest.
pub fn judge(condition: &Condition, slots: &[Slot]) -> Verdict {
    let m = condition.datapoints_to_alarm as usize;
    let n = condition.evaluation_periods as usize;

    // Oldest first, with its age: 1 is the newest slot.
    let mut real: Vec<(usize, Judged)> = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        let Some(datapoint) = slot.datapoint else {
            continue;
        };
        let Some(breaching) = condition.breaches(&datapoint) else {
            continue;
        };
        let judged = Judged {
            start: slot.start,
            datapoint,
            breaching,
        };
        real.push((slots.len() - index, judged));
    }

    let oldest_age = real.first().map(|(age, _)| *age);
    let newest = real.last().filter(|(age, _)| *age == 1).map(|(_, p)| *p);
    let fills = n.saturating_sub(real.len());
    let spare = real.len().saturating_sub(n);
    let used: Vec<Judged> = real.into_iter().skip(spare).map(|(_, p)| p).collect();
    let breaching = used.iter().filter(|point| point.breaching).count();

    let alarm_if = |alarm: bool| {
        Some(if alarm {
            AlarmState::Alarm
        } else {
            AlarmState::Ok
        })
    };
    let low = match (&condition.low_samples, newest) {
        (Some(limit), Some(point)) => limit.is_low(point.datapoint.sample_count),
        _ => false,
    };

    let (state, rule) = if low {
        (None, Rule::KeptLowSamples)
    } else if fills == 0 {
        (alarm_if(breaching >= m), Rule::EnoughData)
    } else {
        match condition.treatment {
            TreatMissingData::Breaching => (alarm_if(breaching + fills >= m), Rule::Filled),
            TreatMissingData::NotBreaching => (alarm_if(breaching >= m), Rule::Filled),
            TreatMissingData::Missing | TreatMissingData::Ignore => {
                let missing = condition.treatment == TreatMissingData::Missing;
                if breaching >= m {
                    (Some(AlarmState::Alarm), Rule::EnoughBreaching)
                } else if used.is_empty() && missing {
                    (Some(AlarmState::InsufficientData), Rule::NoData)
                } else if used.is_empty() {
                    (None, Rule::KeptWithoutData)
                } else if breaching < used.len() {
                    (Some(AlarmState::Ok), Rule::SomeNotBreaching)
                } else if missing && oldest_age.is_some_and(|age| age >= m) {
                    (Some(AlarmState::Alarm), Rule::OldEnoughBreaching)
                } else {
                    (None, Rule::KeptPremature)
                }
            }
        }
    };
    Verdict {
        state,
        rule,
        used,
        fills: u32::try_from(fills).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::low_samples::Limit;
    use crate::sample;
    use proptest::prelude::*;

    fn condition(n: u32, m: u32, treatment: TreatMissingData) -> Condition {
        Condition {
            evaluation_periods: n,
            datapoints_to_alarm: m,
            datapoints_to_alarm_given: true,
            comparison: ComparisonOperator::GreaterThanThreshold,
            threshold: 10.0,
            treatment,
            low_samples: None,
        }
    }

    /// `0`, `X` or `-` per slot, oldest first.
    fn line(text: &str) -> Vec<Slot> {
        text.chars()
            .zip(0..)
            .map(|(mark, i)| Slot {
                start: TimestampMs(i * 60_000),
                datapoint: match mark {
                    'X' => Some(Datapoint::new(15.0, 1.0)),
                    '0' => Some(Datapoint::new(5.0, 1.0)),
                    _ => None,
                },
            })
            .collect()
    }

    /// Spec alarms.md 4, word for word on marks; `None` is "keep".
    fn literal(n: usize, m: usize, treatment: TreatMissingData, text: &str) -> Option<AlarmState> {
        use AlarmState::{Alarm, InsufficientData, Ok};
        let alarm = |yes: bool| Some(if yes { Alarm } else { Ok });
        let real: String = text.replace('-', "");
        if real.len() >= n {
            let newest_n = &real[real.len() - n..];
            return alarm(newest_n.matches('X').count() >= m);
        }
        let mut filled = real.clone();
        match treatment {
            TreatMissingData::Breaching => {
                while filled.len() < n {
                    filled.push('X');
                }
                return alarm(filled.matches('X').count() >= m);
            }
            TreatMissingData::NotBreaching => {
                while filled.len() < n {
                    filled.push('0');
                }
                return alarm(filled.matches('X').count() >= m);
            }
            TreatMissingData::Missing | TreatMissingData::Ignore => {}
        }
        let missing = treatment == TreatMissingData::Missing;
        if real.matches('X').count() >= m {
            return Some(Alarm);
        }
        if real.is_empty() {
            return missing.then_some(InsufficientData);
        }
        if real.contains('0') {
            return Some(Ok);
        }
        let age_of_oldest_x = text.len() - text.find('X').expect("only X is left");
        (missing && age_of_oldest_x >= m).then_some(Alarm)
    }

    fn marks() -> impl Strategy<Value = String> {
        proptest::collection::vec(prop_oneof![Just('0'), Just('X'), Just('-')], 0..12)
            .prop_map(|marks| marks.into_iter().collect())
    }

    fn any_treatment() -> impl Strategy<Value = TreatMissingData> {
        prop_oneof![
            Just(TreatMissingData::Breaching),
            Just(TreatMissingData::NotBreaching),
            Just(TreatMissingData::Ignore),
            Just(TreatMissingData::Missing),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn equals_the_literal_reference(
            n in 1u32..8,
            m_seed in 0u32..8,
            treatment in any_treatment(),
            text in marks(),
        ) {
            let m = 1 + m_seed % n;
            let verdict = judge(&condition(n, m, treatment), &line(&text));
            let expected = literal(n as usize, m as usize, treatment, &text);
            prop_assert_eq!(verdict.state, expected, "N {} M {} {:?} {:?}", n, m, treatment, text);
            let kept = matches!(
                verdict.rule,
                Rule::KeptWithoutData | Rule::KeptPremature | Rule::KeptLowSamples
            );
            prop_assert_eq!(kept, verdict.state.is_none());
            prop_assert!(verdict.used.len() + verdict.fills as usize >= n as usize);
        }
    }

    #[test]
    fn every_line_of_three_marks_equals_the_reference() {
        let marks = ['0', 'X', '-'];
        for code in 0..3usize.pow(6) {
            let text: String = (0..6)
                .map(|place| marks[code / 3usize.pow(place) % 3])
                .collect();
            for treatment in [
                TreatMissingData::Breaching,
                TreatMissingData::NotBreaching,
                TreatMissingData::Ignore,
                TreatMissingData::Missing,
            ] {
                for (n, m) in [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3), (6, 4)] {
                    let verdict = judge(&condition(n, m, treatment), &line(&text));
                    let expected = literal(n as usize, m as usize, treatment, &text);
                    assert_eq!(verdict.state, expected, "N {n} M {m} {treatment:?} {text}");
                }
            }
        }
    }

    #[test]
    fn only_the_newest_slot_can_be_low() {
        let mut condition = condition(1, 1, TreatMissingData::Missing);
        condition.low_samples = Limit::of("p90");
        let mut slots = line("0X");
        // 1 sample of the 100 that p90 needs.
        assert_eq!(judge(&condition, &slots).rule, Rule::KeptLowSamples);
        slots.push(Slot {
            start: TimestampMs(120_000),
            datapoint: None,
        });
        assert_eq!(judge(&condition, &slots).state, Some(AlarmState::Alarm));
        slots[2].datapoint = Some(Datapoint::new(1.0, 100.0));
        assert_eq!(judge(&condition, &slots).state, Some(AlarmState::Ok));
    }

    #[test]
    fn what_cannot_be_compared_is_missing() {
        let mut condition = condition(1, 1, TreatMissingData::Missing);
        let mut slots = line("X");
        slots[0].datapoint = Some(Datapoint::new(f64::NAN, 1.0));
        assert_eq!(judge(&condition, &slots).rule, Rule::NoData);
        condition.comparison = ComparisonOperator::GreaterThanUpperThreshold;
        assert_eq!(judge(&condition, &line("X")).rule, Rule::NoData);
    }

    #[test]
    fn conditions_read_the_defaults() {
        let mut alarm = sample::alarm();
        alarm.datapoints_to_alarm = None;
        let read = Condition::of(&alarm);
        assert_eq!((read.evaluation_periods, read.datapoints_to_alarm), (3, 3));
        assert!(!read.datapoints_to_alarm_given);
        assert_eq!(read.treatment, TreatMissingData::Missing);
        alarm.metric = belfry_model::MetricId::new("AWS/DynamoDB", "Throttles", Vec::new());
        assert_eq!(treatment(&alarm), TreatMissingData::Ignore);
        alarm.treat_missing_data = Some(TreatMissingData::Breaching);
        assert_eq!(treatment(&alarm), TreatMissingData::Breaching);
    }
}
