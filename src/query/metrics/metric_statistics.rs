//! GetMetricStatistics (spec metrics.md 8).

use belfry_model::quota::METRIC_STATISTICS_DATAPOINTS_MAX;
use belfry_model::time::SECOND_MS;
use belfry_model::{MetricId, Statistic, Tenant, TimestampMs, Unit};
use belfry_store::metrics::{MetricRead, MetricsStore};

use super::period::{first_bucket, first_readable};
use super::reads::Reads;
use crate::error::{Error, Result};

/// A request whose parts were checked one by one.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricStatisticsRequest {
    pub metric: MetricId,
    pub unit: Option<Unit>,
    pub start: TimestampMs,
    /// Not part of the range; after `start`.
    pub end: TimestampMs,
    pub period_s: u32,
    /// Simple or extended, in the order of the request.
    pub statistics: Vec<Statistic>,
}

/// One bucket of one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct StatisticsDatapoint {
    pub timestamp: TimestampMs,
    pub unit: Unit,
    /// As asked for, without those that the bucket cannot give.
    pub statistics: Vec<(Statistic, f64)>,
}

/// Ascending by time, then by the name of the unit.
///
/// # Errors
/// `TooManyDatapoints` before anything is read.
pub async fn get_metric_statistics(
    store: &MetricsStore,
    tenant: &Tenant,
    request: &MetricStatisticsRequest,
    now: TimestampMs,
) -> Result<Vec<StatisticsDatapoint>> {
    let period_ms = i64::from(request.period_s.max(1)) * SECOND_MS;
    let span_ms = (request.end - request.start).max(0);
    let requested = span_ms / period_ms + i64::from(span_ms % period_ms != 0);
    if requested > METRIC_STATISTICS_DATAPOINTS_MAX {
        return Err(Error::TooManyDatapoints {
            requested,
            max: METRIC_STATISTICS_DATAPOINTS_MAX,
        });
    }
    let first = first_bucket(request.start, request.period_s, now);
    let mut reads = Reads::default();
    let place = reads.add(MetricRead {
        metric: request.metric.clone(),
        unit: request.unit,
        start: first_readable(first, request.period_s, now),
        end: request.end,
        period_s: request.period_s,
        want_distribution: request.statistics.iter().any(Statistic::needs_distribution),
    });
    let results = reads.run(store, tenant).await?;
    let mut datapoints = Vec::new();
    for unit in results.units(place) {
        for (timestamp, set) in &unit.buckets {
            let statistics: Vec<(Statistic, f64)> = request
                .statistics
                .iter()
                .filter_map(|statistic| Some((statistic.clone(), statistic.compute(set)?)))
                .collect();
            if !statistics.is_empty() {
                datapoints.push(StatisticsDatapoint {
                    timestamp: *timestamp,
                    unit: unit.unit,
                    statistics,
                });
            }
        }
    }
    // Units come in order of their names, and the sort is stable.
    datapoints.sort_by_key(|datapoint| datapoint.timestamp);
    Ok(datapoints)
}
