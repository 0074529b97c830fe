//! The values of metric math: scalars, sparse series, arrays of series, texts
//! (spec metric-math.md 1), and the grid on which non-sparse functions answer.

use std::sync::Arc;

use super::budget::Budget;
use super::error::MathError;

/// Slots of one grid. GetMetricData answers at most 100,800 datapoints a call
/// (spec metrics.md 7); ten times as many leaves room for intermediate series.
pub const GRID_SLOTS_MAX: i64 = 1_008_000;

/// The bucket starts of an expression: `start_s`, `start_s + period_s`, … before `end_s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    pub start_s: i64,
    pub end_s: i64,
    pub period_s: i64,
}

impl Grid {
    /// Every bucket start, ascending. Refuses grids beyond [`GRID_SLOTS_MAX`].
    pub fn slots(&self) -> Result<impl ExactSizeIterator<Item = i64> + use<>, MathError> {
        let Self {
            start_s,
            end_s,
            period_s,
        } = *self;
        let period_s = period_s.max(1);
        let span_s = end_s.saturating_sub(start_s).max(0);
        let count = span_s / period_s + i64::from(span_s % period_s != 0);
        if count > GRID_SLOTS_MAX {
            return Err(MathError::TooLarge {
                slots: count,
                max: GRID_SLOTS_MAX,
            });
        }
        // At most a million, so 32 bits hold it, whose ranges know their length.
        let count = u32::try_from(count).unwrap_or_default();
        Ok((0..count).map(move |k| start_s + i64::from(k) * period_s))
    }
}

/// A sparse time series. Points ascend by time, carry finite values, and have distinct times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeSeries {
    pub period_s: i64,
    /// The label of a member of an array; results of operators have none.
    pub label: Option<String>,
    /// Shared among copies.
    points: Arc<[(i64, f64)]>,
}

impl TimeSeries {
    /// Keeps the finite ones of `points`, which must ascend by time (epoch seconds).
    pub fn new(period_s: i64, points: impl IntoIterator<Item = (i64, f64)>) -> Self {
        let points: Arc<[_]> = points.into_iter().filter(|(_, v)| v.is_finite()).collect();
        debug_assert!(points.windows(2).all(|w| w[0].0 < w[1].0));
        Self {
            period_s,
            label: None,
            points,
        }
    }

    pub fn with_label(mut self, label: Option<String>) -> Self {
        self.label = label;
        self
    }

    /// Ascending (epoch seconds, value).
    pub fn points(&self) -> &[(i64, f64)] {
        &self.points
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.points.iter().map(|(_, v)| *v)
    }

    pub fn at(&self, time_s: i64) -> Option<f64> {
        self.points
            .binary_search_by_key(&time_s, |(t, _)| *t)
            .ok()
            .and_then(|i| self.points.get(i))
            .map(|(_, v)| *v)
    }

    /// The same times with other values; a value that is not finite drops its point. The label stays.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self::new(self.period_s, self.points.iter().map(|&(t, v)| (t, f(v))))
            .with_label(self.label.clone())
    }
}

/// What an expression or an argument evaluates to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Scalar(f64),
    Series(TimeSeries),
    Array(Vec<TimeSeries>),
    Text(String),
    Texts(Vec<String>),
}

impl Value {
    /// The type's name in the specification.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "scalar",
            Self::Series(_) => "time series",
            Self::Array(_) => "array of time series",
            Self::Text(_) => "string",
            Self::Texts(_) => "array of strings",
        }
    }

    /// Applies `f` to the series or to each member of the array.
    pub(super) fn map_series(
        self,
        what: &str,
        budget: &Budget<'_>,
        f: impl Fn(&TimeSeries) -> Result<TimeSeries, MathError>,
    ) -> Result<Self, MathError> {
        let made = |series: &TimeSeries| {
            budget.steps(series.points.len())?;
            let made = f(series)?;
            budget.series(&made)?;
            Ok(made)
        };
        match self {
            Self::Series(series) => Ok(Self::Series(made(&series)?)),
            Self::Array(members) => members
                .iter()
                .map(made)
                .collect::<Result<_, _>>()
                .map(Self::Array),
            other => Err(MathError::argument(
                what,
                "a time series or an array of time series",
                &other,
            )),
        }
    }
}

/// Walks the union of the members' times; `at` holds each member's value there, if any.
pub(super) fn for_each_time(
    members: &[TimeSeries],
    budget: &Budget<'_>,
    mut visit: impl FnMut(i64, &[Option<f64>]),
) -> Result<(), MathError> {
    let mut next = vec![0_usize; members.len()];
    let mut at = vec![None; members.len()];
    loop {
        let heads = members.iter().zip(&next);
        let Some(time_s) = heads
            .filter_map(|(m, &i)| m.points.get(i).map(|(t, _)| *t))
            .min()
        else {
            return Ok(());
        };
        budget.steps(members.len())?;
        for ((member, i), value) in members.iter().zip(&mut next).zip(&mut at) {
            *value = match member.points.get(*i) {
                Some(&(t, v)) if t == time_s => {
                    *i += 1;
                    Some(v)
                }
                _ => None,
            };
        }
        visit(time_s, &at);
    }
}

/// The smallest period among the members, 0 for none.
pub(super) fn smallest_period(members: &[TimeSeries]) -> i64 {
    members.iter().map(|m| m.period_s).min().unwrap_or_default()
}
