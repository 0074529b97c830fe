//! The exact StateReason texts (spec alarms.md 8).

use belfry_model::TimestampMs;
use belfry_model::alarm::{AlarmState, ComparisonOperator};

use crate::number::java_double;
use crate::verdict::{Condition, Judged, Rule, Verdict};

/// The reason of an alarm that was never evaluated.
pub const INITIAL: &str = "Unchecked: Initial alarm creation";

/// Longer reasons are cut (spec alarms.md 8).
pub const REASON_CHARS_MAX: usize = 1023;

/// So many datapoints are listed; from here on the sentence has another shape.
const LISTED_MAX: usize = 5;

/// The reason for which `verdict` brings the alarm to `state`.
pub fn reason(condition: &Condition, verdict: &Verdict, state: AlarmState) -> String {
    let text = match state {
        AlarmState::InsufficientData => insufficient(condition),
        AlarmState::Ok | AlarmState::Alarm => crossed(condition, verdict, state),
    };
    cut(text)
}

/// At most [`REASON_CHARS_MAX`] characters.
fn cut(text: String) -> String {
    match text.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

fn insufficient(condition: &Condition) -> String {
    let n = condition.evaluation_periods;
    format!(
        "Insufficient Data: {} {} unknown.",
        counted(n, "datapoint"),
        was(n)
    )
}

fn crossed(condition: &Condition, verdict: &Verdict, state: AlarmState) -> String {
    // Newest first, as the texts list them.
    let supporting: Vec<&Judged> = supporting(verdict, state).collect();
    let k = supporting.len();
    let title = if condition.comparison.is_band() {
        "Thresholds Crossed"
    } else {
        "Threshold Crossed"
    };
    let filled = (verdict.rule == Rule::Filled).then(|| treated_as(condition, verdict));
    if let Some(treated) = &filled {
        let n = condition.evaluation_periods;
        let received = verdict.used.len();
        if received == 0 {
            let periods = counted(n, "period");
            return format!("{title}: no datapoints were received for {periods} and {treated}.");
        }
        // With M given the sentence below lists the supporting points; without any (assumed),
        // or without M, only their number is told.
        if !condition.datapoints_to_alarm_given || k == 0 {
            return format!(
                "{title}: {} {} received for {} and {treated}.",
                counted(received, "datapoint"),
                was(received),
                counted(n, "period"),
            );
        }
    }

    let mut text = format!("{title}: ");
    if condition.datapoints_to_alarm_given {
        let n = condition.evaluation_periods;
        text.push_str(&format!("{k} out of the last {n} datapoints"));
    } else {
        text.push_str(&counted(k, "datapoint"));
    }
    let most_recent = &supporting[..k.min(LISTED_MAX)];
    let list = listed(most_recent);
    if k < LISTED_MAX {
        text.push_str(&format!(" [{list}]"));
    }
    text.push_str(&format!(" {} ", was(k)));
    text.push_str(&comparison(condition, state, most_recent));
    if let Some(treated) = filled {
        text.push_str(&format!(" and {treated}"));
    }
    if k >= LISTED_MAX {
        text.push_str(&format!(
            ". The most recent datapoints which crossed the threshold: [{list}]"
        ));
    }
    if condition.datapoints_to_alarm_given {
        text.push_str(&format!(" ({})", minimum(condition, state)));
    }
    text.push('.');
    text
}

/// The points used that speak for `state`, newest first.
pub(crate) fn supporting(
    verdict: &Verdict,
    state: AlarmState,
) -> impl Iterator<Item = &Judged> + '_ {
    let wanted = match state {
        AlarmState::Alarm => Some(true),
        AlarmState::Ok => Some(false),
        AlarmState::InsufficientData => None,
    };
    verdict
        .used
        .iter()
        .rev()
        .filter(move |point| wanted == Some(point.breaching))
}

/// How many points it takes to come to `state`: M for ALARM, N−M+1 for OK.
pub(crate) const fn minimum_points(condition: &Condition, state: AlarmState) -> u32 {
    let (m, n) = (condition.datapoints_to_alarm, condition.evaluation_periods);
    match state {
        AlarmState::Alarm | AlarmState::InsufficientData => m,
        AlarmState::Ok => n.saturating_sub(m).saturating_add(1),
    }
}

fn minimum(condition: &Condition, state: AlarmState) -> String {
    // The arrow is the same when the alarm comes from INSUFFICIENT_DATA (observed).
    let arrow = match state {
        AlarmState::Alarm | AlarmState::InsufficientData => "OK -> ALARM",
        AlarmState::Ok => "ALARM -> OK",
    };
    let points = counted(minimum_points(condition, state), "datapoint");
    format!("minimum {points} for {arrow} transition")
}

fn treated_as(condition: &Condition, verdict: &Verdict) -> String {
    use belfry_model::alarm::TreatMissingData;
    let treatment = match condition.treatment {
        TreatMissingData::Breaching => "Breaching",
        _ => "NonBreaching",
    };
    let missing = verdict.fills;
    let s = if missing == 1 { "" } else { "s" };
    format!(
        "{missing} missing datapoint{s} {} treated as [{treatment}]",
        was(missing)
    )
}

/// `not greater than the threshold (7.0)`.
fn comparison(condition: &Condition, state: AlarmState, points: &[&Judged]) -> String {
    use ComparisonOperator as Op;
    let not = if state == AlarmState::Ok { "not " } else { "" };
    let words = match condition.comparison {
        Op::GreaterThanThreshold => "greater than",
        Op::GreaterThanOrEqualToThreshold => "greater than or equal to",
        Op::LessThanThreshold => "less than",
        Op::LessThanOrEqualToThreshold => "less than or equal to",
        Op::LessThanLowerThreshold => return format!("{not}{}", below_band(points)),
        Op::GreaterThanUpperThreshold => return format!("{not}{}", above_band(points)),
        Op::LessThanLowerOrGreaterThanUpperThreshold => {
            let (below, above) = (below_band(points), above_band(points));
            return format!("{not}{below} or {not}{above}");
        }
    };
    let threshold = java_double(condition.threshold);
    format!("{not}{words} the threshold ({threshold})")
}

fn below_band(points: &[&Judged]) -> String {
    let bounds = bounds(points, |band| band.lower);
    format!("less than the lower thresholds [{bounds}]")
}

fn above_band(points: &[&Judged]) -> String {
    let bounds = bounds(points, |band| band.upper);
    format!("greater than the upper thresholds [{bounds}]")
}

fn bounds(points: &[&Judged], bound: impl Fn(crate::verdict::Band) -> f64) -> String {
    let texts: Vec<String> = points
        .iter()
        .filter_map(|point| point.datapoint.band)
        .map(|band| java_double(bound(band)))
        .collect();
    texts.join(", ")
}

/// `9.0 (03/02/26 10:05:00), 8.5 (03/02/26 10:04:00)`.
fn listed(points: &[&Judged]) -> String {
    let texts: Vec<String> = points
        .iter()
        .map(|point| {
            let value = java_double(point.datapoint.value);
            format!("{value} ({})", stamp(point.start))
        })
        .collect();
    texts.join(", ")
}

/// `dd/MM/yy HH:mm:ss`, UTC.
fn stamp(time: TimestampMs) -> String {
    time.to_datetime().map_or_else(
        || time.to_string(),
        |t| t.format("%d/%m/%y %H:%M:%S").to_string(),
    )
}

/// `1 datapoint`, `2 datapoints`.
fn counted<T: std::fmt::Display + PartialEq + From<u8>>(number: T, noun: &str) -> String {
    let s = if number == T::from(1) { "" } else { "s" };
    format!("{number} {noun}{s}")
}

fn was<T: PartialEq + From<u8>>(number: T) -> &'static str {
    if number == T::from(1) { "was" } else { "were" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Band, Datapoint, Slot, judge};
    use belfry_model::alarm::TreatMissingData;

    fn condition(n: u32, m: Option<u32>, treatment: TreatMissingData) -> Condition {
        Condition {
            evaluation_periods: n,
            datapoints_to_alarm: m.unwrap_or(n),
            datapoints_to_alarm_given: m.is_some(),
            comparison: ComparisonOperator::LessThanThreshold,
            threshold: 1.0,
            treatment,
            low_samples: None,
        }
    }

    /// One datapoint a minute from 09:35 on 3 February 2026, oldest first.
    fn line(values: &[Option<f64>]) -> Vec<Slot> {
        values
            .iter()
            .zip(0..)
            .map(|(value, i)| Slot {
                start: TimestampMs::from_secs(1_770_111_300 + i * 60),
                datapoint: value.map(|value| Datapoint::new(value, 1.0)),
            })
            .collect()
    }

    fn told(condition: &Condition, slots: &[Slot]) -> String {
        let verdict = judge(condition, slots);
        reason(condition, &verdict, verdict.state.expect("a state"))
    }

    #[test]
    fn filled_points_are_told_after_those_received() {
        use TreatMissingData::{Breaching, NotBreaching};
        let some = line(&[None, None, None, None, None, Some(2.0), Some(3.0)]);
        assert_eq!(
            told(&condition(5, Some(5), Breaching), &some),
            "Threshold Crossed: 2 out of the last 5 datapoints [3.0 (03/02/26 09:41:00), 2.0 \
             (03/02/26 09:40:00)] were not less than the threshold (1.0) and 3 missing datapoints \
             were treated as [Breaching] (minimum 1 datapoint for ALARM -> OK transition)."
        );
        // Nothing received speaks for ALARM: the fills do it alone.
        assert_eq!(
            told(&condition(5, Some(3), Breaching), &some),
            "Threshold Crossed: 2 datapoints were received for 5 periods and 3 missing datapoints \
             were treated as [Breaching]."
        );
        assert_eq!(
            told(&condition(3, None, NotBreaching), &some),
            "Threshold Crossed: 2 datapoints were received for 3 periods and 1 missing datapoint \
             was treated as [NonBreaching]."
        );
        let many = line(&[
            Some(0.0),
            Some(0.0),
            Some(0.0),
            Some(0.0),
            Some(0.5),
            None,
            None,
        ]);
        let text = told(&condition(6, Some(5), Breaching), &many);
        assert_eq!(
            text,
            "Threshold Crossed: 5 out of the last 6 datapoints were less than the threshold (1.0) \
             and 1 missing datapoint was treated as [Breaching]. The most recent datapoints which \
             crossed the threshold: [0.5 (03/02/26 09:39:00), 0.0 (03/02/26 09:38:00), 0.0 \
             (03/02/26 09:37:00), 0.0 (03/02/26 09:36:00), 0.0 (03/02/26 09:35:00)] (minimum 5 \
             datapoints for OK -> ALARM transition)."
        );
    }

    #[test]
    fn a_missing_treatment_is_not_told() {
        let premature = line(&[None, None, Some(0.5), None, None]);
        assert_eq!(
            told(&condition(3, None, TreatMissingData::Missing), &premature),
            "Threshold Crossed: 1 datapoint [0.5 (03/02/26 09:37:00)] was less than the threshold \
             (1.0)."
        );
    }

    #[test]
    fn many_points_that_do_not_cross_get_a_not() {
        let fine = line(&[Some(2.0); 7]);
        let text = told(&condition(5, None, TreatMissingData::Missing), &fine);
        assert!(text.starts_with(
            "Threshold Crossed: 5 datapoints were not less than the threshold (1.0). The most \
             recent datapoints which crossed the threshold: [2.0 (03/02/26 09:41:00), "
        ));
        assert!(text.ends_with("2.0 (03/02/26 09:37:00)]."));
    }

    #[test]
    fn one_unknown_datapoint_was() {
        let nothing = line(&[None, None, None]);
        assert_eq!(
            told(&condition(1, None, TreatMissingData::Missing), &nothing),
            "Insufficient Data: 1 datapoint was unknown."
        );
    }

    #[test]
    fn bands_tell_the_bounds_of_each_point() {
        let mut slots = line(&[None, None, Some(0.0)]);
        let banded = |value| Datapoint {
            band: Some(Band {
                lower: 0.02,
                upper: 0.3,
            }),
            ..Datapoint::new(value, 1.0)
        };
        slots[2].datapoint = Some(banded(0.0));
        let mut condition = condition(1, Some(1), TreatMissingData::Missing);
        condition.comparison = ComparisonOperator::LessThanLowerOrGreaterThanUpperThreshold;
        assert_eq!(
            told(&condition, &slots),
            "Thresholds Crossed: 1 out of the last 1 datapoints [0.0 (03/02/26 09:37:00)] was less \
             than the lower thresholds [0.02] or greater than the upper thresholds [0.3] (minimum 1 \
             datapoint for OK -> ALARM transition)."
        );
        slots[2].datapoint = Some(banded(0.1));
        assert_eq!(
            told(&condition, &slots),
            "Thresholds Crossed: 1 out of the last 1 datapoints [0.1 (03/02/26 09:37:00)] was not \
             less than the lower thresholds [0.02] or not greater than the upper thresholds [0.3] \
             (minimum 1 datapoint for ALARM -> OK transition)."
        );
        condition.comparison = ComparisonOperator::GreaterThanUpperThreshold;
        assert!(
            told(&condition, &slots).contains("was not greater than the upper thresholds [0.3] (")
        );
    }

    #[test]
    fn texts_are_cut_by_characters() {
        assert_eq!(cut("é".repeat(2_000)).chars().count(), REASON_CHARS_MAX);
        assert_eq!(cut("short".to_owned()), "short");
    }
}
