//! ABS CEIL FLOOR LOG LOG10: each point by itself. Logarithms of values ≤ 0 drop the point.

use super::Call;
use crate::metric_math::error::MathError;
use crate::metric_math::series::Value;

fn map(mut call: Call<'_>, f: fn(f64) -> f64) -> Result<Value, MathError> {
    let operand = call.single()?;
    operand.map_series(
        call.function.name(),
        call.budget,
        |series| Ok(series.map(f)),
    )
}

pub(super) fn abs(call: Call<'_>) -> Result<Value, MathError> {
    map(call, f64::abs)
}

pub(super) fn ceil(call: Call<'_>) -> Result<Value, MathError> {
    map(call, f64::ceil)
}

pub(super) fn floor(call: Call<'_>) -> Result<Value, MathError> {
    map(call, f64::floor)
}

pub(super) fn log(call: Call<'_>) -> Result<Value, MathError> {
    map(call, f64::ln)
}

pub(super) fn log10(call: Call<'_>) -> Result<Value, MathError> {
    map(call, f64::log10)
}
