//! A store against a plain list, under random puts, flushes, compactions and restarts.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What a test does to a store.
#[derive(Clone, Debug)]
enum Step {
    Put(Vec<TestDatum>),
    Flush,
    Compact,
    Reopen,
}

#[derive(Clone, Debug)]
struct TestDatum {
    metric: usize,
    age_minutes: i64,
    offset_s: i64,
    unit: Unit,
    high_resolution: bool,
    values: Vec<f64>,
    aggregate: bool,
}

fn datum() -> impl Strategy<Value = TestDatum> {
    (
        0usize..4,
        prop_oneof![8 => 0i64..90, 1 => 0i64..10_000],
        0i64..60,
        prop_oneof![5 => Just(Unit::Count), 1 => Just(Unit::Bytes)],
        proptest::bool::weighted(0.3),
        prop_oneof![
            6 => proptest::collection::vec((0u32..400).prop_map(|v| f64::from(v) / 4.0), 1),
            2 => proptest::collection::vec((0u32..400).prop_map(|v| f64::from(v) / 4.0), 1..6),
            1 => proptest::collection::vec((-40i32..400).prop_map(f64::from), 1),
        ],
        proptest::bool::weighted(0.1),
    )
        .prop_map(
            |(metric, age_minutes, offset_s, unit, high_resolution, values, aggregate)| TestDatum {
                metric,
                age_minutes,
                offset_s,
                unit,
                high_resolution,
                values,
                aggregate,
            },
        )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => proptest::collection::vec(datum(), 1..30).prop_map(Step::Put),
        3 => Just(Step::Flush),
        2 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..20)
}

/// Every sample by metric, unit and minute, kept in the simplest way.
#[derive(Default)]
struct Reference {
    sets: BTreeMap<(usize, Unit, TimestampMs), StatisticSet>,
}

impl Reference {
    fn put<'a>(&mut self, datum: &'a TestDatum) -> (TimestampMs, MetricValue<'a>) {
        let at = NOW
            .saturating_sub_ms(datum.age_minutes * MINUTE_MS)
            .floor_to(MINUTE_MS)
            .saturating_add_ms(datum.offset_s * 1000);
        let value = match (&*datum.values, datum.aggregate) {
            (values, true) => {
                let set = StatisticSet::from_values(values, None);
                MetricValue::Aggregate {
                    count: set.count,
                    sum: set.sum,
                    min: set.min,
                    max: set.max,
                }
            }
            ([value], false) => MetricValue::Single(*value),
            (values, false) => MetricValue::Values {
                values,
                weights: None,
            },
        };
        let key = (datum.metric, datum.unit, at.floor_to(MINUTE_MS));
        self.sets.entry(key).or_default().merge(&value.to_set());
        (at, value)
    }

    fn of(&self, metric: usize) -> Vec<UnitBuckets> {
        let mut units: BTreeMap<&str, UnitBuckets> = BTreeMap::new();
        for ((m, unit, at), set) in &self.sets {
            if *m == metric {
                let buckets = units.entry(unit.as_str()).or_insert_with(|| UnitBuckets {
                    unit: *unit,
                    buckets: Vec::new(),
                });
                buckets.buckets.push((*at, set.clone()));
            }
        }
        units.into_values().collect()
    }
}

fn test_metric(number: usize) -> MetricId {
    metric(["A", "B"][number % 2], ["x", "y"][number / 2])
}

async fn check(store: &MetricsStore, reference: &Reference) {
    let reads: Vec<MetricRead> = (0..4).map(|m| read_of(&test_metric(m))).collect();
    let results = store.read(&tenant(), &reads).await.unwrap();
    for (m, result) in results.iter().enumerate() {
        // Values are quarters: sums are exact in any order.
        assert_eq!(result.units, reference.of(m), "metric {m}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// Flushes, compactions and restarts change no answer.
    #[test]
    fn answers_agree_with_a_plain_list(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let mut store = world.open().await;
            let mut reference = Reference::default();
            for step in &steps {
                match step {
                    Step::Put(data) => {
                        let mut batch = MetricBatch::new();
                        for datum in data {
                            let (at, value) = reference.put(datum);
                            let resolution_s = if datum.high_resolution { 1 } else { 60 };
                            let metric = test_metric(datum.metric);
                            push_value(&mut batch, &metric, at, datum.unit, resolution_s, value);
                        }
                        store.put(&tenant(), batch, None).await.unwrap();
                    }
                    Step::Flush => store.flush().await.unwrap(),
                    Step::Compact => store.inner.compact(NOW).await.unwrap(),
                    Step::Reopen => {
                        drop(store);
                        store = world.open().await;
                    }
                }
                check(&store, &reference).await;
            }
        });
    }
}
