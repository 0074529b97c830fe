//! Adding samples up in the buckets of a read.

use belfry_model::{StatisticSet, TimestampMs, Unit};
use smallvec::SmallVec;

use super::block::{Chunk, ChunkSamples, SampleValues};

/// The buckets `[start + k*period, start + (k+1)*period)` of a read (spec metrics.md 5), by unit.
/// The last one is cut by `end`.
#[derive(Debug)]
pub(super) struct Buckets {
    start: i64,
    end: i64,
    period_ms: i64,
    unit: Option<Unit>,
    with_distribution: bool,
    units: SmallVec<[(Unit, UnitBuckets); 1]>,
}

/// Buckets that have samples, ascending by number.
#[derive(Debug, Default)]
struct UnitBuckets {
    buckets: Vec<(i64, StatisticSet)>,
}

impl Buckets {
    pub(super) fn new(
        start: TimestampMs,
        end: TimestampMs,
        period_ms: i64,
        unit: Option<Unit>,
        with_distribution: bool,
    ) -> Self {
        Self {
            start: start.0,
            end: end.0,
            period_ms: period_ms.max(1),
            unit,
            with_distribution,
            units: SmallVec::new(),
        }
    }

    /// Whether the buckets shall have their distributions.
    pub(super) fn with_distribution(&self) -> bool {
        self.with_distribution
    }

    /// Whether samples of the unit count.
    pub(super) fn takes(&self, unit: Unit) -> bool {
        self.unit.is_none_or(|wanted| wanted == unit)
    }

    /// Whether any time from `first` to `last` counts.
    pub(super) fn overlaps(&self, first: i64, last: i64) -> bool {
        first < self.end && last >= self.start
    }

    /// Adds a chunk by its sums alone; false if that would not be exact.
    pub(super) fn add_whole(&mut self, chunk: &Chunk, first: i64, last: i64) -> bool {
        let inside = !self.with_distribution
            && first >= self.start
            && last < self.end
            && self.number_of(first) == self.number_of(last);
        if inside {
            let number = self.number_of(first);
            self.bucket(chunk.unit, number).merge_numbers(
                chunk.count,
                chunk.sum,
                chunk.min,
                chunk.max,
            );
        }
        inside
    }

    /// Adds samples that ascend by time.
    pub(super) fn add_chunk(&mut self, samples: &ChunkSamples<'_>) {
        let times = samples.times;
        let mut at = times.partition_point(|t| *t < self.start);
        let end = times.partition_point(|t| *t < self.end);
        while let Some(time) = times.get(at).filter(|_| at < end) {
            let number = self.number_of(*time);
            let bucket_end = self.bucket_start(number + 1).min(self.end);
            let run = run_length(times.get(at..end).unwrap_or_default(), bucket_end);
            let range = at..at + run;
            at += run;
            match samples.values {
                SampleValues::Singles(values) => {
                    let values = values.get(range).unwrap_or_default();
                    self.add_values(samples.unit, number, values);
                }
                SampleValues::Sets(sets) => {
                    for set in sets.get(range).unwrap_or_default() {
                        self.add_set(samples.unit, number, set);
                    }
                }
            }
        }
    }

    /// Adds one value at any time.
    pub(super) fn add_single(&mut self, unit: Unit, time: TimestampMs, value: f64) {
        if self.overlaps(time.0, time.0) {
            let number = self.number_of(time.0);
            self.add_values(unit, number, &[value]);
        }
    }

    /// Adds one statistic set at any time.
    pub(super) fn add_set_at(&mut self, unit: Unit, time: TimestampMs, set: &StatisticSet) {
        if self.overlaps(time.0, time.0) {
            let number = self.number_of(time.0);
            self.add_set(unit, number, set);
        }
    }

    fn add_values(&mut self, unit: Unit, number: i64, values: &[f64]) {
        let with_distribution = self.with_distribution;
        let bucket = self.bucket(unit, number);
        match values {
            [value] if with_distribution => bucket.merge(&StatisticSet::from_value(*value)),
            _ if with_distribution => bucket.merge(&StatisticSet::from_values(values, None)),
            _ => bucket.merge_numbers(
                values.len() as f64,
                values.iter().sum(),
                values.iter().copied().fold(f64::INFINITY, f64::min),
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ),
        }
    }

    fn add_set(&mut self, unit: Unit, number: i64, set: &StatisticSet) {
        let with_distribution = self.with_distribution;
        let bucket = self.bucket(unit, number);
        if with_distribution {
            bucket.merge(set);
        } else {
            bucket.merge_without_distribution(set);
        }
    }

    /// The buckets of each unit, units in order of their names.
    pub(super) fn finish(mut self) -> Vec<(Unit, Vec<(TimestampMs, StatisticSet)>)> {
        self.units.sort_unstable_by_key(|(unit, _)| unit.as_str());
        let (start, period_ms) = (self.start, self.period_ms);
        let at = |number: i64| TimestampMs(start.saturating_add(number.saturating_mul(period_ms)));
        self.units
            .into_iter()
            .map(|(unit, buckets)| {
                let buckets = buckets.buckets.into_iter();
                (unit, buckets.map(|(n, set)| (at(n), set)).collect())
            })
            .collect()
    }

    fn number_of(&self, time: i64) -> i64 {
        time.saturating_sub(self.start).div_euclid(self.period_ms)
    }

    fn bucket_start(&self, number: i64) -> i64 {
        self.start
            .saturating_add(number.saturating_mul(self.period_ms))
    }

    fn bucket(&mut self, unit: Unit, number: i64) -> &mut StatisticSet {
        let at = match self.units.iter().position(|(u, _)| *u == unit) {
            Some(at) => at,
            None => {
                self.units.push((unit, UnitBuckets::default()));
                self.units.len() - 1
            }
        };
        self.units[at].1.get(number)
    }
}

impl UnitBuckets {
    fn get(&mut self, number: i64) -> &mut StatisticSet {
        // Samples come nearly in order of time: look at the end first.
        let at = match self.buckets.last() {
            Some((last, _)) if *last == number => self.buckets.len() - 1,
            Some((last, _)) if *last > number => {
                match self.buckets.binary_search_by_key(&number, |(n, _)| *n) {
                    Ok(at) => at,
                    Err(at) => {
                        self.buckets.insert(at, (number, StatisticSet::EMPTY));
                        at
                    }
                }
            }
            _ => {
                self.buckets.push((number, StatisticSet::EMPTY));
                self.buckets.len() - 1
            }
        };
        &mut self.buckets[at].1
    }
}

/// How many of the ascending `times` lie before `end`; at least one does.
fn run_length(times: &[i64], end: i64) -> usize {
    const LINEAR: usize = 8;
    match times.iter().take(LINEAR).position(|t| *t >= end) {
        Some(n) => n.max(1),
        None => times.partition_point(|t| *t < end).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn buckets_agree_with_a_plain_count(
            chunks in proptest::collection::vec(proptest::collection::btree_map(0i64..500, -50i32..50, 0..80), 1..5),
            start in 0i64..300, length in 1i64..300, period in 1i64..100, distribution in any::<bool>(),
        ) {
            let end = start + length;
            let mut buckets = Buckets::new(TimestampMs(start), TimestampMs(end), period, None, distribution);
            let mut naive: BTreeMap<i64, StatisticSet> = BTreeMap::new();
            for (i, chunk) in chunks.iter().enumerate() {
                let times: Vec<i64> = chunk.keys().copied().collect();
                let values: Vec<f64> = chunk.values().map(|v| f64::from(*v)).collect();
                if i % 2 == 0 {
                    buckets.add_chunk(&ChunkSamples {
                        unit: Unit::Count, times: &times, values: SampleValues::Singles(&values),
                    });
                } else {
                    for (time, value) in times.iter().zip(&values) {
                        buckets.add_single(Unit::Count, TimestampMs(*time), *value);
                    }
                }
                for (time, value) in times.into_iter().zip(values) {
                    if (start..end).contains(&time) {
                        let at = start + (time - start) / period * period;
                        naive.entry(at).or_default().merge(&StatisticSet::from_value(value));
                    }
                }
            }
            let found = buckets.finish();
            let found: Vec<_> = found.into_iter().flat_map(|(_, b)| b).collect();
            prop_assert_eq!(found.len(), naive.len());
            for ((at, set), (naive_at, naive_set)) in found.iter().zip(&naive) {
                prop_assert_eq!(at.0, *naive_at);
                prop_assert_eq!((set.count, set.sum, set.min, set.max),
                    (naive_set.count, naive_set.sum, naive_set.min, naive_set.max));
                if distribution {
                    prop_assert_eq!(set.distribution(), naive_set.distribution());
                }
            }
        }
    }
}
