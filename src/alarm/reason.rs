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
