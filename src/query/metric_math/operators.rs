//! Arithmetic, comparison and logic between scalars, series and arrays (spec metric-math.md 3).

use belfry_lang::metric_math::Operator;

use super::budget::Budget;
use super::error::MathError;
use super::series::{TimeSeries, Value, for_each_time};

/// NaN stands for "undefined" and is contagious, through comparisons and logic too.
fn apply(operator: Operator, left: f64, right: f64) -> f64 {
    if left.is_nan() || right.is_nan() {
        return f64::NAN;
    }
    let truth = |b: bool| if b { 1.0 } else { 0.0 };
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Less => truth(left < right),
        Operator::LessOrEqual => truth(left <= right),
        Operator::Greater => truth(left > right),
        Operator::GreaterOrEqual => truth(left >= right),
        Operator::Equal => truth(left == right),
        Operator::NotEqual => truth(left != right),
        Operator::And => truth(left != 0.0 && right != 0.0),
        Operator::Or => truth(left != 0.0 || right != 0.0),
    }
}

/// A real power; undefined ones are dropped.
fn raise(base: f64, exponent: f64) -> f64 {
    if base.is_nan() || exponent.is_nan() {
        return f64::NAN;
    }
    base.powf(exponent)
}

/// A scalar that is not finite is carried as NaN (spec metric-math.md 1).
pub(super) fn scalar(value: f64) -> Value {
    Value::Scalar(if value.is_finite() { value } else { f64::NAN })
}

pub fn negate(operand: Value, budget: &Budget<'_>) -> Result<Value, MathError> {
    match operand {
        Value::Scalar(v) => Ok(scalar(-v)),
        other => other.map_series("unary minus", budget, |series| Ok(series.map(|v| -v))),
    }
}

pub fn binary(
    operator: Operator,
    left: Value,
    right: Value,
    budget: &Budget<'_>,
) -> Result<Value, MathError> {
    combine(
        operator.symbol(),
        &|l, r| apply(operator, l, r),
        left,
        right,
        budget,
    )
}

pub fn power(base: Value, exponent: Value, budget: &Budget<'_>) -> Result<Value, MathError> {
    combine("^", &raise, base, exponent, budget)
}

fn combine(
    symbol: &str,
    apply: &dyn Fn(f64, f64) -> f64,
    left: Value,
    right: Value,
    budget: &Budget<'_>,
) -> Result<Value, MathError> {
    Ok(match (left, right) {
        (Value::Scalar(l), Value::Scalar(r)) => scalar(apply(l, r)),
        (Value::Scalar(l), right @ (Value::Series(_) | Value::Array(_))) => {
            right.map_series(symbol, budget, |member| Ok(member.map(|v| apply(l, v))))?
        }
        (left @ (Value::Series(_) | Value::Array(_)), Value::Scalar(r)) => {
            left.map_series(symbol, budget, |member| Ok(member.map(|v| apply(v, r))))?
        }
        (Value::Series(l), Value::Series(r)) => {
            budget.steps(l.points().len())?;
            Value::Series(r).map_series(symbol, budget, |r| Ok(union(apply, &l, r)))?
        }
        (Value::Series(l), right @ Value::Array(_)) => {
            right.map_series(symbol, budget, |member| {
                budget.steps(l.points().len())?;
                Ok(union(apply, &l, member).with_label(member.label.clone()))
            })?
        }
        (left @ Value::Array(_), Value::Series(r)) => {
            left.map_series(symbol, budget, |member| {
                budget.steps(r.points().len())?;
                Ok(union(apply, member, &r).with_label(member.label.clone()))
            })?
        }
        (left, right) => {
            return Err(MathError::Type {
                what: format!("the operator {symbol}"),
                expected: "scalars, time series, or one array of time series",
                found: format!("{} with {}", left.type_name(), right.type_name()),
            });
        }
    })
}

/// Times of either side; a missing side counts as 0.
fn union(apply: &dyn Fn(f64, f64) -> f64, left: &TimeSeries, right: &TimeSeries) -> TimeSeries {
    let period_s = left.period_s.min(right.period_s);
    let mut points = Vec::with_capacity(left.points().len().max(right.points().len()));
    let (mut l, mut r) = (
        left.points().iter().peekable(),
        right.points().iter().peekable(),
    );
    loop {
        let (time_s, lv, rv) = match (l.peek(), r.peek()) {
            (None, None) => break,
            (Some(&&(t, v)), None) => (t, v, 0.0),
            (None, Some(&&(t, v))) => (t, 0.0, v),
            (Some(&&(lt, lv)), Some(&&(rt, rv))) => match lt.cmp(&rt) {
                std::cmp::Ordering::Less => (lt, lv, 0.0),
                std::cmp::Ordering::Greater => (rt, 0.0, rv),
                std::cmp::Ordering::Equal => (lt, lv, rv),
            },
        };
        l.next_if(|p| p.0 == time_s);
        r.next_if(|p| p.0 == time_s);
        points.push((time_s, apply(lv, rv)));
    }
    TimeSeries::new(period_s, points)
}

/// Per time of the union of the members, what `f` makes of their values there.
pub(super) fn across(
    members: &[TimeSeries],
    period_s: i64,
    budget: &Budget<'_>,
    f: impl Fn(&[Option<f64>]) -> f64,
) -> Result<TimeSeries, MathError> {
    let mut points = Vec::new();
    for_each_time(members, budget, |time_s, at| points.push((time_s, f(at))))?;
    let series = TimeSeries::new(period_s, points);
    budget.series(&series)?;
    Ok(series)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric_math::budget::POINTS;

    fn series(points: &[(i64, f64)]) -> TimeSeries {
        TimeSeries::new(60, points.iter().copied())
    }

    #[test]
    fn an_undefined_scalar_empties_the_series() {
        let budget = Budget::new(&POINTS);
        let nan = binary(
            Operator::Divide,
            Value::Scalar(1.0),
            Value::Scalar(0.0),
            &budget,
        )
        .unwrap();
        assert!(matches!(nan, Value::Scalar(v) if v.is_nan()));
        for operator in [
            Operator::Add,
            Operator::Less,
            Operator::Or,
            Operator::NotEqual,
        ] {
            let out = binary(
                operator,
                Value::Series(series(&[(0, 1.0)])),
                nan.clone(),
                &budget,
            )
            .unwrap();
            assert_eq!(out, Value::Series(series(&[])), "{operator:?}");
        }
    }

    #[test]
    fn a_missing_side_counts_as_zero() {
        let out = union(
            &|l, r| apply(Operator::Subtract, l, r),
            &series(&[(0, 5.0), (60, 1.0)]),
            &series(&[(60, 1.0), (120, 2.0)]),
        );
        assert_eq!(out.points(), [(0, 5.0), (60, 0.0), (120, -2.0)]);
    }

    #[test]
    fn undefined_powers_drop_their_point() {
        let base = Value::Series(series(&[(0, -2.0), (60, 4.0)]));
        let out = power(base, Value::Scalar(0.5), &Budget::new(&POINTS)).unwrap();
        assert_eq!(out, Value::Series(series(&[(60, 2.0)])));
    }
}
