//! AVG SUM MIN MAX STDDEV DATAPOINT_COUNT: a series becomes a scalar, an array a series over
//! the union of times. METRIC_COUNT is the length of an array.

use super::Call;
use crate::metric_math::error::MathError;
use crate::metric_math::operators::{across, scalar};
use crate::metric_math::series::{Value, smallest_period};

fn aggregate(
    mut call: Call<'_>,
    of_series: fn(&[f64]) -> f64,
    of_slot: fn(&[Option<f64>]) -> f64,
) -> Result<Value, MathError> {
    match call.single()? {
        Value::Series(series) => {
            call.budget.steps(series.points().len())?;
            Ok(scalar(of_series(&series.values().collect::<Vec<_>>())))
        }
        Value::Array(members) => {
            let period_s = smallest_period(&members);
            let series = across(&members, period_s, call.budget, of_slot)?;
            Ok(Value::Series(series))
        }
        other => Err(MathError::argument(
            call.function.name(),
            "a time series or an array of time series",
            &other,
        )),
    }
}

fn present(slot: &[Option<f64>]) -> Vec<f64> {
    slot.iter().copied().flatten().collect()
}

fn total(values: &[f64]) -> f64 {
    values.iter().sum()
}

fn count(values: &[f64]) -> f64 {
    values.len() as f64
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().reduce(f64::min).unwrap_or(f64::NAN)
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().reduce(f64::max).unwrap_or(f64::NAN)
}

fn mean(values: &[f64]) -> f64 {
    total(values) / count(values)
}

/// Population standard deviation.
fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (squares / count(values)).sqrt()
}

pub(super) fn sum(call: Call<'_>) -> Result<Value, MathError> {
    aggregate(call, total, |slot| total(&present(slot)))
}

/// A series: mean of existing points. An array: missing members count as 0.
pub(super) fn avg(call: Call<'_>) -> Result<Value, MathError> {
    aggregate(call, mean, |slot| total(&present(slot)) / slot.len() as f64)
}

pub(super) fn min(call: Call<'_>) -> Result<Value, MathError> {
    aggregate(call, least, |slot| least(&present(slot)))
}

pub(super) fn max(call: Call<'_>) -> Result<Value, MathError> {
    aggregate(call, greatest, |slot| greatest(&present(slot)))
}

pub(super) fn stddev(call: Call<'_>) -> Result<Value, MathError> {
    aggregate(call, deviation, |slot| deviation(&present(slot)))
}

pub(super) fn datapoint_count(call: Call<'_>) -> Result<Value, MathError> {
    aggregate(call, count, |slot| count(&present(slot)))
}

pub(super) fn metric_count(mut call: Call<'_>) -> Result<Value, MathError> {
    call.arity(1..=1, "one argument")?;
    Ok(Value::Scalar(call.array(0)?.len() as f64))
}
