//! Dynamic labels: tokens that show something of the returned series (spec metrics.md 10).

use belfry_model::TimestampMs;
use chrono::FixedOffset;

/// Tokens of one label (documented).
const TOKENS_MAX: usize = 5;

/// What tokens can show.
pub(super) struct Subject<'s> {
    /// Ascending.
    pub points: &'s [(TimestampMs, f64)],
    pub now: TimestampMs,
    pub zone: FixedOffset,
    /// The label without one of its own.
    pub default_label: &'s str,
    /// The value of `${PROP('name')}`; `None` for one that does not exist.
    pub property: &'s dyn Fn(&str) -> Option<String>,
}

/// `label` with its tokens replaced. Unknown tokens stay as text.
pub(super) fn render(label: &str, subject: &Subject<'_>) -> String {
    let mut out = String::with_capacity(label.len());
    let mut rest = label;
    let mut tokens = 0;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let value = after.split_once('}').and_then(|(token, tail)| {
            let value = subject.token(token.trim())?;
            Some((value, tail))
        });
        match value {
            Some((value, tail)) if tokens < TOKENS_MAX => {
                tokens += 1;
                out.push_str(&value);
                rest = tail;
            }
            _ => {
                out.push_str("${");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

impl Subject<'_> {
    /// `None` for what is no token.
    fn token(&self, token: &str) -> Option<String> {
        if token == "LABEL" {
            return Some(self.default_label.to_owned());
        }
        if let Some(argument) = token
            .strip_prefix("PROP(")
            .and_then(|t| t.strip_suffix(')'))
        {
            let argument = argument.trim();
            let name = argument
                .strip_prefix('\'')
                .and_then(|a| a.strip_suffix('\''))
                .or_else(|| argument.strip_prefix('"').and_then(|a| a.strip_suffix('"')))?;
            return (self.property)(name);
        }
        if !TOKENS.contains(&token) {
            return None;
        }
        // A token over an empty series.
        Some(self.of_series(token).unwrap_or_else(|| "-".to_owned()))
    }

    fn of_series(&self, token: &str) -> Option<String> {
        let first = *self.points.first()?;
        let last = *self.points.last()?;
        let count = self.points.len() as f64;
        let sum: f64 = self.points.iter().map(|(_, v)| v).sum();
        let by_value = |a: &&(TimestampMs, f64), b: &&(TimestampMs, f64)| a.1.total_cmp(&b.1);
        let least = *self.points.iter().min_by(by_value)?;
        // Of equal values the first.
        let greatest = *self.points.iter().rev().max_by(by_value)?;
        let time = |at: TimestampMs| self.time(at);
        let relative = |at: TimestampMs| duration(self.now - at);
        Some(match token {
            "AVG" => number(sum / count),
            "DATAPOINT_COUNT" => number(count),
            "FIRST" => number(first.1),
            "LAST" => number(last.1),
            "MAX" => number(greatest.1),
            "MIN" => number(least.1),
            "SUM" => number(sum),
            "FIRST_LAST_RANGE" => number(last.1 - first.1),
            "MIN_MAX_RANGE" => number(greatest.1 - least.1),
            "FIRST_TIME" => time(first.0),
            "LAST_TIME" => time(last.0),
            "MAX_TIME" => time(greatest.0),
            "MIN_TIME" => time(least.0),
            "FIRST_TIME_RELATIVE" => relative(first.0),
            "LAST_TIME_RELATIVE" => relative(last.0),
            "MAX_TIME_RELATIVE" => relative(greatest.0),
            "MIN_TIME_RELATIVE" => relative(least.0),
            "FIRST_LAST_TIME_RANGE" => duration(last.0 - first.0),
            "MIN_MAX_TIME_RANGE" => duration((greatest.0 - least.0).abs()),
            _ => return None,
        })
    }

    fn time(&self, at: TimestampMs) -> String {
        match at.to_datetime() {
            Some(at) => at
                .with_timezone(&self.zone)
                .format("%Y-%m-%d %H:%M:%S UTC%:z")
                .to_string(),
            None => "-".to_owned(),
        }
    }
}

const TOKENS: [&str; 19] = [
    "AVG",
    "DATAPOINT_COUNT",
    "FIRST",
    "LAST",
    "MAX",
    "MIN",
    "SUM",
    "FIRST_LAST_RANGE",
    "MIN_MAX_RANGE",
    "FIRST_TIME",
    "LAST_TIME",
    "MAX_TIME",
    "MIN_TIME",
    "FIRST_TIME_RELATIVE",
    "LAST_TIME_RELATIVE",
    "MAX_TIME_RELATIVE",
    "MIN_TIME_RELATIVE",
    "FIRST_LAST_TIME_RANGE",
    "MIN_MAX_TIME_RANGE",
];

/// Shortest decimal, rounded to 3 decimals, without trailing zeros.
fn number(value: f64) -> String {
    let rounded = format!("{value:.3}");
    let shortest = rounded.trim_end_matches('0').trim_end_matches('.');
    if shortest == "-0" { "0" } else { shortest }.to_owned()
}

/// `1d 2h 3m 4s` without zero parts.
fn duration(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let shown: Vec<String> = parts
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, unit)| format!("{n}{unit}"))
        .collect();
    if shown.is_empty() {
        "0s".to_owned()
    } else {
        shown.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(label: &str, points: &[(TimestampMs, f64)]) -> String {
        let subject = Subject {
            points,
            now: TimestampMs::from_secs(7_384),
            zone: FixedOffset::east_opt(3600).unwrap(),
            default_label: "Latency",
            property: &|name| (name == "Region").then(|| "eu-west-1".to_owned()),
        };
        render(label, &subject)
    }

    #[test]
    fn tokens() {
        let at = TimestampMs::from_secs;
        let points = [(at(0), 1.0), (at(60), 4.0), (at(120), 2.25)];
        for (label, expected) in [
            ("max ${MAX} of ${LABEL}", "max 4 of Latency"),
            ("${AVG}|${SUM}|${FIRST_LAST_RANGE}", "2.417|7.25|1.25"),
            ("${MAX_TIME}", "1970-01-01 01:01:00 UTC+01:00"),
            (
                "${LAST_TIME_RELATIVE} ${FIRST_LAST_TIME_RANGE}",
                "2h 1m 4s 2m",
            ),
            (
                "${PROP('Region')} ${PROP('Nope')}",
                "eu-west-1 ${PROP('Nope')}",
            ),
            ("${NOPE} ${ ${MIN}", "${NOPE} ${ 1"),
            ("${MIN}${MIN}${MIN}${MIN}${MIN}${MIN}", "11111${MIN}"),
        ] {
            assert_eq!(shown(label, &points), expected, "{label}");
        }
        assert_eq!(shown("${AVG} ${LABEL}", &[]), "- Latency");
    }
}
