//! Series, and what an expression makes of them (spec metric-math.md).

use belfry_lang::metric_math::parse;
use belfry_query::metric_math::{
    Budget, Definition, Evaluator, MathError, POINTS, Query, TimeSeries, Value as Got,
};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::{Outcome, numbers_agree};

type Points = Vec<(i64, f64)>;

#[derive(Deserialize)]
struct Case {
    /// One metric for each id; their order counts for METRICS().
    series: IndexMap<String, Points>,
    #[serde(default)]
    exprs: IndexMap<String, String>,
    expression: String,
    period: i64,
    /// The grid is `start`, `start + period`, ... below `end`; defaults span the series.
    start: Option<i64>,
    end: Option<i64>,
    expect: Expectation,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Expectation {
    #[serde(rename = "TS")]
    Series { values: Points },
    #[serde(rename = "TS[]")]
    Array { series: Vec<Points> },
    #[serde(rename = "error")]
    Error,
}

pub fn run(case: &Value) -> Outcome {
    let case: Case = match Case::deserialize(case) {
        Ok(case) => case,
        Err(error) => return Outcome::Failed(format!("unreadable case: {error}")),
    };
    let got = evaluate(&case);
    let agrees = match (&got, &case.expect) {
        (Err(MathError::UnsupportedFunction(name)), _) => {
            return Outcome::Unsupported(format!("metric math function {name}"));
        }
        (Err(_), Expectation::Error) => true,
        (Ok(Got::Series(series)), Expectation::Series { values }) => agree(series, values),
        (Ok(Got::Array(members)), Expectation::Array { series }) => {
            members.len() == series.len()
                && members
                    .iter()
                    .zip(series)
                    .all(|(got, want)| agree(got, want))
        }
        _ => false,
    };
    if agrees {
        Outcome::Passed
    } else {
        let want = match &case.expect {
            Expectation::Series { values } => format!("{values:?}"),
            Expectation::Array { series } => format!("{series:?}"),
            Expectation::Error => "an error".to_owned(),
        };
        Outcome::Failed(format!("- expected {want}\n+ got      {got:?}"))
    }
}

fn evaluate(case: &Case) -> Result<Got, MathError> {
    let mut queries = Vec::new();
    for (id, points) in &case.series {
        queries.push(Query {
            id: id.clone(),
            definition: Definition::Metric(TimeSeries::new(case.period, points.clone())),
        });
    }
    let result = ("result".to_owned(), case.expression.clone());
    let expressions = case
        .exprs
        .iter()
        .map(|(id, text)| (id.clone(), text.clone()));
    for (id, text) in expressions.chain([result]) {
        let expression = parse(&text).map_err(|error| MathError::Syntax(error.to_string()))?;
        queries.push(Query {
            id,
            definition: Definition::Expression {
                expression,
                period_s: None,
                label: None,
            },
        });
    }
    let times = || case.series.values().flatten().map(|(time, _)| *time);
    let start = case.start.or_else(|| times().min()).unwrap_or_default();
    let last = times().max().unwrap_or_default();
    let end = case.end.unwrap_or(last.saturating_add(case.period));
    let budget = Budget::new(&POINTS);
    Evaluator::new(&queries, start, end, &budget).evaluate("result")
}

fn agree(got: &TimeSeries, want: &Points) -> bool {
    got.points().len() == want.len()
        && got
            .points()
            .iter()
            .zip(want)
            .all(|(got, want)| got.0 == want.0 && numbers_agree(got.1, want.1))
}
