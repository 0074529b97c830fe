//! `IF(condition, trueValue [, falseValue])` (spec metric-math.md 6).

use super::Call;
use crate::metric_math::error::MathError;
use crate::metric_math::series::{TimeSeries, Value};

pub(super) fn if_(mut call: Call<'_>) -> Result<Value, MathError> {
    call.arity(2..=3, "two or three arguments")?;
    let when_true = branch(call.value(1)?)?;
    let when_false = match call.arguments.len() {
        3 => Some(branch(call.value(2)?)?),
        _ => None,
    };
    match call.value(0)? {
        Value::Series(condition) => {
            call.budget.steps(condition.points().len())?;
            let chosen = choose_per_point(&condition, &when_true, when_false.as_ref());
            call.budget.series(&chosen)?;
            Ok(Value::Series(chosen))
        }
        Value::Scalar(condition) if condition.is_nan() => {
            Ok(Value::Series(TimeSeries::new(call.grid.period_s, [])))
        }
        Value::Scalar(condition) => {
            let chosen = if condition != 0.0 {
                Some(when_true)
            } else {
                when_false
            };
            Ok(match chosen {
                Some(Branch::Scalar(v)) => Value::Scalar(v),
                Some(Branch::Series(series)) => Value::Series(series),
                None => Value::Series(TimeSeries::new(call.grid.period_s, [])),
            })
        }
        other => Err(MathError::argument(
            "the condition of IF",
            "a scalar or a time series",
            &other,
        )),
    }
}

enum Branch {
    Scalar(f64),
    Series(TimeSeries),
}

fn branch(value: Value) -> Result<Branch, MathError> {
    match value {
        Value::Scalar(v) => Ok(Branch::Scalar(v)),
        Value::Series(series) => Ok(Branch::Series(series)),
        other => Err(MathError::argument(
            "a branch of IF",
            "a scalar or a time series",
            &other,
        )),
    }
}

/// At the condition's times only. A chosen series without a point there counts as 0, except the
/// false branch beside a scalar true branch: there the point is dropped (table of section 6).
fn choose_per_point(
    condition: &TimeSeries,
    when_true: &Branch,
    when_false: Option<&Branch>,
) -> TimeSeries {
    let value = |time_s, is_true: bool| match (is_true, when_true, when_false) {
        (true, Branch::Scalar(v), _) => Some(*v),
        (true, Branch::Series(series), _) => Some(series.at(time_s).unwrap_or(0.0)),
        (false, _, Some(Branch::Scalar(v))) => Some(*v),
        (false, Branch::Scalar(_), Some(Branch::Series(series))) => series.at(time_s),
        (false, Branch::Series(_), Some(Branch::Series(series))) => {
            Some(series.at(time_s).unwrap_or(0.0))
        }
        (false, _, None) => None,
    };
    let points = condition.points().iter();
    TimeSeries::new(
        condition.period_s,
        points.filter_map(|&(t, c)| value(t, c != 0.0).map(|v| (t, v))),
    )
}
