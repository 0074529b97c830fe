//! DIFF DIFF_TIME RATE RUNNING_SUM: each point together with the ones before it. A point's
//! predecessor is the previous existing one; the first point has none and is dropped.

use super::Call;
use crate::metric_math::error::MathError;
use crate::metric_math::series::{TimeSeries, Value};

fn pairs(mut call: Call<'_>, f: fn((i64, f64), (i64, f64)) -> f64) -> Result<Value, MathError> {
    let operand = call.single()?;
    operand.map_series(call.function.name(), call.budget, |series| {
        let points = series.points();
        let steps = points.iter().zip(points.iter().skip(1));
        Ok(
            TimeSeries::new(series.period_s, steps.map(|(&p, &q)| (q.0, f(p, q))))
                .with_label(series.label.clone()),
        )
    })
}

pub(super) fn diff(call: Call<'_>) -> Result<Value, MathError> {
    pairs(call, |p, q| q.1 - p.1)
}

/// Seconds.
pub(super) fn diff_time(call: Call<'_>) -> Result<Value, MathError> {
    pairs(call, |p, q| (q.0 - p.0) as f64)
}

/// Per second.
pub(super) fn rate(call: Call<'_>) -> Result<Value, MathError> {
    pairs(call, |p, q| (q.1 - p.1) / (q.0 - p.0) as f64)
}

pub(super) fn running_sum(mut call: Call<'_>) -> Result<Value, MathError> {
    let operand = call.single()?;
    operand.map_series(call.function.name(), call.budget, |series| {
        let sums = series.points().iter().scan(0.0, |sum, &(t, v)| {
            *sum += v;
            Some((t, *sum))
        });
        Ok(TimeSeries::new(series.period_s, sums).with_label(series.label.clone()))
    })
}
