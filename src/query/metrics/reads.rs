//! The reads of one call: each metric is read once per range and period, however many queries ask
//! for it, and so much at a time.

use belfry_model::{MetricId, Tenant, TimestampMs, Unit};
use belfry_store::metrics::{MetricRead, MetricReadResult, MetricsStore, UnitBuckets};
use indexmap::IndexMap;

use belfry_model::time::SECOND_MS;

use crate::error::Result;

/// Buckets that are read at a time, of one unit: a bucket takes several times the memory of the
/// datapoint that it becomes, and much more with its distribution.
const BUCKETS_AT_ONCE: i64 = 100_000;
/// A read has no more buckets than this: 15 days of minutes (spec metrics.md 6).
const BUCKETS_OF_READ_MAX: i64 = 21_601;

/// What makes two reads one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ReadKey {
    metric: MetricId,
    unit: Option<Unit>,
    start: TimestampMs,
    end: TimestampMs,
    period_s: u32,
}

impl ReadKey {
    fn buckets(&self) -> i64 {
        let period_ms = i64::from(self.period_s.max(1)) * SECOND_MS;
        let buckets = (self.end - self.start).max(0) / period_ms + 1;
        buckets.min(BUCKETS_OF_READ_MAX)
    }
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

    /// The same reads in portions, each with the index of its first.
    pub fn portions(self) -> Vec<(usize, Self)> {
        let mut portions: Vec<(usize, Self)> = Vec::new();
        let mut buckets = i64::MAX;
        for (index, (key, wanted)) in self.wanted.into_iter().enumerate() {
            let own = key.buckets();
            buckets = buckets.saturating_add(own);
            match portions.last_mut() {
                Some((_, last)) if buckets <= BUCKETS_AT_ONCE => {
                    last.wanted.insert(key, wanted);
                }
                _ => {
                    let wanted = IndexMap::from_iter([(key, wanted)]);
                    portions.push((index, Self { wanted }));
                    buckets = own;
                }
            }
        }
        portions
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
        self.find(index).unwrap_or_default()
    }

    /// `None` for a read that is not of this portion.
    pub fn find(&self, index: usize) -> Option<&[UnitBuckets]> {
        self.0.get(index).map(|result| result.units.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_are_bounded_and_hold_every_read_once() {
        let mut reads = Reads::default();
        for at in 0..500 {
            let place = reads.add(MetricRead {
                metric: MetricId::new("n", format!("m{at}").as_str(), Vec::new()),
                unit: None,
                start: TimestampMs(0),
                end: TimestampMs(86_400_000),
                period_s: 60,
                want_distribution: false,
            });
            assert_eq!(place, at);
        }
        let keys: Vec<ReadKey> = reads.wanted.keys().cloned().collect();
        let portions = reads.portions();
        let mut seen = Vec::new();
        for (first, part) in &portions {
            assert_eq!(*first, seen.len());
            assert!(part.wanted.keys().map(ReadKey::buckets).sum::<i64>() <= BUCKETS_AT_ONCE);
            seen.extend(part.wanted.keys().cloned());
        }
        assert_eq!(seen, keys);
        // 1,441 buckets each.
        assert_eq!(portions.len(), 500_usize.div_ceil(69));
    }
}
