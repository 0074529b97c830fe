//! MINUTE HOUR DAY DATE MONTH YEAR EPOCH: the calendar of each slot of the grid, in UTC, whether
//! or not the argument has a point there.

use chrono::{DateTime, Datelike, Timelike, Utc};

use super::Call;
use crate::metric_math::error::MathError;
use crate::metric_math::series::{TimeSeries, Value};

fn calendar(mut call: Call<'_>, f: fn(&DateTime<Utc>) -> f64) -> Result<Value, MathError> {
    let operand = call.single()?;
    let grid = call.grid;
    operand.map_series(call.function.name(), call.budget, |series| {
        let slots = grid.slots()?;
        call.budget.steps(slots.len())?;
        let values =
            slots.filter_map(|slot| DateTime::from_timestamp(slot, 0).map(|at| (slot, f(&at))));
        Ok(TimeSeries::new(series.period_s, values).with_label(series.label.clone()))
    })
}

pub(super) fn minute(call: Call<'_>) -> Result<Value, MathError> {
    calendar(call, |at| f64::from(at.minute()))
}

pub(super) fn hour(call: Call<'_>) -> Result<Value, MathError> {
    calendar(call, |at| f64::from(at.hour()))
}

/// 1 = Monday … 7 = Sunday.
pub(super) fn day(call: Call<'_>) -> Result<Value, MathError> {
    calendar(call, |at| f64::from(at.weekday().number_from_monday()))
}

/// Day of the month.
pub(super) fn date(call: Call<'_>) -> Result<Value, MathError> {
    calendar(call, |at| f64::from(at.day()))
}

pub(super) fn month(call: Call<'_>) -> Result<Value, MathError> {
    calendar(call, |at| f64::from(at.month()))
}

pub(super) fn year(call: Call<'_>) -> Result<Value, MathError> {
    calendar(call, |at| f64::from(at.year()))
}

pub(super) fn epoch(call: Call<'_>) -> Result<Value, MathError> {
    calendar(call, |at| at.timestamp() as f64)
}
