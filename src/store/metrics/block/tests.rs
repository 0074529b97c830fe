use belfry_model::{StatisticSet, Unit};
use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::metrics::key;
use crate::metrics::tier::Tier;
use crate::samples;

/// One series of a block: dimension value, and per unit its samples.
type TestSeries = Vec<(Unit, Vec<(i64, StatisticSet)>)>;

fn build(series: &[(Vec<u8>, TestSeries)], effort: Effort) -> (BuiltBlock, Bytes) {
    let mut writer = BlockWriter::new(Tier::S60, effort);
    for (key, units) in series {
        writer.start_series(key).unwrap();
        for (unit, samples) in units {
            let (times, sets): (Vec<i64>, Vec<StatisticSet>) = samples.iter().cloned().unzip();
            match sets.iter().map(StatisticSet::as_single_sample).collect() {
                Some(values) => {
                    let values: Vec<f64> = values;
                    writer.push_singles(*unit, &times, &values).unwrap();
                }
                None => writer.push_sets(*unit, &times, &sets).unwrap(),
            }
        }
    }
    let built = writer.finish().unwrap().unwrap();
    let bytes = Bytes::from(built.parts.concat());
    assert_eq!(bytes.len() as u64, built.bytes);
    (built, bytes)
}

fn source(bytes: &Bytes) -> BlockSource {
    BlockSource::Memory {
        key: "test".to_owned(),
        bytes: bytes.clone(),
    }
}

fn key_of(value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    key::encode("ns", "m", &[("host", value)], &mut out).unwrap();
    out
}

fn read_all(bytes: &Bytes) -> Vec<(Vec<u8>, TestSeries)> {
    let source = source(bytes);
    let index = BlockIndex::open(&source, bytes.len() as u64).unwrap();
    let mut all = Vec::new();
    let mut cursor = index.series().cursor(0);
    while let Some((row, key)) = cursor.next() {
        let wanted: Vec<u32> = index.chunks_of(row).collect();
        let mut units: TestSeries = Vec::new();
        let mut take = |samples: ChunkSamples<'_>| {
            let times = samples.times.iter().copied();
            let read: Vec<_> = match samples.values {
                SampleValues::Singles(v) => times
                    .zip(v.iter().map(|v| StatisticSet::from_value(*v)))
                    .collect(),
                SampleValues::Sets(s) => times.zip(s.iter().cloned()).collect(),
            };
            match units.last_mut().filter(|(unit, _)| *unit == samples.unit) {
                Some((_, before)) => before.extend(read),
                None => units.push((samples.unit, read)),
            }
        };
        for chunk in wanted {
            index
                .read_chunks(&source, &[Wanted::whole(chunk)], |_, samples| {
                    take(samples);
                    Ok(())
                })
                .unwrap();
        }
        all.push((key.to_vec(), units));
    }
    all
}

fn samples() -> impl Strategy<Value = Vec<(i64, StatisticSet)>> {
    let value = prop_oneof![
        4 => (0u32..1000).prop_map(|v| f64::from(v) / 4.0),
        1 => any::<i32>().prop_map(|v| f64::from(v) * 1e3),
        1 => -1e9..1e9f64,
    ];
    let set = prop_oneof![
        20 => value.clone().prop_map(StatisticSet::from_value),
        1 => proptest::collection::vec(value, 1..5)
            .prop_map(|v| StatisticSet::from_values(&v, None)),
        1 => Just(StatisticSet::from_aggregate(2.0, 5.0, 1.0, 4.0)),
    ];
    proptest::collection::btree_map((0i64..2000).prop_map(|t| t * 60_000), set, 1..30)
        .prop_map(|m| m.into_iter().collect())
}

fn block() -> impl Strategy<Value = Vec<(Vec<u8>, TestSeries)>> {
    let units = proptest::collection::btree_map(
        prop_oneof![Just(Unit::Count), Just(Unit::Bytes)],
        samples(),
        1..3,
    );
    proptest::collection::btree_map("[a-z]{1,4}", units, 1..20).prop_map(|series| {
        series
            .into_iter()
            .map(|(value, units)| (key_of(&value), units.into_iter().collect()))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn blocks_read_back(series in block(), compact in any::<bool>()) {
        let effort = if compact { Effort::Compaction } else { Effort::Flush };
        let (built, bytes) = build(&series, effort);
        prop_assert_eq!(read_all(&bytes), series.clone());
        let verified = verify_object("test", bytes).unwrap();
        prop_assert_eq!(verified.series, series.len() as u64);
        prop_assert_eq!(verified.samples, built.summary.samples);
    }

    #[test]
    fn a_changed_byte_is_found(series in block(), at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let (_, bytes) = build(&series, Effort::Flush);
        let mut damaged = bytes.to_vec();
        let at = at.index(damaged.len());
        damaged[at] ^= flip;
        let verified = verify_object("test", Bytes::from(damaged));
        prop_assert!(matches!(verified, Err(Error::ObjectCorrupt { .. })), "byte {} of {}", at, bytes.len());
    }

    #[test]
    fn a_cut_block_is_refused(series in block(), at in any::<prop::sample::Index>()) {
        let (_, bytes) = build(&series, Effort::Flush);
        let cut = bytes.slice(..at.index(bytes.len()));
        prop_assert!(verify_object("test", cut).is_err());
    }
}

#[test]
fn many_series_share_groups_and_read_alone_or_together() {
    let series: Vec<(Vec<u8>, TestSeries)> = (0..300)
        .map(|host| {
            let samples = (0..500)
                .map(|i| {
                    let value = f64::from((host * 7 + i * 3) % 1000) / 10.0;
                    (i64::from(i) * 60_000, StatisticSet::from_value(value))
                })
                .collect();
            (
                key_of(&format!("{host:04}")),
                vec![(Unit::Percent, samples)],
            )
        })
        .collect();
    let (built, bytes) = build(&series, Effort::Flush);
    assert_eq!(read_all(&bytes), series);
    assert!(built.bytes < 3 * built.summary.samples);

    let source = source(&bytes);
    let index = BlockIndex::open(&source, built.bytes).unwrap();
    let wanted: Vec<Wanted> = (0..index.chunk_count())
        .step_by(3)
        .map(Wanted::whole)
        .collect();
    let mut seen = 0;
    index
        .read_chunks(&source, &wanted, |position, samples| {
            let row = index.chunk(wanted[position].chunk).unwrap().series as usize;
            let SampleValues::Singles(values) = samples.values else {
                panic!("values are plain");
            };
            let expected: Vec<f64> = series[row].1[0].1.iter().map(|(_, s)| s.sum).collect();
            assert_eq!(values, expected);
            seen += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, 100);

    let postings = index.postings(&source).unwrap();
    let rows = postings.find(&[("host", Some("0042"))]).unwrap().unwrap();
    assert_eq!(rows.iter().collect::<Vec<_>>(), [42]);
    let rows = postings.find(&[("host", None)]).unwrap().unwrap();
    assert_eq!(rows.iter().count(), 300);
    assert_eq!(index.last_sample(7), Some(499 * 60_000));
}

#[test]
fn long_series_are_cut_into_chunks() {
    let samples: Vec<(i64, StatisticSet)> = (0..20_000)
        .map(|i| (i * 1000, StatisticSet::from_value(i as f64)))
        .collect();
    let series = vec![(key_of("a"), vec![(Unit::None, samples)])];
    let (built, bytes) = build(&series, Effort::Compaction);
    let index = BlockIndex::open(&source(&bytes), built.bytes).unwrap();
    assert_eq!(index.chunk_count(), 3);
    assert_eq!(read_all(&bytes), series);
}

#[test]
fn series_out_of_order_are_refused() {
    let mut writer = BlockWriter::new(Tier::S1, Effort::Flush);
    writer.start_series(&key_of("b")).unwrap();
    writer.start_series(&key_of("b")).unwrap();
    assert!(writer.start_series(&key_of("a")).is_err());
    assert!(writer.start_series(b"no key").is_err());
}

/// One series of each kind of chunk.
fn sample_series() -> Vec<(Vec<u8>, TestSeries)> {
    let at = |i: usize| 1_790_000_040_000 + i as i64 * 60_000;
    let singles = |value: fn(usize) -> f64| -> Vec<(i64, StatisticSet)> {
        (0..200)
            .map(|i| (at(i), StatisticSet::from_value(value(i))))
            .collect()
    };
    let many: Vec<f64> = (0..2500).map(|i| f64::from(i) * 0.37).collect();
    let sets = vec![
        (at(0), StatisticSet::from_values(&[1.0, 2.5, 2.5], None)),
        (at(1), StatisticSet::from_value(7.0)),
        (at(5), StatisticSet::from_values(&many, None)),
        (at(9), StatisticSet::from_aggregate(4.0, 20.0, -2.0, 9.0)),
    ];
    let decimals = singles(|i| (i * 37 % 1000) as f64 / 10.0);
    let large = singles(|i| (i as f64) * 1e10);
    let floats = singles(|i| (i as f64 + 0.5).sqrt());
    vec![
        (key_of("decimals"), vec![(Unit::Percent, decimals)]),
        (key_of("floats"), vec![(Unit::None, floats)]),
        (key_of("large"), vec![(Unit::Bytes, large)]),
        (key_of("sets"), vec![(Unit::Milliseconds, sets)]),
    ]
}

/// Every build must open what version 1 wrote.
#[test]
fn a_block_of_version_1_opens() {
    let path = samples::path("metrics-block-v1");
    if samples::are_written() {
        let (_, bytes) = build(&sample_series(), Effort::Compaction);
        std::fs::write(&path, bytes).unwrap();
    }
    let bytes = Bytes::from(std::fs::read(&path).unwrap());
    assert_eq!(
        verify_object("metrics-block-v1", bytes.clone())
            .unwrap()
            .series,
        4
    );
    assert_eq!(read_all(&bytes), sample_series());
}
