//! What a definition has to be, beyond what each parameter has to be by itself (spec
//! alarms.md 2).

use belfry_model::alarm::MetricAlarm;

use crate::actions::{self, ActionError};

/// Periods × length, at most, in seconds: a day, a week for periods of an hour and more.
pub const SPAN_S_MAX: u64 = 86_400;
pub const LONG_SPAN_S_MAX: u64 = 604_800;
const LONG_PERIOD_S: u32 = 3_600;
/// Characters of a name and of a description.
const NAME_CHARS_MAX: usize = 255;
const DESCRIPTION_CHARS_MAX: usize = 1_024;

/// Why a definition is refused: all `ValidationError`. The texts are sentences for the caller;
/// that on DatapointsToAlarm is AWS's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    #[error(
        "AlarmName must have 1 to {NAME_CHARS_MAX} characters, none of them a control character"
    )]
    Name,
    #[error("AlarmDescription must not be longer than {DESCRIPTION_CHARS_MAX} characters")]
    Description,
    #[error("Period must be 10, 20, 30 or a multiple of 60")]
    Period,
    #[error("EvaluationPeriods must be at least 1")]
    EvaluationPeriods,
    #[error("DatapointsToAlarm must be at least 1")]
    DatapointsToAlarm,
    #[error("DatapointsToAlarm must be less than or equal to EvaluationPeriods")]
    MoreToAlarmThanEvaluated,
    #[error(
        "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= {SPAN_S_MAX})"
    )]
    Span,
    #[error(
        "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= {LONG_SPAN_S_MAX})"
    )]
    LongSpan,
    #[error("Threshold must be a finite number")]
    Threshold,
    #[error("{0} needs a ThresholdMetricId")]
    BandOperator(&'static str),
    #[error(transparent)]
    Action(#[from] ActionError),
}

/// Checks a definition.
///
/// # Errors
/// The first rule it breaks.
pub fn validate(alarm: &MetricAlarm) -> Result<(), DefinitionError> {
    let name_chars = alarm.name.chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&name_chars)
        || alarm.name.chars().any(|c| c.is_ascii_control())
    {
        return Err(DefinitionError::Name);
    }
    let description = alarm.description.as_deref().unwrap_or_default();
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(DefinitionError::Description);
    }
    if !is_period(alarm.period_s) {
        return Err(DefinitionError::Period);
    }
    let n = alarm.evaluation_periods;
    if n < 1 {
        return Err(DefinitionError::EvaluationPeriods);
    }
    match alarm.datapoints_to_alarm {
        Some(0) => return Err(DefinitionError::DatapointsToAlarm),
        Some(m) if m > n => return Err(DefinitionError::MoreToAlarmThanEvaluated),
        _ => {}
    }
    let span_s = u64::from(n) * u64::from(alarm.period_s);
    if span_s > LONG_SPAN_S_MAX {
        return Err(DefinitionError::LongSpan);
    }
    if span_s > SPAN_S_MAX && alarm.period_s < LONG_PERIOD_S {
        return Err(DefinitionError::Span);
    }
    if !alarm.threshold.is_finite() {
        return Err(DefinitionError::Threshold);
    }
    if alarm.comparison.is_band() {
        return Err(DefinitionError::BandOperator(alarm.comparison.as_str()));
    }
    Ok(actions::validate(alarm)?)
}

/// 10, 20, 30, or a multiple of 60 seconds.
pub const fn is_period(period_s: u32) -> bool {
    matches!(period_s, 10 | 20 | 30) || (period_s > 0 && period_s.is_multiple_of(60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use belfry_model::alarm::ComparisonOperator;

    fn refused(change: impl Fn(&mut MetricAlarm)) -> Option<DefinitionError> {
        let mut alarm = sample::alarm();
        change(&mut alarm);
        validate(&alarm).err()
    }

    #[test]
    fn each_rule_is_kept() {
        use DefinitionError as E;
        assert_eq!(refused(|_| ()), None);
        assert_eq!(refused(|a| a.name.clear()), Some(E::Name));
        assert_eq!(refused(|a| a.name = "é".repeat(255)), None);
        assert_eq!(refused(|a| a.name = "é".repeat(256)), Some(E::Name));
        assert_eq!(refused(|a| a.name.push('\n')), Some(E::Name));
        assert_eq!(
            refused(|a| a.description = Some("d".repeat(1_025))),
            Some(E::Description)
        );
        for period_s in [0, 1, 15, 40, 59, 61, 90] {
            assert_eq!(refused(|a| a.period_s = period_s), Some(E::Period));
        }
        assert_eq!(
            refused(|a| a.evaluation_periods = 0),
            Some(E::EvaluationPeriods)
        );
        assert_eq!(
            refused(|a| a.datapoints_to_alarm = Some(0)),
            Some(E::DatapointsToAlarm)
        );
        assert_eq!(
            refused(|a| a.datapoints_to_alarm = Some(4)),
            Some(E::MoreToAlarmThanEvaluated)
        );
        assert_eq!(refused(|a| a.threshold = f64::NAN), Some(E::Threshold));
        assert!(matches!(
            refused(|a| a.comparison = ComparisonOperator::LessThanLowerThreshold),
            Some(E::BandOperator(_))
        ));
        assert!(matches!(
            refused(|a| a.ok_actions.push("x".to_owned())),
            Some(E::Action(_))
        ));
    }

    #[test]
    fn spans_end_after_a_day_or_a_week() {
        let span = |period_s, n| {
            refused(move |a| {
                a.period_s = period_s;
                a.evaluation_periods = n;
                a.datapoints_to_alarm = None;
            })
        };
        assert_eq!(span(60, 1_440), None);
        assert_eq!(span(60, 1_441), Some(DefinitionError::Span));
        assert_eq!(span(10, 8_641), Some(DefinitionError::Span));
        assert_eq!(span(3_600, 168), None);
        assert_eq!(span(3_600, 169), Some(DefinitionError::LongSpan));
        assert_eq!(span(604_800, 1), None);
        assert_eq!(
            span(u32::MAX - 15, u32::MAX),
            Some(DefinitionError::LongSpan)
        );
    }
}
