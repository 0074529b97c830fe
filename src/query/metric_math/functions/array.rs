//! FIRST LAST SLICE SORT REMOVE_EMPTY: choosing and ordering the members of an array.

use belfry_lang::metric_math::Keyword;

use super::Call;
use crate::metric_math::error::MathError;
use crate::metric_math::series::{TimeSeries, Value};

/// Of an empty array: an empty series.
fn pick(
    mut call: Call<'_>,
    f: fn(Vec<TimeSeries>) -> Option<TimeSeries>,
) -> Result<Value, MathError> {
    call.arity(1..=1, "one argument")?;
    let members = call.array(0)?;
    Ok(Value::Series(f(members).unwrap_or_default()))
}

pub(super) fn first(call: Call<'_>) -> Result<Value, MathError> {
    pick(call, |members| members.into_iter().next())
}

pub(super) fn last(call: Call<'_>) -> Result<Value, MathError> {
    pick(call, |members| members.into_iter().next_back())
}

/// `[start, end)`, zero-based, clipped.
pub(super) fn slice(mut call: Call<'_>) -> Result<Value, MathError> {
    call.arity(2..=3, "two or three arguments")?;
    let start = index(call.scalar(1)?)?;
    let end = match call.arguments.len() {
        3 => index(call.scalar(2)?)?,
        _ => usize::MAX,
    };
    let members = call.array(0)?.into_iter();
    Ok(Value::Array(members.take(end).skip(start).collect()))
}

/// A position in an array. Beyond any array's length it saturates.
fn index(value: f64) -> Result<usize, MathError> {
    if value >= 0.0 && value.fract() == 0.0 {
        Ok(value as usize)
    } else {
        Err(MathError::Argument(
            "SLICE needs whole numbers from 0 on".to_owned(),
        ))
    }
}

pub(super) fn remove_empty(mut call: Call<'_>) -> Result<Value, MathError> {
    call.arity(1..=1, "one argument")?;
    let mut members = call.array(0)?;
    members.retain(|m| !m.is_empty());
    Ok(Value::Array(members))
}

/// By AVG, MIN, MAX or SUM over the whole range; ties keep their order; empty series come last in
/// both directions.
pub(super) fn sort(mut call: Call<'_>) -> Result<Value, MathError> {
    call.arity(3..=4, "three or four arguments")?;
    let key: fn(&TimeSeries) -> f64 = match call.word(1) {
        Some(Keyword::Avg) => |s| s.values().sum::<f64>() / s.points().len() as f64,
        Some(Keyword::Sum) => |s| s.values().sum(),
        Some(Keyword::Min) => |s| s.values().fold(f64::INFINITY, f64::min),
        Some(Keyword::Max) => |s| s.values().fold(f64::NEG_INFINITY, f64::max),
        _ => {
            return Err(MathError::Argument(
                "SORT needs AVG, MIN, MAX or SUM as its second argument".to_owned(),
            ));
        }
    };
    let descending = match call.word(2) {
        Some(Keyword::Asc) => false,
        Some(Keyword::Desc) => true,
        _ => {
            return Err(MathError::Argument(
                "SORT needs ASC or DESC as its third argument".to_owned(),
            ));
        }
    };
    let limit = match call.arguments.len() {
        4 => match call.scalar(3)? {
            v if v >= 1.0 && v.fract() == 0.0 => v as usize,
            _ => {
                return Err(MathError::Argument(
                    "the limit of SORT must be a whole number from 1 on".to_owned(),
                ));
            }
        },
        _ => usize::MAX,
    };
    let mut members = Vec::new();
    for member in call.array(0)? {
        call.budget.steps(member.points().len())?;
        members.push((key(&member), member));
    }
    members.sort_by(|(a_key, a), (b_key, b)| {
        let by_key = if descending {
            b_key.total_cmp(a_key)
        } else {
            a_key.total_cmp(b_key)
        };
        a.is_empty().cmp(&b.is_empty()).then(by_key)
    });
    members.truncate(limit);
    let members = members.into_iter().map(|(_, member)| member);
    Ok(Value::Array(members.collect()))
}

#[cfg(test)]
mod tests {
    use belfry_lang::metric_math::Function;

    use super::*;
    use crate::metric_math::budget::{Budget, POINTS};
    use crate::metric_math::functions::Argument;
    use crate::metric_math::series::Grid;

    fn sorted(direction: Keyword) -> Vec<usize> {
        let one =
            |v: &[f64]| TimeSeries::new(60, v.iter().enumerate().map(|(i, v)| (i as i64 * 60, *v)));
        let members = vec![one(&[]), one(&[2.0]), one(&[1.0, 1.0]), one(&[2.0, 0.0])];
        let call = Call {
            function: Function::Sort,
            arguments: vec![
                Argument::Value(Value::Array(members.clone())),
                Argument::Word(Keyword::Sum),
                Argument::Word(direction),
            ],
            grid: Grid {
                start_s: 0,
                end_s: 120,
                period_s: 60,
            },
            budget: &Budget::new(&POINTS),
        };
        let Value::Array(out) = sort(call).unwrap() else {
            panic!("an array");
        };
        out.iter().map(|o| o.points().len()).collect()
    }

    #[test]
    fn ties_keep_order_and_empty_series_come_last() {
        assert_eq!(sorted(Keyword::Asc), [1, 2, 2, 0]);
        assert_eq!(sorted(Keyword::Desc), [1, 2, 2, 0]);
    }

    #[test]
    fn slices_refuse_fractions_and_negatives() {
        assert!(index(0.5).is_err() && index(-1.0).is_err() && index(f64::NAN).is_err());
        assert_eq!(index(3.0), Ok(3));
    }
}
