//! A filter pattern and the messages it matches (spec filter-patterns.md), or what it extracts
//! from them (`kind: "extract"`).

use std::collections::BTreeMap;

use belfry_lang::filter_pattern::FilterPattern;
use serde::Deserialize;
use serde_json::Value;

use super::{Outcome, compare};

#[derive(Deserialize)]
struct Case {
    kind: Option<String>,
    pattern: String,
    messages: Vec<String>,
    expect: Value,
}

/// One entry of TestMetricFilter's `matches`.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    event_number: usize,
    extracted_values: BTreeMap<String, String>,
}

pub fn run(case: &Value) -> Outcome {
    let case: Case = match Case::deserialize(case) {
        Ok(case) => case,
        Err(error) => return Outcome::Failed(format!("unreadable case: {error}")),
    };
    let refusal = case.expect.get("error").and_then(Value::as_str);
    let pattern = match (FilterPattern::parse(&case.pattern), refusal) {
        (Err(_), Some(_)) => return Outcome::Passed,
        (Err(error), None) => return Outcome::Failed(format!("refused: {error}")),
        (Ok(_), Some(error)) => return Outcome::Failed(format!("accepted, expected {error}")),
        (Ok(pattern), None) => pattern,
    };
    if case.kind.as_deref() == Some("extract") {
        return extract(&pattern, &case);
    }
    match Vec::<bool>::deserialize(&case.expect) {
        Ok(want) => {
            let got: Vec<bool> = case.messages.iter().map(|m| pattern.matches(m)).collect();
            compare(&got, &want)
        }
        Err(error) => Outcome::Failed(format!("unreadable expectation: {error}")),
    }
}

fn extract(pattern: &FilterPattern, case: &Case) -> Outcome {
    let want = match Vec::<Match>::deserialize(&case.expect) {
        Ok(want) => want,
        Err(error) => return Outcome::Failed(format!("unreadable expectation: {error}")),
    };
    let got: Vec<Match> = case
        .messages
        .iter()
        .enumerate()
        .filter_map(|(index, message)| {
            Some(Match {
                event_number: index + 1,
                extracted_values: pattern.extract(message)?.into_iter().collect(),
            })
        })
        .collect();
    compare(&got, &want)
}
