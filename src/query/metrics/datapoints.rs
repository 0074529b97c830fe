//! One value per period of a range: what alarms are decided on.

use belfry_model::time::SECOND_MS;
use belfry_model::{MetricId, Statistic, Tenant, TimestampMs, Unit};
use belfry_store::metrics::{MetricRead, MetricsStore};

use super::reads::Reads;
use crate::error::Result;

/// A statistic of one period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datapoint {
    pub value: f64,
    pub sample_count: f64,
}

/// Which statistic, over which periods: `start`, `start + period_s`, … before `end`.
#[derive(Clone, Debug, PartialEq)]
pub struct DatapointRead {
    pub metric: MetricId,
    pub statistic: Statistic,
    /// `None` on a metric of several units takes the one whose name sorts first (spec metrics.md 3).
    pub unit: Option<Unit>,
    pub start: TimestampMs,
    /// Not part of the range.
    pub end: TimestampMs,
    pub period_s: u32,
}

/// One slot per period, oldest first; `None` where there is no datapoint.
pub async fn datapoints(
    store: &MetricsStore,
    tenant: &Tenant,
    read: DatapointRead,
) -> Result<Vec<Option<Datapoint>>> {
    let all = datapoints_of(store, tenant, vec![read]).await?;
    Ok(all.into_iter().next().unwrap_or_default())
}

/// The same for many reads at once, which share what they read.
pub async fn datapoints_of(
    store: &MetricsStore,
    tenant: &Tenant,
    reads: Vec<DatapointRead>,
) -> Result<Vec<Vec<Option<Datapoint>>>> {
    let mut shared = Reads::default();
    let places: Vec<usize> = reads
        .iter()
        .map(|read| {
            shared.add(MetricRead {
                metric: read.metric.clone(),
                unit: read.unit,
                start: read.start,
                end: read.end,
                period_s: read.period_s,
                want_distribution: read.statistic.needs_distribution(),
            })
        })
        .collect();
    let results = shared.run(store, tenant).await?;
    Ok(reads
        .iter()
        .zip(places)
        .map(|(read, place)| {
            let mut slots = vec![None; read.slots()];
            let buckets = results.units(place).first().map(|unit| &unit.buckets);
            for (time, set) in buckets.into_iter().flatten() {
                let datapoint = read.statistic.compute(set).map(|value| Datapoint {
                    value,
                    sample_count: set.count,
                });
                if let Some(slot) = read.slot(*time).and_then(|slot| slots.get_mut(slot)) {
                    *slot = datapoint;
                }
            }
            slots
        })
        .collect())
}

impl DatapointRead {
    fn period_ms(&self) -> i64 {
        i64::from(self.period_s.max(1)) * SECOND_MS
    }

    fn slots(&self) -> usize {
        let span_ms = (self.end - self.start).max(0);
        let slots = span_ms / self.period_ms() + i64::from(span_ms % self.period_ms() != 0);
        usize::try_from(slots).unwrap_or_default()
    }

    fn slot(&self, time: TimestampMs) -> Option<usize> {
        usize::try_from((time - self.start).div_euclid(self.period_ms())).ok()
    }
}
