//! `bin`, `datefloor`, `dateceil` (spec logs-insights.md 7.4): multiples of a period, in UTC.

use std::sync::Arc;

use arrow::array::TimestampMillisecondArray;
use arrow::datatypes::DataType;
use belfry_lang::insights::{Duration, DurationUnit};
use chrono::{DateTime, Datelike, NaiveDate};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::row_function::{Inputs, any_arguments, each_row, udf};
use crate::values::{ColumnView, Value, ValueType};

/// 1970-01-05, the first Monday.
const FIRST_MONDAY_MS: i64 = 4 * 86_400_000;

/// A period that time is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// Multiples of `length_ms` from `origin_ms`.
    Fixed { length_ms: i64, origin_ms: i64 },
    /// Calendar months counted from 1970-01.
    Months(i64),
}

impl Period {
    /// Counts above the unit's cap are the cap.
    pub fn new(duration: Duration) -> Self {
        let duration = duration.capped();
        match (duration.millis(), duration.months()) {
            (_, Some(months)) => Self::Months(months.max(1)),
            (millis, None) => Self::Fixed {
                length_ms: millis.unwrap_or(i64::MAX).max(1),
                origin_ms: match duration.unit {
                    DurationUnit::Week => FIRST_MONDAY_MS,
                    _ => 0,
                },
            },
        }
    }

    /// The latest multiple not after `ms`; `None` outside of the calendar.
    pub fn floor(self, ms: i64) -> Option<i64> {
        match self {
            Self::Fixed {
                length_ms,
                origin_ms,
            } => {
                let offset = ms.checked_sub(origin_ms)?.rem_euclid(length_ms);
                ms.checked_sub(offset)
            }
            Self::Months(count) => {
                let date = DateTime::from_timestamp_millis(ms)?.date_naive();
                let month = (i64::from(date.year()) - 1970) * 12 + i64::from(date.month0());
                month_start(month - month.rem_euclid(count))
            }
        }
    }

    /// The earliest multiple not before `ms`.
    pub fn ceil(self, ms: i64) -> Option<i64> {
        let floor = self.floor(ms)?;
        if floor == ms {
            Some(ms)
        } else {
            self.after(floor)
        }
    }

    /// The multiple that follows the multiple `ms`.
    pub fn after(self, ms: i64) -> Option<i64> {
        match self {
            Self::Fixed { length_ms, .. } => ms.checked_add(length_ms),
            Self::Months(count) => {
                let date = DateTime::from_timestamp_millis(ms)?.date_naive();
                let month = (i64::from(date.year()) - 1970) * 12 + i64::from(date.month0());
                month_start(month.checked_add(count)?)
            }
        }
    }
}

fn month_start(month: i64) -> Option<i64> {
    let year = i32::try_from(1970 + month.div_euclid(12)).ok()?;
    let month0 = u32::try_from(month.rem_euclid(12)).ok()?;
    let date = NaiveDate::from_ymd_opt(year, month0 + 1, 1)?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

/// Which multiple.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    Floor,
    Ceil,
}

/// `time` rounded to a multiple of `period`; a number is epoch milliseconds.
pub fn round_time(time: Expr, period: Period, rounding: Rounding) -> Expr {
    udf(RoundTime {
        period,
        rounding,
        signature: any_arguments(),
    })
    .call(vec![time])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RoundTime {
    period: Period,
    rounding: Rounding,
    signature: Signature,
}

impl RoundTime {
    fn round(&self, ms: i64) -> Option<i64> {
        match self.rounding {
            Rounding::Floor => self.period.floor(ms),
            Rounding::Ceil => self.period.ceil(ms),
        }
    }
}

impl ScalarUDFImpl for RoundTime {
    fn name(&self) -> &str {
        match self.rounding {
            Rounding::Floor => "datefloor",
            Rounding::Ceil => "dateceil",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(ValueType::Time.arrow())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let inputs = Inputs::new(&args.args, args.number_rows)?;
        match inputs.view(0)?.column() {
            Some(ColumnView::Time(times)) => {
                let rounded: TimestampMillisecondArray = times.unary_opt(|ms| self.round(ms));
                inputs.finish(Arc::new(rounded))
            }
            _ => each_row(&args, ValueType::Time, |arguments| {
                let ms = arguments.first().and_then(Value::to_number);
                ms.and_then(|ms| self.round(ms as i64))
                    .map_or(Value::Missing, Value::Time)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        belfry_model::TimestampMs::parse_iso8601(text).unwrap().0
    }

    #[test]
    fn alignment() {
        let at = ms("2026-03-04T05:06:07.089Z");
        for (count, unit, floor, ceil) in [
            (
                5,
                DurationUnit::Minute,
                "2026-03-04T05:05:00Z",
                "2026-03-04T05:10:00Z",
            ),
            (
                300,
                DurationUnit::Second,
                "2026-03-04T05:06:00Z",
                "2026-03-04T05:07:00Z",
            ),
            (
                1,
                DurationUnit::Week,
                "2026-03-02T00:00:00Z",
                "2026-03-09T00:00:00Z",
            ),
            (
                1,
                DurationUnit::Month,
                "2026-03-01T00:00:00Z",
                "2026-04-01T00:00:00Z",
            ),
            (
                1,
                DurationUnit::Quarter,
                "2026-01-01T00:00:00Z",
                "2026-04-01T00:00:00Z",
            ),
            (
                5,
                DurationUnit::Month,
                "2025-11-01T00:00:00Z",
                "2026-04-01T00:00:00Z",
            ),
            (
                1,
                DurationUnit::Year,
                "2026-01-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
        ] {
            let period = Period::new(Duration::new(count, unit));
            assert_eq!(period.floor(at), Some(ms(floor)), "{count} {unit:?}");
            assert_eq!(period.ceil(at), Some(ms(ceil)), "{count} {unit:?}");
            assert_eq!(period.ceil(ms(floor)), Some(ms(floor)));
        }
    }

    #[test]
    fn before_the_epoch_and_at_its_ends() {
        let minute = Period::new(Duration::new(1, DurationUnit::Minute));
        assert_eq!(minute.floor(-1), Some(-60_000));
        assert_eq!(minute.floor(i64::MIN), None);
        assert_eq!(minute.ceil(i64::MAX), None);
        let month = Period::new(Duration::new(u32::MAX, DurationUnit::Year));
        assert_eq!(month.floor(0), Some(0));
        assert_eq!(month.floor(i64::MAX), None);
    }
}
