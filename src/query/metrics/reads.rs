//! The reads of one call: each metric is read once per range and period, however many queries ask
//! for it.

use belfry_model::{MetricId, Tenant, TimestampMs, Unit};
use belfry_store::metrics::{MetricRead, MetricReadResult, MetricsStore, UnitBuckets};
use indexmap::IndexMap;

use crate::error::Result;

/// What makes two reads one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ReadKey {
    metric: MetricId,
    unit: Option<Unit>,
    start: TimestampMs,
    end: TimestampMs,
    period_s: u32,
}

/// Collects reads.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// To whether some user needs distributions.
    wanted: IndexMap<ReadKey, bool>,
}

/// The answers, by what [`Reads::add`] returned.
#[derive(Debug)]
pub(super) struct ReadResults(Vec<MetricReadResult>);

impl Reads {
    /// Returns where the answer will be.
    pub fn add(&mut self, read: MetricRead) -> usize {
        let key = ReadKey {
            metric: read.metric,
            unit: read.unit,
            start: read.start,
            end: read.end,
            period_s: read.period_s,
        };
        let entry = self.wanted.entry(key);
        let index = entry.index();
        *entry.or_insert(false) |= read.want_distribution;
        index
    }

    pub async fn run(self, store: &MetricsStore, tenant: &Tenant) -> Result<ReadResults> {
        let reads = self
            .wanted
            .into_iter()
            .map(|(key, want_distribution)| MetricRead {
                metric: key.metric,
                unit: key.unit,
                start: key.start,
                end: key.end,
                period_s: key.period_s,
                want_distribution,
            })
            .collect::<Vec<_>>();
        if reads.is_empty() {
            return Ok(ReadResults(Vec::new()));
        }
        Ok(ReadResults(store.read(tenant, &reads).await?))
    }
}

impl ReadResults {
    /// By unit, in order of their names.
    pub fn units(&self, index: usize) -> &[UnitBuckets] {
        self.0.get(index).map_or(&[], |result| &result.units)
    }
}
