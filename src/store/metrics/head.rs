//! The head: what is in the write-ahead log and not yet in a block.

use std::collections::HashMap;

use ahash::RandomState;
use belfry_model::{StatisticSet, Tenant, TimestampMs, Unit};
use indexmap::IndexSet;
use smallvec::SmallVec;

use super::MetricValue;
use super::batch::MetricBatch;
use super::postings::Postings;
use super::tier::Tier;

/// What a series costs besides its key, its postings and its samples: the entries of the key
/// set and of the series list, and their allocations.
const SERIES_OVERHEAD_BYTES: usize = 160;

/// All tenants' recent samples. Grows until a flush takes it whole.
#[derive(Debug, Default)]
pub(super) struct Head {
    tenants: HashMap<Tenant, TenantHead, RandomState>,
    bytes: usize,
    samples: u64,
}

/// One tenant's recent samples.
#[derive(Debug, Default)]
pub(super) struct TenantHead {
    /// The position of a key is the row of its series.
    keys: IndexSet<Box<[u8]>, RandomState>,
    series: Vec<Series>,
    postings: Postings,
}

/// The samples of one series.
#[derive(Debug)]
pub(super) struct Series {
    pub parts: SmallVec<[Part; 1]>,
    pub last: TimestampMs,
}

/// The samples of one series in one unit and resolution, in order of arrival.
#[derive(Debug)]
pub(super) struct Part {
    pub unit: Unit,
    pub tier: Tier,
    pub singles: Vec<(TimestampMs, f64)>,
    /// Datums that are more than a lone value.
    pub sets: Vec<(TimestampMs, StatisticSet)>,
}

impl Head {
    /// Takes all datums of a batch.
    pub(super) fn insert(&mut self, tenant: &Tenant, batch: &MetricBatch) {
        if !self.tenants.contains_key(tenant) {
            self.tenants.insert(tenant.clone(), TenantHead::default());
        }
        let Some(head) = self.tenants.get_mut(tenant) else {
            return;
        };
        let postings_before = head.postings.heap_bytes();
        for datum in batch.datums() {
            let row = match head.keys.get_index_of(datum.key) {
                Some(row) => row,
                None => {
                    self.bytes += SERIES_OVERHEAD_BYTES + datum.key.len();
                    head.add_series(datum.key)
                }
            };
            if let Some(series) = head.series.get_mut(row) {
                series.last = series.last.max(datum.timestamp);
                self.bytes += series.push(datum.unit, datum.tier, datum.timestamp, datum.value);
                self.samples += 1;
            }
        }
        self.bytes += head.postings.heap_bytes() - postings_before;
    }

    /// Estimated memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn samples(&self) -> u64 {
        self.samples
    }

    pub(super) fn series_count(&self) -> usize {
        self.tenants.values().map(|t| t.series.len()).sum()
    }

    pub(super) fn tenants(&self) -> impl Iterator<Item = (&Tenant, &TenantHead)> {
        self.tenants.iter()
    }

    pub(super) fn tenant(&self, tenant: &Tenant) -> Option<&TenantHead> {
        self.tenants.get(tenant)
    }
}

impl TenantHead {
    fn add_series(&mut self, key: &[u8]) -> usize {
        let (row, _) = self.keys.insert_full(key.into());
        if let (Some(key), Ok(row)) = (super::key::SeriesKey::parse(key), u32::try_from(row)) {
            for (name, value) in key.dimensions() {
                self.postings.add(name, value, row);
            }
        }
        self.series.push(Series {
            parts: SmallVec::new(),
            last: TimestampMs::MIN,
        });
        row
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&Series> {
        self.series.get(self.keys.get_index_of(key)?)
    }

    pub(super) fn postings(&self) -> &Postings {
        &self.postings
    }

    /// Keys and series, in order of rows.
    pub(super) fn series(&self) -> impl Iterator<Item = (&[u8], &Series)> {
        self.keys.iter().map(|k| &**k).zip(&self.series)
    }
}

impl Series {
    /// Adds a datum; returns the bytes it cost.
    fn push(
        &mut self,
        unit: Unit,
        tier: Tier,
        timestamp: TimestampMs,
        value: MetricValue<'_>,
    ) -> usize {
        let at = self
            .parts
            .iter()
            .position(|p| p.unit == unit && p.tier == tier)
            .unwrap_or_else(|| {
                self.parts.push(Part {
                    unit,
                    tier,
                    singles: Vec::new(),
                    sets: Vec::new(),
                });
                self.parts.len() - 1
            });
        let Some(part) = self.parts.get_mut(at) else {
            return 0;
        };
        match value {
            MetricValue::Single(value) => {
                let before = part.singles.capacity();
                // Adding 0 turns -0.0, which is no value of its own, into 0.0.
                part.singles.push((timestamp, value + 0.0));
                (part.singles.capacity() - before) * size_of::<(TimestampMs, f64)>()
            }
            value => {
                let set = value.to_set();
                let before = part.sets.capacity();
                let heap_bytes = set.heap_bytes();
                part.sets.push((timestamp, set));
                (part.sets.capacity() - before) * size_of::<(TimestampMs, StatisticSet)>()
                    + heap_bytes
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datum_of_a_known_series_costs_its_value_only() {
        let mut head = Head::default();
        let tenant = Tenant::new("0", "r");
        let mut batch = MetricBatch::new();
        for i in 0..100 {
            batch
                .push(
                    "ns",
                    "m",
                    &[("host", "h")],
                    TimestampMs(i * 1000),
                    Unit::None,
                    1,
                    MetricValue::Single(1.0),
                )
                .unwrap();
        }
        head.insert(&tenant, &batch);
        assert_eq!((head.series_count(), head.samples()), (1, 100));
        let before = head.bytes();
        for _ in 0..10 {
            head.insert(&tenant, &batch);
        }
        assert_eq!(head.series_count(), 1);
        assert!(head.bytes() - before <= 2 * 1000 * 16);
        let series = head.tenant(&tenant).unwrap().series().next().unwrap().1;
        assert_eq!(series.last, TimestampMs(99_000));
        assert_eq!(series.parts[0].singles.len(), 1100);
    }
}
