//! What one stored datapoint is: a statistic set. Sets of one timestamp add.
//!
//! Adding is commutative and, up to the rounding of floating-point sums, associative: late data,
//! compaction and roll-up may add in any order. A set also carries the distribution of its values
//! where there is one (spec metrics.md 4.2): exact while it has at most
//! [`EXACT_VALUES_MAX`] distinct values, beyond that a sketch whose values are off by at most
//! [`SKETCH_RELATIVE_ERROR`]. Which of the two a sum ends up with depends on the values alone,
//! not on the order of adding.

use std::borrow::Cow;
use std::cmp::Ordering;

/// Distinct values up to which a distribution is exact (spec metrics.md 4.2).
pub const EXACT_VALUES_MAX: usize = 2_000;

/// How far a value read from a sketch may be off (spec metrics.md 4.2).
pub const SKETCH_RELATIVE_ERROR: f64 = 0.005;

/// How far a sum may be off `min * count` for a set of equal values (spec metrics.md 4.2).
const EQUAL_VALUES_TOLERANCE: f64 = 1e-9;

/// A value and how often it occurred. Weights may be fractional and are above zero.
pub type Weighted = (f64, f64);

/// Count, sum, extremes and distribution of some samples. All numbers are finite, except for the
/// extremes of the empty set.
#[derive(Clone, Debug, PartialEq)]
pub struct StatisticSet {
    /// Sum of the weights; may be fractional.
    pub count: f64,
    pub sum: f64,
    /// Over all values, those with weight 0 included (spec metrics.md 2).
    pub min: f64,
    pub max: f64,
    distribution: Distribution,
}

/// How the weight of a set lies on its values.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// All weight, if there is any, on the one value `min == max`.
    Single,
    Exact(ExactValues),
    Sketch(Sketch),
    /// A part was sent as count, sum and extremes only, or a value was negative.
    Unavailable,
}

/// Every value with its weight, ascending, each value once.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(
    clippy::box_collection,
    reason = "keeps a StatisticSet at 48 bytes; the common case has no list"
)]
pub struct ExactValues(Box<Vec<Weighted>>);

impl ExactValues {
    /// `None` unless ascending without repetition, finite, not negative, with weights above
    /// zero, and at most [`EXACT_VALUES_MAX`] of them.
    pub fn new(values: Vec<Weighted>) -> Option<Self> {
        let sound = values.len() <= EXACT_VALUES_MAX
            && values
                .iter()
                .all(|(v, w)| v.is_finite() && *v >= 0.0 && is_weight(*w))
            && values.is_sorted_by(|a, b| a.0 < b.0);
        sound.then(|| Self(Box::new(values)))
    }

    pub fn values(&self) -> &[Weighted] {
        &self.0
    }
}

/// Weights of logarithmic buckets, as in DDSketch: bucket `i` holds the values in
/// `(gamma^(i-1), gamma^i]`, `gamma = (1 + e) / (1 - e)`, e the relative error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch(Box<SketchContent>);

#[derive(Clone, Debug, Default, PartialEq)]
struct SketchContent {
    zero_weight: f64,
    /// Ascending by bucket, each bucket once.
    buckets: Vec<(i32, f64)>,
}

impl Sketch {
    /// `None` unless buckets are ascending without repetition and weights sound.
    pub fn new(zero_weight: f64, buckets: Vec<(i32, f64)>) -> Option<Self> {
        let sound = (zero_weight == 0.0 || is_weight(zero_weight))
            && buckets.iter().all(|(_, w)| is_weight(*w))
            && buckets.is_sorted_by(|a, b| a.0 < b.0);
        sound.then(|| {
            Self(Box::new(SketchContent {
                zero_weight,
                buckets,
            }))
        })
    }

    /// Weight of the value 0, which has no logarithm.
    pub fn zero_weight(&self) -> f64 {
        self.0.zero_weight
    }

    /// Bucket numbers and weights, ascending.
    pub fn buckets(&self) -> &[(i32, f64)] {
        &self.0.buckets
    }

    fn from_values(values: &[Weighted]) -> Self {
        let mut content = SketchContent::default();
        for &(value, weight) in values {
            if value == 0.0 {
                content.zero_weight += weight;
                continue;
            }
            let bucket = bucket_of(value);
            match content.buckets.last_mut() {
                Some((last, sum)) if *last == bucket => *sum += weight,
                _ => content.buckets.push((bucket, weight)),
            }
        }
        Self(Box::new(content))
    }

    fn add(&mut self, other: &Self) {
        self.0.zero_weight += other.0.zero_weight;
        self.0.buckets = add_sorted(&self.0.buckets, &other.0.buckets, i32::cmp);
    }

    fn values(&self, min: f64, max: f64) -> Vec<Weighted> {
        let zero = (self.0.zero_weight > 0.0).then_some((0.0, self.0.zero_weight));
        zero.into_iter()
            .chain(
                self.0
                    .buckets
                    .iter()
                    .map(|&(bucket, weight)| (bucket_value(bucket).clamp(min, max), weight)),
            )
            .collect()
    }
}

fn log_gamma() -> f64 {
    ((1.0 + SKETCH_RELATIVE_ERROR) / (1.0 - SKETCH_RELATIVE_ERROR)).ln()
}

fn bucket_of(value: f64) -> i32 {
    // At most 2^1024 and at least 2^-1074: the quotient lies within plus or minus 75,000.
    (value.ln() / log_gamma()).ceil() as i32
}

/// The value whose relative distance to both ends of the bucket is the same.
fn bucket_value(bucket: i32) -> f64 {
    (1.0 - SKETCH_RELATIVE_ERROR) * (f64::from(bucket) * log_gamma()).exp()
}

fn is_weight(weight: f64) -> bool {
    weight.is_finite() && weight > 0.0
}

/// Both lists in one, the weights of equal keys added.
fn add_sorted<K: Copy>(
    a: &[(K, f64)],
    b: &[(K, f64)],
    compare: impl Fn(&K, &K) -> Ordering,
) -> Vec<(K, f64)> {
    let mut sum = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    loop {
        let order = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) => compare(&x.0, &y.0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return sum,
        };
        match order {
            Ordering::Less => sum.extend(a.next()),
            Ordering::Greater => sum.extend(b.next()),
            Ordering::Equal => {
                if let (Some((key, x)), Some((_, y))) = (a.next(), b.next()) {
                    sum.push((key, x + y));
                }
            }
        }
    }
}

impl Default for StatisticSet {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl StatisticSet {
    /// No sample at all: adding it changes nothing.
    pub const EMPTY: Self = Self {
        count: 0.0,
        sum: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        distribution: Distribution::Single,
    };

    /// One sample.
    pub fn from_value(value: f64) -> Self {
        Self::from_weighted_value(value, 1.0)
    }

    /// `weight` samples of one value. A weight of 0 leaves its trace in the extremes only.
    pub fn from_weighted_value(value: f64, weight: f64) -> Self {
        let value = without_negative_zero(value);
        Self {
            count: weight,
            sum: value * weight,
            min: value,
            max: value,
            distribution: if value < 0.0 {
                Distribution::Unavailable
            } else {
                Distribution::Single
            },
        }
    }

    /// Samples of several values; a missing weight is 1. Values and weights are finite, weights
    /// not negative.
    pub fn from_values(values: &[f64], weights: Option<&[f64]>) -> Self {
        let weight_of = |i: usize| weights.map_or(1.0, |w| w.get(i).copied().unwrap_or(1.0));
        let mut set = Self::EMPTY;
        let mut weighted = Vec::with_capacity(values.len());
        for (i, &value) in values.iter().enumerate() {
            let value = without_negative_zero(value);
            let weight = weight_of(i);
            set.count += weight;
            set.sum += value * weight;
            set.min = set.min.min(value);
            set.max = set.max.max(value);
            if weight > 0.0 {
                weighted.push((value, weight));
            }
        }
        set.distribution = set.distribution_of(weighted);
        set
    }

    /// What a client aggregated itself. Percentiles need its values: they are known only if all
    /// are equal (spec metrics.md 4.2).
    pub fn from_aggregate(count: f64, sum: f64, min: f64, max: f64) -> Self {
        let (min, max) = (without_negative_zero(min), without_negative_zero(max));
        let expected = min * count;
        let tolerance = EQUAL_VALUES_TOLERANCE * expected.abs().max(sum.abs());
        let equal_values = min == max && (sum - expected).abs() <= tolerance;
        Self {
            count,
            sum,
            min,
            max,
            distribution: if equal_values && min >= 0.0 {
                Distribution::Single
            } else {
                Distribution::Unavailable
            },
        }
    }

    /// What was stored. `None` if the parts do not fit together.
    pub fn from_parts(
        count: f64,
        sum: f64,
        min: f64,
        max: f64,
        distribution: Distribution,
    ) -> Option<Self> {
        let numbers =
            count >= 0.0 && [count, sum, min, max].iter().all(|n| n.is_finite()) && min <= max;
        let fits = match &distribution {
            Distribution::Single => min == max && min >= 0.0,
            Distribution::Exact(_) | Distribution::Sketch(_) => min >= 0.0,
            Distribution::Unavailable => true,
        };
        (numbers && fits).then_some(Self {
            count,
            sum,
            min,
            max,
            distribution,
        })
    }

    /// Whether no sample has weight: every statistic of the set is absent.
    pub fn is_empty(&self) -> bool {
        self.count <= 0.0
    }

    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// One plain sample, the common case: `count == 1` of one value.
    pub fn as_single_sample(&self) -> Option<f64> {
        (self.count == 1.0 && self.min == self.max && self.sum == self.min).then_some(self.min)
    }

    /// Values and weights, ascending; `None` if the distribution is not available.
    pub fn weighted_values(&self) -> Option<Cow<'_, [Weighted]>> {
        match &self.distribution {
            Distribution::Single if self.is_empty() => Some(Cow::Borrowed(&[])),
            Distribution::Single => Some(Cow::Owned(vec![(self.min, self.count)])),
            Distribution::Exact(exact) => Some(Cow::Borrowed(exact.values())),
            Distribution::Sketch(sketch) => Some(Cow::Owned(sketch.values(self.min, self.max))),
            Distribution::Unavailable => None,
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match &self.distribution {
            Distribution::Single | Distribution::Unavailable => 0,
            Distribution::Exact(exact) => 24 + exact.0.capacity() * size_of::<Weighted>(),
            Distribution::Sketch(sketch) => {
                size_of::<SketchContent>() + sketch.0.buckets.capacity() * size_of::<(i32, f64)>()
            }
        }
    }

    /// Adds the samples of another set.
    pub fn merge(&mut self, other: &Self) {
        let min = self.min.min(other.min);
        let max = self.max.max(other.max);
        let distribution = if min < 0.0 {
            Distribution::Unavailable
        } else {
            self.merged_distribution(other, min >= max)
        };
        self.count = saturating_sum(self.count, other.count);
        self.sum = saturating_sum(self.sum, other.sum);
        self.min = min;
        self.max = max;
        self.distribution = distribution;
    }

    /// Adds a set without its distribution: for readers that will not ask for it.
    pub fn merge_without_distribution(&mut self, other: &Self) {
        self.merge_numbers(other.count, other.sum, other.min, other.max);
    }

    /// As [`StatisticSet::merge_without_distribution`], from bare numbers.
    pub fn merge_numbers(&mut self, count: f64, sum: f64, min: f64, max: f64) {
        self.count = saturating_sum(self.count, count);
        self.sum = saturating_sum(self.sum, sum);
        self.min = self.min.min(min);
        self.max = self.max.max(max);
        self.distribution = Distribution::Unavailable;
    }

    fn merged_distribution(&mut self, other: &Self, all_equal: bool) -> Distribution {
        use Distribution::{Exact, Single, Sketch, Unavailable};

        match (&mut self.distribution, &other.distribution) {
            (Unavailable, _) | (_, Unavailable) => Unavailable,
            (Single, Single) if all_equal => Single,
            (Sketch(mine), Sketch(theirs)) => {
                mine.add(theirs);
                Sketch(std::mem::take(mine))
            }
            (Sketch(mine), _) => {
                let theirs = other.weighted_values().unwrap_or_default();
                mine.add(&self::Sketch::from_values(&theirs));
                Sketch(std::mem::take(mine))
            }
            (_, Sketch(theirs)) => {
                let mine = self.weighted_values().unwrap_or_default();
                let mut sum = self::Sketch::from_values(&mine);
                sum.add(theirs);
                Sketch(sum)
            }
            // A lone value that goes into a list: no need to copy the list.
            (Exact(mine), Single) => {
                if !other.is_empty() {
                    let list = &mut mine.0;
                    match list.binary_search_by(|(v, _)| v.total_cmp(&other.min)) {
                        Ok(at) => {
                            if let Some((_, weight)) = list.get_mut(at) {
                                *weight += other.count;
                            }
                        }
                        Err(at) => list.insert(at, (other.min, other.count)),
                    }
                }
                exact_or_sketch(std::mem::take(&mut *mine.0))
            }
            (Single | Exact(_), Single | Exact(_)) => {
                let mine = self.weighted_values().unwrap_or_default();
                let theirs = other.weighted_values().unwrap_or_default();
                exact_or_sketch(add_sorted(&mine, &theirs, f64::total_cmp))
            }
        }
    }

    /// The distribution of some values whose extremes are those of this set.
    fn distribution_of(&self, mut values: Vec<Weighted>) -> Distribution {
        if self.min < 0.0 {
            return Distribution::Unavailable;
        }
        if self.min >= self.max {
            return Distribution::Single;
        }
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        values.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        exact_or_sketch(values)
    }
}

fn exact_or_sketch(values: Vec<Weighted>) -> Distribution {
    if values.len() <= EXACT_VALUES_MAX {
        Distribution::Exact(ExactValues(Box::new(values)))
    } else {
        Distribution::Sketch(Sketch::from_values(&values))
    }
}

/// Values lie within 2^360, counts may be anything finite: only absurd counts come to the edge.
fn saturating_sum(a: f64, b: f64) -> f64 {
    (a + b).clamp(f64::MIN, f64::MAX)
}

/// `-0.0` is the value 0, and no negative one.
fn without_negative_zero(value: f64) -> f64 {
    value + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(sets: &[StatisticSet]) -> StatisticSet {
        let mut all = StatisticSet::EMPTY;
        for set in sets {
            all.merge(set);
        }
        all
    }

    /// Small whole numbers, so that sums are exact and values repeat.
    fn any_set() -> impl Strategy<Value = StatisticSet> {
        let value = || (0i32..30).prop_map(f64::from);
        let weight = || (0u32..4).prop_map(f64::from);
        prop_oneof![
            6 => value().prop_map(StatisticSet::from_value),
            2 => (value(), weight()).prop_map(|(v, w)| StatisticSet::from_weighted_value(v, w)),
            2 => proptest::collection::vec((value(), weight()), 1..8).prop_map(|pairs| {
                let (values, weights): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
                StatisticSet::from_values(&values, Some(&weights))
            }),
            1 => (value(), 1u32..5).prop_map(|(v, n)| {
                StatisticSet::from_aggregate(f64::from(n), v * f64::from(n), v, v)
            }),
            1 => Just(StatisticSet::from_aggregate(3.0, 9.0, 1.0, 5.0)),
            1 => (-3i32..0).prop_map(|v| StatisticSet::from_value(f64::from(v))),
            1 => Just(StatisticSet::EMPTY),
        ]
    }

    proptest! {
        #[test]
        fn adding_is_commutative_and_associative(a in any_set(), b in any_set(), c in any_set()) {
            let ab = sum(&[a.clone(), b.clone()]);
            prop_assert_eq!(&ab, &sum(&[b.clone(), a.clone()]));
            let bc = sum(&[b, c.clone()]);
            prop_assert_eq!(sum(&[ab, c]), sum(&[a, bc]));
        }

        #[test]
        fn a_sum_knows_every_weight(pairs in proptest::collection::vec((0u32..50, 0u32..4), 1..60)) {
            let sets: Vec<_> = pairs
                .iter()
                .map(|&(v, w)| StatisticSet::from_weighted_value(f64::from(v), f64::from(w)))
                .collect();
            let one_by_one = sum(&sets);
            let (values, weights): (Vec<f64>, Vec<f64>) =
                pairs.iter().map(|&(v, w)| (f64::from(v), f64::from(w))).unzip();
            let at_once = StatisticSet::from_values(&values, Some(&weights));
            prop_assert_eq!(&one_by_one.weighted_values(), &at_once.weighted_values());
            let mut naive = std::collections::BTreeMap::new();
            for (v, w) in pairs {
                if w > 0 {
                    *naive.entry(v).or_insert(0) += w;
                }
            }
            let naive: Vec<Weighted> =
                naive.into_iter().map(|(v, w)| (f64::from(v), f64::from(w))).collect();
            prop_assert_eq!(&*at_once.weighted_values().unwrap(), &naive[..]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn a_sketch_is_the_same_in_any_order_and_close(
            mut values in proptest::collection::vec(
                prop_oneof![Just(0.0), 1e-12f64..1e12, 1e-300f64..1e-200, 1e90f64..2e108], 2100..2600),
            at in 1usize..2000,
        ) {
            let whole = StatisticSet::from_values(&values, None);
            let (front, back) = values.split_at(at);
            let mut parts = StatisticSet::from_values(back, None);
            parts.merge(&StatisticSet::from_values(front, None));
            values.sort_unstable_by(f64::total_cmp);
            let mut distinct = values.clone();
            distinct.dedup();
            let is_sketch = matches!(whole.distribution(), Distribution::Sketch(_));
            prop_assert_eq!(is_sketch, distinct.len() > EXACT_VALUES_MAX);
            prop_assert_eq!(whole.distribution(), parts.distribution());

            let mut exact = values.iter();
            for &(approximate, weight) in whole.weighted_values().unwrap().iter() {
                for _ in 0..weight as usize {
                    let exact = exact.next().unwrap();
                    let error = (approximate - exact).abs();
                    prop_assert!(
                        error <= SKETCH_RELATIVE_ERROR * exact.abs() * (1.0 + 1e-9),
                        "{} for {}", approximate, exact
                    );
                }
            }
            prop_assert!(exact.next().is_none());
        }
    }

    #[test]
    fn zero_weights_count_for_extremes_only() {
        let mut set = StatisticSet::from_values(&[1.0, 5.0, 9.0], Some(&[0.0, 2.0, 0.0]));
        assert_eq!(
            (set.count, set.sum, set.min, set.max),
            (2.0, 10.0, 1.0, 9.0)
        );
        assert_eq!(&*set.weighted_values().unwrap(), &[(5.0, 2.0)]);
        set.merge(&StatisticSet::from_weighted_value(0.5, 0.0));
        assert_eq!(set.min, 0.5);
        assert_eq!(&*set.weighted_values().unwrap(), &[(5.0, 2.0)]);
        assert!(StatisticSet::from_weighted_value(3.0, 0.0).is_empty());
    }

    #[test]
    fn negative_zero_is_zero() {
        let mut set = StatisticSet::from_value(-0.0);
        set.merge(&StatisticSet::from_value(0.0));
        assert_eq!(&*set.weighted_values().unwrap(), &[(0.0, 2.0)]);
    }

    #[test]
    fn a_set_is_small_and_a_lone_value_needs_no_heap() {
        assert_eq!(size_of::<StatisticSet>(), 48);
        assert_eq!(StatisticSet::from_value(3.0).heap_bytes(), 0);
    }

    #[test]
    fn stored_parts_are_checked() {
        let exact = |v: Vec<Weighted>| ExactValues::new(v);
        assert!(exact(vec![(1.0, 1.0), (1.0, 1.0)]).is_none());
        assert!(exact(vec![(1.0, 0.0)]).is_none());
        assert!(exact(vec![(-1.0, 1.0)]).is_none());
        assert!(exact(vec![(1.0, 1.0), (2.0, 0.5)]).is_some());
        assert!(Sketch::new(0.0, vec![(3, 1.0), (2, 1.0)]).is_none());
        assert!(StatisticSet::from_parts(1.0, 1.0, 2.0, 1.0, Distribution::Unavailable).is_none());
        assert!(StatisticSet::from_parts(1.0, f64::NAN, 1.0, 1.0, Distribution::Single).is_none());
    }
}
