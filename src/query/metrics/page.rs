//! Results in pages of so many datapoints (spec metrics.md 7).

use std::fmt;
use std::str::FromStr;

use belfry_model::TimestampMs;

use super::metric_data::{MetricDataResult, ResultMessage, ResultStatus, ScanBy};
use crate::metric_math::TimeSeries;

/// Where a page begins: behind a datapoint. It names the datapoint instead of counting, so that
/// those that arrive between two pages move nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatapointCursor {
    /// Which of all results.
    result: usize,
    /// The start of the last bucket that was given, epoch seconds.
    time_s: i64,
}

/// A result with all its datapoints.
#[derive(Clone, Debug)]
pub(super) struct WholeResult {
    pub id: String,
    pub label: String,
    pub series: TimeSeries,
    pub messages: Vec<ResultMessage>,
}

/// The page behind `after`, and where the next one begins, if more follow. Results that earlier
/// pages completed are left out.
pub(super) fn page(
    results: Vec<WholeResult>,
    after: Option<DatapointCursor>,
    max_datapoints: usize,
    scan_by: ScanBy,
) -> (Vec<MetricDataResult>, Option<DatapointCursor>) {
    let mut left = max_datapoints.max(1);
    let mut last = after;
    let mut more = false;
    let mut page = Vec::new();
    for (at, result) in results.into_iter().enumerate() {
        let begun = after.filter(|cursor| cursor.result == at);
        let rest = rest(result.series.points(), begun, scan_by);
        let is_complete = begun.is_some() && rest.is_empty();
        if is_complete || after.is_some_and(|cursor| at < cursor.result) {
            continue;
        }
        let count = rest.len().min(left);
        left -= count;
        let given = match scan_by {
            ScanBy::TimestampAscending => rest.get(..count),
            ScanBy::TimestampDescending => rest.get(rest.len() - count..),
        };
        let given = given.unwrap_or_default().iter();
        let given = given.map(|(time_s, value)| (TimestampMs::from_secs(*time_s), *value));
        let (timestamps, values): (Vec<TimestampMs>, Vec<f64>) = match scan_by {
            ScanBy::TimestampAscending => given.unzip(),
            ScanBy::TimestampDescending => given.rev().unzip(),
        };
        if let Some(time) = timestamps.last() {
            last = Some(DatapointCursor {
                result: at,
                time_s: time.as_secs(),
            });
        }
        let is_cut = count < rest.len();
        more |= is_cut;
        page.push(MetricDataResult {
            id: result.id,
            label: result.label,
            timestamps,
            values,
            status: match is_cut {
                true => ResultStatus::PartialData,
                false => ResultStatus::Complete,
            },
            messages: result.messages,
        });
    }
    (page, last.filter(|_| more))
}

/// What of `points`, which ascend, comes behind the cursor.
fn rest(points: &[(i64, f64)], begun: Option<DatapointCursor>, scan_by: ScanBy) -> &[(i64, f64)] {
    let Some(DatapointCursor { time_s, .. }) = begun else {
        return points;
    };
    let rest = match scan_by {
        ScanBy::TimestampAscending => points.get(points.partition_point(|p| p.0 <= time_s)..),
        ScanBy::TimestampDescending => points.get(..points.partition_point(|p| p.0 < time_s)),
    };
    rest.unwrap_or_default()
}

impl fmt::Display for DatapointCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.result, self.time_s)
    }
}

/// Not the text of a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of datapoints")]
pub struct NoCursor;

impl FromStr for DatapointCursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (result, time_s) = text.split_once('@').ok_or(NoCursor)?;
        Ok(Self {
            result: result.parse().map_err(|_| NoCursor)?,
            time_s: time_s.parse().map_err(|_| NoCursor)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ScanBy::{TimestampAscending, TimestampDescending};
    use super::*;

    fn result(id: &str, times: std::ops::Range<i64>) -> WholeResult {
        WholeResult {
            id: id.to_owned(),
            label: String::new(),
            series: TimeSeries::new(1, times.map(|time| (time, time as f64))),
            messages: Vec::new(),
        }
    }

    /// All datapoints, page by page; `at` makes the results as they are at the time of a page.
    fn read(
        scan_by: ScanBy,
        max: usize,
        at: impl Fn(usize) -> Vec<WholeResult>,
    ) -> (usize, Vec<(String, f64)>) {
        let mut seen = Vec::new();
        let mut after: Option<DatapointCursor> = None;
        for pages in 1.. {
            let (page, next) = page(at(pages), after, max, scan_by);
            for result in page {
                assert_eq!(result.values.len(), result.timestamps.len());
                seen.extend(result.values.iter().map(|v| (result.id.clone(), *v)));
            }
            // As tokens carry it.
            after = next.map(|cursor| cursor.to_string().parse().unwrap());
            if after.is_none() {
                return (pages, seen);
            }
        }
        unreachable!()
    }

    fn pairs(of: &[(&str, &[i64])]) -> Vec<(String, f64)> {
        let each = of.iter();
        each.flat_map(|(id, times)| times.iter().map(|t| ((*id).to_owned(), *t as f64)))
            .collect()
    }

    #[test]
    fn every_datapoint_comes_once() {
        let all = |_| vec![result("a", 0..3), result("b", 0..0), result("c", 0..4)];
        let ascending = pairs(&[("a", &[0, 1, 2]), ("c", &[0, 1, 2, 3])]);
        let descending = pairs(&[("a", &[2, 1, 0]), ("c", &[3, 2, 1, 0])]);
        for max in 1..9 {
            let pages = 7_usize.div_ceil(max);
            let got = read(TimestampAscending, max, all);
            assert_eq!(got, (pages, ascending.clone()));
            let got = read(TimestampDescending, max, all);
            assert_eq!(got, (pages, descending.clone()));
        }
    }

    #[test]
    fn what_arrives_between_pages_moves_nothing() {
        // With each page there are two more at the end, and one fewer at the beginning.
        let all = |page: usize| {
            let page = page as i64;
            vec![
                result("a", page..4 + 2 * page),
                result("c", page..4 + 2 * page),
            ]
        };
        let (_, seen) = read(TimestampDescending, 2, all);
        let expected = pairs(&[("a", &[5, 4, 3, 2]), ("c", &[9, 8, 7, 6, 5])]);
        assert_eq!(seen, expected);
    }

    #[test]
    fn unfinished_results_say_so() {
        let all = || vec![result("a", 0..3), result("c", 0..4)];
        let (first, next) = page(all(), None, 4, TimestampAscending);
        let statuses: Vec<_> = first.iter().map(|r| r.status).collect();
        assert_eq!(
            statuses,
            [ResultStatus::Complete, ResultStatus::PartialData]
        );
        let (second, none) = page(all(), next, 4, TimestampAscending);
        let ids: Vec<_> = second.iter().map(|r| (&*r.id, r.status)).collect();
        assert_eq!((ids, none), (vec![("c", ResultStatus::Complete)], None));
        for text in ["", "1", "@", "-1@2", "1@x"] {
            assert_eq!(text.parse::<DatapointCursor>(), Err(NoCursor), "{text}");
        }
    }
}
