//! Statistics as requests name them, and other short texts.

use belfry_model::arn::Arn;
use belfry_model::{Statistic, StatisticSet, TimestampMs, Unit};
use belfry_wire::sigv4::Credential;
use belfry_wire::{Service, Timestamp};

use super::two_texts;

/// The statistic on the first line, samples after it: what parses keeps its text, and computes
/// no NaN from samples that PutMetricData takes.
pub fn statistic(data: &[u8]) {
    let Some((text, samples)) = two_texts(data) else {
        return;
    };
    let Ok(statistic) = Statistic::parse(text) else {
        return;
    };
    assert_eq!(statistic.as_str(), text);

    let limit = 2_f64.powi(360);
    let samples: Vec<f64> = samples
        .split_ascii_whitespace()
        .filter_map(|sample| sample.parse().ok())
        .filter(|sample| (-limit..=limit).contains(sample))
        .collect();
    let value = statistic.compute(&StatisticSet::from_values(&samples, None));
    assert!(!value.is_some_and(f64::is_nan), "{text} of {samples:?}");
}

/// Short texts in requests and headers: what is read prints, and reads again to the same.
pub fn texts(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Some(unit) = Unit::parse(text) {
        assert_eq!(unit.as_str(), text);
        assert_eq!(Unit::from_code(unit.code()), Some(unit));
    }
    if let Ok(arn) = Arn::parse(text) {
        let Arn {
            partition,
            service,
            region,
            account,
            resource,
        } = arn;
        let printed = format!("arn:{partition}:{service}:{region}:{account}:{resource}");
        assert_eq!(printed, text);
    }
    if let Some(time) = Timestamp::parse(text) {
        let ms = time.ms();
        // Shown in alarms and in answers to queries.
        let _ = (ms.to_alarm_text(), ms.to_insights_text());
        let printed = ms.to_iso8601_millis();
        // The year has four digits wherever one can be asked for.
        if printed.len() == "2026-01-15T12:00:00.000Z".len() {
            assert_eq!(TimestampMs::parse_iso8601(&printed), Some(ms), "{printed}");
        }
    }
    if let Some(credential) = Credential::parse(text) {
        let _ = credential.account_of_key();
    }
    let _ = (
        Service::from_scope_name(text),
        Service::from_target_prefix(text),
        Service::from_query_version(text),
    );
}
