//! Samples that are more than a lone value: statistic sets in columns.

use belfry_model::StatisticSet;
use belfry_model::distribution::{Distribution, EXACT_VALUES_MAX, ExactValues, Sketch, Weighted};

use crate::metrics::column;
use crate::metrics::varint::{self, Reader};

const LEVEL: i32 = 3;
/// Ours: nothing larger is unpacked. The writer keeps chunks far below.
const RAW_BYTES_MAX: usize = 1 << 28;

const SINGLE: u8 = 0;
const EXACT: u8 = 1;
const SKETCH: u8 = 2;
const UNAVAILABLE: u8 = 3;

/// The bytes of a chunk of sets.
pub(super) fn encode(sets: &[StatisticSet]) -> Result<Vec<u8>, String> {
    let mut raw = Vec::new();
    let mut lists: Vec<Weighted> = Vec::new();
    let mut lengths = Vec::new();
    let mut buckets = Vec::new();
    let mut bucket_weights = Vec::new();
    let mut zero_weights = Vec::new();
    for set in sets {
        raw.push(match set.distribution() {
            Distribution::Single => SINGLE,
            Distribution::Exact(exact) => {
                varint::write(exact.values().len() as u64, &mut lengths);
                lists.extend_from_slice(exact.values());
                EXACT
            }
            Distribution::Sketch(sketch) => {
                varint::write(sketch.buckets().len() as u64, &mut lengths);
                zero_weights.push(sketch.zero_weight());
                let mut before = 0;
                for &(bucket, weight) in sketch.buckets() {
                    varint::write_signed(i64::from(bucket) - before, &mut buckets);
                    before = i64::from(bucket);
                    bucket_weights.push(weight);
                }
                SKETCH
            }
            Distribution::Unavailable => UNAVAILABLE,
        });
    }
    varint::write_bytes(&lengths, &mut raw);
    varint::write_bytes(&buckets, &mut raw);
    let (values, weights): (Vec<f64>, Vec<f64>) = lists.into_iter().unzip();
    let column_of = |number: fn(&StatisticSet) -> f64| sets.iter().map(number).collect();
    let columns: [Vec<f64>; 8] = [
        column_of(|s| s.count),
        column_of(|s| s.sum),
        column_of(|s| s.min),
        column_of(|s| s.max),
        values,
        weights,
        zero_weights,
        bucket_weights,
    ];
    for column in &columns {
        column::encode(column, &mut raw).map_err(|e| e.to_string())?;
    }
    let mut packed = Vec::new();
    varint::write(raw.len() as u64, &mut packed);
    packed.extend(zstd::bulk::compress(&raw, LEVEL).map_err(|e| e.to_string())?);
    Ok(packed)
}

/// The `count` sets of a chunk; without their distributions, which then are unavailable, unless
/// `distributions`.
pub(super) fn decode(
    bytes: &[u8],
    count: usize,
    distributions: bool,
) -> Result<Vec<StatisticSet>, String> {
    let mut reader = Reader::new(bytes);
    let raw_len = reader.usize().filter(|n| *n <= RAW_BYTES_MAX);
    let raw_len = raw_len.ok_or("chunk of sets has no sound length")?;
    let packed = reader.take(reader.left()).unwrap_or_default();
    let raw = zstd::bulk::decompress(packed, raw_len).map_err(|e| e.to_string())?;
    decode_raw(&raw, count, distributions).ok_or_else(|| "chunk of sets is malformed".to_owned())
}

pub(super) fn decode_raw(
    raw: &[u8],
    count: usize,
    distributions: bool,
) -> Option<Vec<StatisticSet>> {
    let mut reader = Reader::new(raw);
    let kinds = reader.take(count)?;
    let (mut lengths, mut buckets) = (Reader::new(reader.bytes()?), Reader::new(reader.bytes()?));

    let (mut listed, mut bucketed, mut sketches) = (0usize, 0usize, 0usize);
    let mut counting = lengths;
    for kind in kinds {
        match *kind {
            EXACT => {
                let length = counting.usize().filter(|n| *n <= EXACT_VALUES_MAX)?;
                listed = listed.checked_add(length)?;
            }
            SKETCH => {
                bucketed = bucketed.checked_add(counting.usize()?)?;
                sketches += 1;
            }
            SINGLE | UNAVAILABLE => {}
            _ => return None,
        }
    }
    // Equal numbers pack into nothing: bound them by what a chunk can mean, not by its bytes.
    if listed > RAW_BYTES_MAX / 16 || bucketed > buckets.left() {
        return None;
    }
    let mut column = |n: usize| column::decode(&mut reader, n).map(Vec::into_iter);
    let (mut counts, mut sums, mut mins, mut maxs) = (
        column(count)?,
        column(count)?,
        column(count)?,
        column(count)?,
    );
    if !distributions {
        let mut set = || {
            let (count, sum) = (counts.next()?, sums.next()?);
            let (min, max) = (mins.next()?, maxs.next()?);
            StatisticSet::from_parts(count, sum, min, max, Distribution::Unavailable)
        };
        return (0..count).map(|_| set()).collect();
    }
    let (mut values, mut weights) = (column(listed)?, column(listed)?);
    let (mut zero_weights, mut bucket_weights) = (column(sketches)?, column(bucketed)?);
    if !reader.is_empty() {
        return None;
    }
    kinds
        .iter()
        .map(|kind| {
            let distribution = match *kind {
                SINGLE => Distribution::Single,
                EXACT => {
                    let n = lengths.usize()?;
                    let list = values.by_ref().zip(weights.by_ref()).take(n).collect();
                    Distribution::Exact(ExactValues::new(list)?)
                }
                SKETCH => {
                    let n = lengths.usize()?;
                    let mut bucket = 0i64;
                    let mut list = Vec::with_capacity(n);
                    for _ in 0..n {
                        bucket = bucket.checked_add(buckets.i64()?)?;
                        list.push((i32::try_from(bucket).ok()?, bucket_weights.next()?));
                    }
                    Distribution::Sketch(Sketch::new(zero_weights.next()?, list)?)
                }
                _ => Distribution::Unavailable,
            };
            StatisticSet::from_parts(
                counts.next()?,
                sums.next()?,
                mins.next()?,
                maxs.next()?,
                distribution,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = StatisticSet> {
        let value = || (0u32..1000).prop_map(|v| f64::from(v) / 10.0);
        prop_oneof![
            value().prop_map(StatisticSet::from_value),
            (value(), 0u32..9)
                .prop_map(|(v, w)| StatisticSet::from_weighted_value(v, f64::from(w))),
            proptest::collection::vec(value(), 1..20)
                .prop_map(|v| StatisticSet::from_values(&v, None)),
            Just(StatisticSet::from_aggregate(4.0, 20.0, 1.0, 9.5)),
            Just(StatisticSet::from_value(-5.5)),
            (1.0..1e9).prop_map(|scale| {
                let values: Vec<f64> = (0..2500).map(|i| f64::from(i) * scale).collect();
                StatisticSet::from_values(&values, None)
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn sets_read_back(sets in proptest::collection::vec(set(), 1..12)) {
            let bytes = encode(&sets).unwrap();
            prop_assert_eq!(decode(&bytes, sets.len(), true).unwrap(), sets.clone());
            prop_assert!(decode(&bytes, sets.len() + 1, true).is_err());
            let numbers = |sets: Vec<StatisticSet>| -> Vec<_> {
                sets.iter().map(|s| (s.count, s.sum, s.min, s.max)).collect()
            };
            let read = decode(&bytes, sets.len(), false).unwrap();
            prop_assert!(read.iter().all(|s| *s.distribution() == Distribution::Unavailable));
            prop_assert_eq!(numbers(read), numbers(sets));
        }

        #[test]
        fn any_bytes_are_read_or_refused(raw in proptest::collection::vec(0u8..5, 0..80), count in 0usize..5, distributions: bool) {
            let _ = decode_raw(&raw, count, distributions);
            let _ = decode(&raw, count, distributions);
        }
    }
}
