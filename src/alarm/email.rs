//! The mail text of a notification (spec notifications.md 14): own wording, with AWS's
//! headings and key names, because people's mail rules match them.

use std::fmt::{Display, Write};

use belfry_model::{TimestampMs, arn};

use crate::document::StateChange;
use crate::number::java_double;
use crate::verdict::treatment;

/// Width of `- Name:` with its padding, in the first block and in that of the metric.
const DETAIL_WIDTH: usize = 30;
const METRIC_WIDTH: usize = 39;

/// What the text needs besides the change itself.
pub struct EmailContext<'a> {
    pub change: &'a StateChange<'a>,
    /// Display name of the region.
    pub region: &'a str,
    /// Where a reader can open the alarm; without it there is no such line.
    pub console_url: Option<&'a str>,
}

/// The text, lines ended by `\n`.
pub fn text(context: &EmailContext<'_>) -> String {
    let EmailContext {
        change,
        region,
        console_url,
    } = context;
    let (alarm, new) = (change.alarm, change.new);
    let time = long_time(new.transitioned_at);
    let mut out = Lines::default();

    out.line(format_args!("{}: {} ({region})", new.state, alarm.name));
    out.empty();
    out.line(&new.reason);
    out.line(format_args!("since {time}"));
    out.empty();
    if let Some(url) = console_url {
        out.line(format_args!("Open: {url}"));
        out.empty();
    }

    out.line("Alarm Details:");
    let mut detail = |key: &str, value: &dyn Display| out.entry(DETAIL_WIDTH, key, value);
    detail("Name", &alarm.name);
    detail("Description", &alarm.description.as_deref().unwrap_or(""));
    detail(
        "State Change",
        &format_args!("{} -> {}", change.old_state, new.state),
    );
    detail("Reason for State Change", &new.reason);
    detail("Timestamp", &time);
    detail("AWS Account", &change.tenant.account);
    detail("Alarm Arn", &arn::alarm(change.tenant, &alarm.name));
    out.empty();

    out.line("Threshold:");
    out.line(format_args!(
        "- The alarm is in the ALARM state when the metric is {} {} {}.",
        alarm.comparison.as_str(),
        java_double(alarm.threshold),
        how_long(change),
    ));
    out.empty();

    out.line("Monitored Metric:");
    let mut metric = |key: &str, value: &dyn Display| out.entry(METRIC_WIDTH, key, value);
    metric("MetricNamespace", &alarm.metric.namespace);
    metric("MetricName", &alarm.metric.name);
    metric("Dimensions", &dimensions(change));
    metric("Period", &format_args!("{} seconds", alarm.period_s));
    metric("Statistic", &alarm.statistic);
    metric(
        "Unit",
        &alarm.unit.map_or("not specified", |unit| unit.as_str()),
    );
    metric("TreatMissingData", &treatment(alarm).as_str());
    out.empty();
    out.empty();

    out.line("State Change Actions:");
    for (state, arns) in [
        ("OK", &alarm.ok_actions),
        ("ALARM", &alarm.alarm_actions),
        ("INSUFFICIENT_DATA", &alarm.insufficient_data_actions),
    ] {
        let listed: Vec<String> = arns.iter().map(|arn| format!("[{arn}]")).collect();
        out.line(format_args!("- {state}: {}", listed.join(" ")));
    }
    out.text
}

/// `for at least 2 of the last 3 period(s) of 60 seconds`, or `for 180 seconds` when all count.
fn how_long(change: &StateChange<'_>) -> String {
    let alarm = change.alarm;
    let (n, period) = (alarm.evaluation_periods, alarm.period_s);
    match alarm.datapoints_to_alarm {
        Some(m) if m < n => {
            format!("for at least {m} of the last {n} period(s) of {period} seconds")
        }
        _ => format!("for {} seconds", u64::from(n) * u64::from(period)),
    }
}

fn dimensions(change: &StateChange<'_>) -> String {
    let listed: Vec<String> = change
        .alarm
        .metric
        .dimensions()
        .iter()
        .map(|d| format!("[{} = {}]", d.name, d.value))
        .collect();
    listed.join(" ")
}

/// `Thursday 02 April, 2026 09:15:26 UTC`.
fn long_time(time: TimestampMs) -> String {
    time.to_datetime().map_or_else(
        || time.to_string(),
        |t| t.format("%A %d %B, %Y %H:%M:%S UTC").to_string(),
    )
}

/// A text that grows by lines without blanks at their ends.
#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn line(&mut self, line: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{line}");
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    fn empty(&mut self) {
        self.text.push('\n');
    }

    /// `- Key:      value`, the value in column `width`.
    fn entry(&mut self, width: usize, key: &str, value: &dyn Display) {
        let label = format!("- {key}:");
        self.line(format_args!("{label:<width$}{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use belfry_model::alarm::{AlarmState, AlarmStatus};
    use belfry_model::{Dimension, MetricId};

    #[test]
    fn text_is_as_specified() {
        let tenant = sample::tenant();
        let mut alarm = sample::alarm();
        alarm.description = Some("pay is slow".to_owned());
        let dimensions = vec![Dimension::new("Host", "a"), Dimension::new("Route", "/pay")];
        alarm.metric = MetricId::new("Shop/Api", "Latency", dimensions);
        let new = AlarmStatus {
            state: AlarmState::Alarm,
            reason: "Threshold Crossed: because".to_owned(),
            reason_data: None,
            updated_at: sample::at("2026-04-02T09:15:26.456Z"),
            transitioned_at: sample::at("2026-04-02T09:15:26.456Z"),
        };
        let change = StateChange {
            tenant: &tenant,
            alarm: &alarm,
            configured_at: TimestampMs(0),
            old_state: AlarmState::Ok,
            new: &new,
        };
        let context = EmailContext {
            change: &change,
            region: "EU (Ireland)",
            console_url: Some("http://belfry/alarms/checkout-latency"),
        };
        assert_eq!(
            text(&context),
            "\
ALARM: checkout-latency (EU (Ireland))

Threshold Crossed: because
since Thursday 02 April, 2026 09:15:26 UTC

Open: http://belfry/alarms/checkout-latency

Alarm Details:
- Name:                       checkout-latency
- Description:                pay is slow
- State Change:               OK -> ALARM
- Reason for State Change:    Threshold Crossed: because
- Timestamp:                  Thursday 02 April, 2026 09:15:26 UTC
- AWS Account:                111122223333
- Alarm Arn:                  arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-latency

Threshold:
- The alarm is in the ALARM state when the metric is GreaterThanThreshold 7.0 for at least 2 of the last 3 period(s) of 60 seconds.

Monitored Metric:
- MetricNamespace:                     Shop/Api
- MetricName:                          Latency
- Dimensions:                          [Host = a] [Route = /pay]
- Period:                              60 seconds
- Statistic:                           Average
- Unit:                                not specified
- TreatMissingData:                    missing


State Change Actions:
- OK:
- ALARM: [arn:aws:sns:eu-west-1:111122223333:ops]
- INSUFFICIENT_DATA:
"
        );
        let mut whole = alarm.clone();
        whole.datapoints_to_alarm = None;
        let change = StateChange {
            alarm: &whole,
            ..change
        };
        assert!(
            text(&EmailContext {
                change: &change,
                region: "",
                console_url: None
            })
            .contains("is GreaterThanThreshold 7.0 for 180 seconds.\n")
        );
    }
}
