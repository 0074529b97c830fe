//! The functions of metric math, one file per family (spec metric-math.md 5).
//!
//! | file | functions |
//! |---|---|
//! | `per_point` | ABS CEIL FLOOR LOG LOG10 |
//! | `aggregate` | AVG SUM MIN MAX STDDEV DATAPOINT_COUNT METRIC_COUNT |
//! | `sequence` | DIFF DIFF_TIME RATE RUNNING_SUM |
//! | `fill` | FILL TIME_SERIES |
//! | `array` | FIRST LAST SLICE SORT REMOVE_EMPTY |
//! | `calendar` | MINUTE HOUR DAY DATE MONTH YEAR EPOCH |
//! | `condition` | IF |
//!
//! METRICS and PERIOD need the request, not values: the evaluator has them.

mod aggregate;
mod array;
mod calendar;
mod condition;
mod fill;
mod per_point;
mod sequence;

use belfry_lang::metric_math::{Function, Keyword};

use super::budget::Budget;
use super::error::MathError;
use super::series::{Grid, TimeSeries, Value};

/// An argument: a value, or one of the bare words.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Argument {
    Value(Value),
    Word(Keyword),
}

/// A call with its evaluated arguments.
pub(super) struct Call<'c> {
    pub function: Function,
    pub arguments: Vec<Argument>,
    pub grid: Grid,
    /// Pays for the series that are made and the points that are looked at.
    pub budget: &'c Budget<'c>,
}

type Implementation = fn(Call<'_>) -> Result<Value, MathError>;

/// How a function is computed; `None` for those that this server does not offer yet, and for those
/// of the evaluator.
pub(super) const fn implementation(function: Function) -> Option<Implementation> {
    Some(match function {
        Function::Abs => per_point::abs,
        Function::Ceil => per_point::ceil,
        Function::Floor => per_point::floor,
        Function::Log => per_point::log,
        Function::Log10 => per_point::log10,
        Function::Avg => aggregate::avg,
        Function::Sum => aggregate::sum,
        Function::Min => aggregate::min,
        Function::Max => aggregate::max,
        Function::Stddev => aggregate::stddev,
        Function::DatapointCount => aggregate::datapoint_count,
        Function::MetricCount => aggregate::metric_count,
        Function::Diff => sequence::diff,
        Function::DiffTime => sequence::diff_time,
        Function::Rate => sequence::rate,
        Function::RunningSum => sequence::running_sum,
        Function::Fill => fill::fill,
        Function::TimeSeries => fill::time_series,
        Function::First => array::first,
        Function::Last => array::last,
        Function::Slice => array::slice,
        Function::Sort => array::sort,
        Function::RemoveEmpty => array::remove_empty,
        Function::Minute => calendar::minute,
        Function::Hour => calendar::hour,
        Function::Day => calendar::day,
        Function::Date => calendar::date,
        Function::Month => calendar::month,
        Function::Year => calendar::year,
        Function::Epoch => calendar::epoch,
        Function::If => condition::if_,
        Function::Metrics
        | Function::Period
        | Function::AnomalyDetectionBand
        | Function::InsightRuleMetric
        | Function::Search
        | Function::ServiceQuota
        | Function::DbPerfInsights
        | Function::Lambda => return None,
    })
}

impl Call<'_> {
    fn arity(
        &self,
        range: std::ops::RangeInclusive<usize>,
        expected: &'static str,
    ) -> Result<(), MathError> {
        if range.contains(&self.arguments.len()) {
            Ok(())
        } else {
            Err(MathError::Arity {
                function: self.function.name(),
                expected,
                found: self.arguments.len(),
            })
        }
    }

    /// The argument at `index` as a value; bare words are refused.
    fn value(&mut self, index: usize) -> Result<Value, MathError> {
        match self.arguments.get_mut(index) {
            Some(Argument::Value(value)) => Ok(std::mem::replace(value, Value::Scalar(f64::NAN))),
            Some(Argument::Word(word)) => Err(MathError::Argument(format!(
                "{} cannot take {} as argument {}",
                self.function.name(),
                word.name(),
                index + 1
            ))),
            None => Err(MathError::Arity {
                function: self.function.name(),
                expected: "more arguments",
                found: self.arguments.len(),
            }),
        }
    }

    fn word(&self, index: usize) -> Option<Keyword> {
        match self.arguments.get(index) {
            Some(Argument::Word(word)) => Some(*word),
            _ => None,
        }
    }

    /// The only argument.
    fn single(&mut self) -> Result<Value, MathError> {
        self.arity(1..=1, "one argument")?;
        self.value(0)
    }

    fn scalar(&mut self, index: usize) -> Result<f64, MathError> {
        match self.value(index)? {
            Value::Scalar(v) => Ok(v),
            other => Err(MathError::argument(
                self.function.name(),
                "a scalar",
                &other,
            )),
        }
    }

    fn array(&mut self, index: usize) -> Result<Vec<TimeSeries>, MathError> {
        match self.value(index)? {
            Value::Array(members) => Ok(members),
            other => Err(MathError::argument(
                self.function.name(),
                "an array of time series",
                &other,
            )),
        }
    }
}
