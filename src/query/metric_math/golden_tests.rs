//! Runs `tests/examples/metric-math.jsonl` (format: examples README 3).

use belfry_lang::metric_math::parse;
use serde_json::Value as Json;

use super::{Budget, Definition, Evaluator, MathError, POINTS, Query, TimeSeries, Value};

const CASES: &str = include_str!("../../../tests/examples/metric-math.jsonl");

fn points(json: &Json) -> Vec<(i64, f64)> {
    let pairs = json.as_array().unwrap().iter();
    pairs
        .map(|p| (p[0].as_i64().unwrap(), p[1].as_f64().unwrap()))
        .collect()
}

fn run(case: &Json) -> Result<Value, MathError> {
    let period_s = case["period"].as_i64().unwrap();
    let mut queries = Vec::new();
    let mut times = Vec::new();
    for (id, series) in case["series"].as_object().unwrap() {
        let series = TimeSeries::new(period_s, points(series));
        times.extend(series.points().iter().map(|(t, _)| *t));
        let definition = Definition::Metric(series);
        queries.push(Query {
            id: id.clone(),
            definition,
        });
    }
    let mut add = |id: &str, text: &str| -> Result<(), MathError> {
        let definition = Definition::Expression {
            expression: parse(text).map_err(|e| MathError::Syntax(e.to_string()))?,
            period_s: None,
            label: None,
        };
        queries.push(Query {
            id: id.to_owned(),
            definition,
        });
        Ok(())
    };
    if let Some(expressions) = case.get("exprs").and_then(Json::as_object) {
        for (id, text) in expressions {
            add(id, text.as_str().unwrap())?;
        }
    }
    add("result", case["expression"].as_str().unwrap())?;
    let first = times.iter().min().copied().unwrap_or_default();
    let last = times.iter().max().copied().unwrap_or_default();
    let start = case["start"].as_i64().unwrap_or(first);
    let end = case["end"].as_i64().unwrap_or(last + period_s);
    let budget = Budget::new(&POINTS);
    Evaluator::new(&queries, start, end, &budget).evaluate("result")
}

fn agree(got: &TimeSeries, want: &Json) -> bool {
    let want = points(want);
    got.points().len() == want.len()
        && got
            .points()
            .iter()
            .zip(&want)
            .all(|(g, w)| g.0 == w.0 && (g.1 - w.1).abs() <= 1e-9 * w.1.abs().max(1.0))
}

#[test]
fn golden_cases() {
    let mut failures = Vec::new();
    let mut count = 0;
    for line in CASES.lines().filter(|line| !line.is_empty()) {
        let case: Json = serde_json::from_str(line).unwrap();
        count += 1;
        let got = run(&case);
        let expect = &case["expect"];
        let passed = match (expect["type"].as_str().unwrap(), &got) {
            ("error", Err(error)) => !matches!(error, MathError::UnsupportedFunction(_)),
            ("TS", Ok(Value::Series(series))) => agree(series, &expect["values"]),
            ("TS[]", Ok(Value::Array(members))) => {
                let want = expect["series"].as_array().unwrap();
                members.len() == want.len()
                    && members.iter().zip(want).all(|(got, want)| agree(got, want))
            }
            _ => false,
        };
        if !passed {
            failures.push(format!("{}: {got:?}", case["name"]));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // None is out of scope.
    assert_eq!(count, 82);
}
