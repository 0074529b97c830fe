//! Graphs of expressions that would take too long or too much.

use std::time::{Duration, Instant};

use belfry_lang::metric_math::parse;

use super::*;
use crate::metric_math::budget::{CALL_POINTS_MAX, CALL_STEPS_MAX, POINTS, PointPool};

fn expression(id: &str, text: &str) -> Query {
    Query {
        id: id.to_owned(),
        definition: Definition::Expression {
            expression: parse(text).unwrap(),
            period_s: None,
            label: None,
        },
    }
}

/// Two expressions a level, each of both below: 2^31 ways down, none of them too deep.
fn ladder(bottom: &str) -> Vec<Query> {
    let mut queries = vec![expression("a31", bottom), expression("b31", bottom)];
    for level in (0..31).rev() {
        let below = level + 1;
        let text = format!("a{below} + b{below}");
        queries.push(expression(&format!("a{level}"), &text));
        queries.push(expression(&format!("b{level}"), &text));
    }
    // From the top, so that nothing below is known when it is asked for.
    queries.reverse();
    queries
}

#[test]
fn a_ladder_of_references_takes_no_time() {
    let budget = Budget::new(&POINTS);
    let queries = ladder("TIME_SERIES(1)");
    let started = Instant::now();
    let mut evaluator = Evaluator::new(&queries, 0, 600, &budget);
    let Value::Series(series) = evaluator.evaluate("a0").unwrap() else {
        panic!("a series");
    };
    assert_eq!(
        series.points(),
        [(0, 2_f64.powi(31)), (300, 2_f64.powi(31))]
    );
    assert_eq!(evaluator.period_s("b0"), Ok(300));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn cycles_are_told_from_depth() {
    let budget = Budget::new(&POINTS);
    let queries = [expression("a", "b + 1"), expression("b", "a + 1")];
    let got = Evaluator::new(&queries, 0, 600, &budget).evaluate("a");
    assert_eq!(got, Err(MathError::Cycle("a".to_owned())));
    let mut queries = vec![expression("e0", "TIME_SERIES(1)")];
    for level in 1..40 {
        let text = format!("e{} + 1", level - 1);
        queries.push(expression(&format!("e{level}"), &text));
    }
    let got = Evaluator::new(&queries, 0, 600, &budget).evaluate("e39");
    assert_eq!(got, Err(MathError::TooDeep(REFERENCE_LEVELS_MAX)));
}

/// How a call of these metrics and expressions over a million slots ends.
fn refused(texts: impl IntoIterator<Item = String>, metrics: &[TimeSeries]) -> MathError {
    let pool = PointPool::new(2 * CALL_POINTS_MAX);
    let budget = Budget::new(&pool);
    let metrics = metrics.iter().enumerate();
    let mut queries: Vec<Query> = metrics
        .map(|(at, series)| Query {
            id: format!("m{at}"),
            definition: Definition::Metric(series.clone()),
        })
        .collect();
    let texts = texts.into_iter().enumerate();
    queries.extend(texts.map(|(at, text)| expression(&format!("e{at}"), &text)));
    let mut evaluator = Evaluator::new(&queries, 0, 300_000_000, &budget);
    let ids = queries.iter().map(|query| &query.id);
    ids.map(|id| evaluator.evaluate(id))
        .find_map(Result::err)
        .expect("a refusal")
}

fn one_point() -> TimeSeries {
    TimeSeries::new(300, [(0, 1.0)])
}

#[test]
fn a_call_holds_so_many_points() {
    let too_many = MathError::TooManyPoints(CALL_POINTS_MAX);
    let constants = (0..500).map(|_| "TIME_SERIES(1)".to_owned());
    assert_eq!(refused(constants, &[]), too_many);
    let metrics = vec![one_point(); 400];
    for text in [
        "FILL(METRICS(), 0)",
        "HOUR(METRICS())",
        "METRICS() + TIME_SERIES(1)",
        "TIME_SERIES(1) + METRICS()",
        "SUM(-FILL([m1, m1, m1, m1, m1], 0))",
    ] {
        assert_eq!(refused([text.to_owned()], &metrics), too_many, "{text}");
    }
    // Arrays of series without points.
    let arrays = (0..800).map(|_| "METRICS()".to_owned());
    assert_eq!(refused(arrays, &metrics), too_many);
}

#[test]
fn a_call_takes_so_many_steps() {
    let pool = PointPool::new(CALL_POINTS_MAX);
    let long = TimeSeries::new(300, (0..10_000).map(|at| (at * 300, 1.0)));
    let metric = |id: &str, series| Query {
        id: id.to_owned(),
        definition: Definition::Metric(series),
    };
    let looks_at_long = [
        "m1 + SUM(m0) + SUM(m0)",
        "SUM([m1]) + SUM(SUM([m0, m0]))",
        "SUM([m1]) + SUM(m0 + m0)",
        "SUM([m1]) + AVG(IF(m0, m0, 1))",
        "FIRST(SORT([m1, m0, m0], SUM, ASC))",
        "SUM([m1]) + SUM(ABS(m0)) + SUM(RATE(m0))",
    ];
    for text in looks_at_long {
        let queries = [
            metric("m0", long.clone()),
            metric("m1", one_point()),
            expression("e", text),
        ];
        let evaluate = |steps_left: usize| {
            let budget = Budget::new(&pool);
            budget.steps(CALL_STEPS_MAX - steps_left).unwrap();
            Evaluator::new(&queries, 0, 600, &budget).evaluate("e")
        };
        let refused = Err(MathError::TooManySteps(CALL_STEPS_MAX));
        assert_eq!(evaluate(19_000), refused, "{text}");
        assert!(evaluate(100_000).is_ok(), "{text}");
    }
}
