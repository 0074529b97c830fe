//! FILL and TIME_SERIES: values for every slot of the grid.

use belfry_lang::metric_math::Keyword;

use super::Call;
use crate::metric_math::error::MathError;
use crate::metric_math::series::{Grid, TimeSeries, Value};

/// What empty slots get.
enum Filler {
    Number(f64),
    /// The filler's own value at that time, if it has one.
    Series(TimeSeries),
    /// The last earlier value; leading slots stay empty.
    Repeat,
    /// The straight line between the neighbours; leading and trailing slots stay empty.
    Linear,
}

pub(super) fn fill(mut call: Call<'_>) -> Result<Value, MathError> {
    call.arity(2..=2, "two arguments")?;
    let filler = match call.word(1) {
        Some(Keyword::Repeat) => Filler::Repeat,
        Some(Keyword::Linear) => Filler::Linear,
        _ => match call.value(1)? {
            Value::Scalar(v) => Filler::Number(v),
            Value::Series(series) => Filler::Series(series),
            other => {
                return Err(MathError::argument(
                    "FILL",
                    "a number, a time series, REPEAT or LINEAR",
                    &other,
                ));
            }
        },
    };
    let (grid, budget) = (call.grid, call.budget);
    call.value(0)?.map_series("FILL", budget, |series| {
        budget.steps(grid.slots()?.len())?;
        fill_series(series, &filler, grid)
    })
}

fn fill_series(series: &TimeSeries, filler: &Filler, grid: Grid) -> Result<TimeSeries, MathError> {
    let points = series.points();
    let mut filled = Vec::new();
    let mut after = 0;
    for slot in grid.slots()? {
        // Points between slots (inputs of a finer period) stay where they are.
        while let Some(&(t, v)) = points.get(after).filter(|(t, _)| *t <= slot) {
            filled.push((t, v));
            after += 1;
        }
        if filled.last().is_some_and(|(t, _)| *t == slot) {
            continue;
        }
        let before = after.checked_sub(1).and_then(|i| points.get(i));
        let value = match filler {
            Filler::Number(v) => Some(*v),
            Filler::Series(other) => other.at(slot),
            Filler::Repeat => before.map(|(_, v)| *v),
            Filler::Linear => before.zip(points.get(after)).map(|(p, q)| {
                let share = (slot - p.0) as f64 / (q.0 - p.0) as f64;
                p.1 + (q.1 - p.1) * share
            }),
        };
        filled.extend(value.map(|v| (slot, v)));
    }
    filled.extend(points.iter().skip(after));
    Ok(TimeSeries::new(series.period_s, filled).with_label(series.label.clone()))
}

/// A constant on the whole grid.
pub(super) fn time_series(mut call: Call<'_>) -> Result<Value, MathError> {
    call.arity(1..=1, "one argument")?;
    let value = call.scalar(0)?;
    let slots = call.grid.slots()?;
    call.budget.steps(slots.len())?;
    let series = TimeSeries::new(call.grid.period_s, slots.map(|slot| (slot, value)));
    call.budget.series(&series)?;
    Ok(Value::Series(series))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid {
        start_s: 0,
        end_s: 300,
        period_s: 60,
    };

    #[test]
    fn leading_slots_stay_empty_for_repeat_and_linear() {
        let series = TimeSeries::new(60, [(60, 2.0), (180, 4.0)]);
        let repeat = fill_series(&series, &Filler::Repeat, GRID).unwrap();
        assert_eq!(
            repeat.points(),
            [(60, 2.0), (120, 2.0), (180, 4.0), (240, 4.0)]
        );
        let linear = fill_series(&series, &Filler::Linear, GRID).unwrap();
        assert_eq!(linear.points(), [(60, 2.0), (120, 3.0), (180, 4.0)]);
    }

    #[test]
    fn an_undefined_filler_fills_nothing() {
        let series = TimeSeries::new(60, [(60, 2.0)]);
        let out = fill_series(&series, &Filler::Number(f64::NAN), GRID).unwrap();
        assert_eq!(out.points(), [(60, 2.0)]);
    }
}
