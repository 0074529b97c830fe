//! Results in pages of so many datapoints (spec metrics.md 7).

use super::metric_data::{MetricDataResult, ResultStatus};

/// The page that starts after `skip` datapoints of all results in order, and how many were given
/// by its end, if more follow. Results that earlier pages completed are left out.
pub(super) fn page(
    results: Vec<MetricDataResult>,
    skip: usize,
    max_datapoints: usize,
) -> (Vec<MetricDataResult>, Option<usize>) {
    let max_datapoints = max_datapoints.max(1);
    let total: usize = results.iter().map(|result| result.values.len()).sum();
    let end = skip.saturating_add(max_datapoints).min(total);
    let mut given = 0;
    let mut out = Vec::with_capacity(results.len());
    for mut result in results {
        let first = given;
        given += result.values.len();
        if skip > 0 && given <= skip {
            continue;
        }
        let from = skip.saturating_sub(first).min(result.values.len());
        let to = end.saturating_sub(first).min(result.values.len());
        result.status = if to < result.values.len() {
            ResultStatus::PartialData
        } else {
            ResultStatus::Complete
        };
        result.values = result.values.drain(..to).skip(from).collect();
        result.timestamps = result.timestamps.drain(..to).skip(from).collect();
        out.push(result);
    }
    (out, (end < total).then_some(end))
}

#[cfg(test)]
mod tests {
    use belfry_model::TimestampMs;

    use super::*;

    fn result(id: &str, count: i64) -> MetricDataResult {
        MetricDataResult {
            id: id.to_owned(),
            label: String::new(),
            timestamps: (0..count).map(TimestampMs).collect(),
            values: (0..count).map(|v| v as f64).collect(),
            status: ResultStatus::Complete,
            messages: Vec::new(),
        }
    }

    #[test]
    fn every_datapoint_comes_once() {
        let all = || vec![result("a", 3), result("b", 0), result("c", 4)];
        let mut seen = Vec::new();
        let mut skip = 0;
        let mut pages = 0;
        loop {
            let (page, next) = page(all(), skip, 2);
            pages += 1;
            for result in &page {
                assert_eq!(result.values.len(), result.timestamps.len());
                seen.extend(result.values.iter().map(|v| (result.id.clone(), *v)));
            }
            match next {
                Some(next) => skip = next,
                None => break,
            }
        }
        assert_eq!(pages, 4);
        let expected: Vec<(String, f64)> = all()
            .iter()
            .flat_map(|r| {
                r.values
                    .iter()
                    .map(|v| (r.id.clone(), *v))
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn unfinished_results_say_so() {
        let (first, next) = page(vec![result("a", 3), result("c", 4)], 0, 4);
        let statuses: Vec<_> = first.iter().map(|r| r.status).collect();
        assert_eq!(
            statuses,
            [ResultStatus::Complete, ResultStatus::PartialData]
        );
        assert_eq!(next, Some(4));
    }
}
