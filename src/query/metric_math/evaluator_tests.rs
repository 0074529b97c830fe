//! Graphs of expressions that would take too long or too much.

use std::time::{Duration, Instant};

use belfry_lang::metric_math::parse;

use super::*;

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
    let queries = ladder("TIME_SERIES(1)");
    let started = Instant::now();
    let mut evaluator = Evaluator::new(&queries, 0, 600);
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
    let queries = [expression("a", "b + 1"), expression("b", "a + 1")];
    let got = Evaluator::new(&queries, 0, 600).evaluate("a");
    assert_eq!(got, Err(MathError::Cycle("a".to_owned())));
    let mut queries = vec![expression("e0", "TIME_SERIES(1)")];
    for level in 1..40 {
        let text = format!("e{} + 1", level - 1);
        queries.push(expression(&format!("e{level}"), &text));
    }
    let got = Evaluator::new(&queries, 0, 600).evaluate("e39");
    assert_eq!(got, Err(MathError::TooDeep(REFERENCE_LEVELS_MAX)));
}
