//! The two ways to read a PutMetricData, in three protocols, agree on every request.

use belfry_wire::ApiError;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{PROTOCOLS, Request};
use crate::monitoring::metric_datum::TimeWindow;
use crate::monitoring::metric_datum_decode;
use crate::monitoring::put_metric_data::{accept, accept_tree};
use crate::services::Settings;
use crate::tests::START;

const SETTINGS: Settings = Settings {
    allow_aws_namespaces: false,
};

fn told<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> Result<String, String> {
    outcome
        .map(|accepted| format!("{accepted:?}"))
        .map_err(|error| error.to_string())
}

/// What the request comes to, which must not depend on the protocol or the way.
fn outcome(input: &Value) -> Result<String, String> {
    let window = TimeWindow::at(START);
    let mut outcomes = Vec::new();
    for protocol in PROTOCOLS {
        let request = Request::new(protocol, "PutMetricData", input);
        let both = request.with_input(|_, input| {
            let fast = accept(&input, window, SETTINGS);
            Ok((told(fast), told(accept_tree(&input, window, SETTINGS))))
        });
        let (fast, tree) = both.expect("routed");
        assert_eq!(fast, tree, "{protocol:?} {input}");
        outcomes.push(fast);
    }
    assert!(
        outcomes.windows(2).all(|o| o[0] == o[1]),
        "{input} {outcomes:?}"
    );
    outcomes.remove(0)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[A-Za-z][A-Za-z0-9/._-]{0,12}",
        1 => "[ -~]{0,6}",
        1 => Just(":lead".to_owned()),
        1 => Just("h\u{e9}".to_owned()),
        1 => Just("AWS/EC2".to_owned()),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -1e6..1e6,
        1 => (0_i32..1_000).prop_map(f64::from),
        1 => Just(0.0),
        1 => Just(1e300),
        1 => Just(-2.4e108),
    ]
}

fn maybe<S: Strategy<Value = Value> + 'static>(strategy: S) -> BoxedStrategy<Value> {
    prop_oneof![2 => Just(Value::Null), 1 => strategy].boxed()
}

fn datum() -> impl Strategy<Value = Value> {
    let numbers = || proptest::collection::vec(number(), 0..4).prop_map(|n| json!(n));
    let dimension = (text(), text()).prop_map(|(n, v)| json!({"Name": n, "Value": v}));
    let dimensions = proptest::collection::vec(dimension, 0..4).prop_map(|d| json!(d));
    let set =
        (number(), number(), number(), number(), any::<bool>()).prop_map(|(c, s, a, b, whole)| {
            let mut set = json!({"SampleCount": c, "Sum": s, "Minimum": a, "Maximum": b});
            if !whole {
                set["Sum"] = Value::Null;
            }
            set
        });
    let kinds = prop_oneof![
        4 => number().prop_map(|v| json!({"Value": v})),
        2 => proptest::collection::vec((number(), 0.0..5.0), 1..5).prop_map(|pairs| {
            let (values, counts): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            json!({"Values": values, "Counts": counts})
        }),
        1 => (number(), 0.0..100.0).prop_map(|(min, more)| json!({"StatisticValues":
            {"SampleCount": 2.0, "Sum": min, "Minimum": min, "Maximum": min + more}})),
        1 => (maybe(number().prop_map(|v| json!(v))), maybe(numbers()), maybe(numbers()), maybe(set)).prop_map(
            |(value, values, counts, set)| json!({"Value": value, "Values": values, "Counts": counts, "StatisticValues": set})),
    ];
    let units = prop_oneof![3 => Just("Count"), 2 => Just("Bytes/Second"), 1 => Just("Nonsense")]
        .prop_map(|u| json!(u));
    let resolutions =
        prop_oneof![3 => Just(60), 3 => Just(1), 1 => Just(0), 1 => Just(5)].prop_map(|r| json!(r));
    let times = prop_oneof![6 => -86_400_i64..3_600, 1 => -2_000_000_i64..20_000]
        .prop_map(|s| json!(START.as_secs() + s));
    (
        text(),
        maybe(dimensions),
        maybe(times),
        kinds,
        maybe(units),
        maybe(resolutions),
    )
        .prop_map(|(name, dimensions, time, mut datum, unit, resolution)| {
            datum["MetricName"] = json!(name);
            datum["Dimensions"] = dimensions;
            datum["Timestamp"] = time;
            datum["Unit"] = unit;
            datum["StorageResolution"] = resolution;
            // A member that nobody knows.
            datum["Later"] = json!({"x": "y"});
            datum
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn all_ways_agree(
        namespace in text(),
        datums in proptest::collection::vec(datum(), 0..4),
        is_last in any::<bool>(),
    ) {
        let input = if is_last {
            json!({"MetricData": datums, "Namespace": namespace})
        } else {
            json!({"Namespace": namespace, "MetricData": datums})
        };
        let _ = outcome(&input);
    }
}

/// The quick way takes what usual clients send, wherever the namespace stands.
#[test]
fn usual_requests_take_the_quick_way() {
    let datums = json!([
        {"MetricName": "m", "Value": 1.0, "Unit": "Count", "Timestamp": START.as_secs(),
         "Dimensions": [{"Name": "Host", "Value": "a \"quoted\" name"}]},
        {"MetricName": "m", "Values": [1.0, 2.0], "Counts": [1.0, 2.0], "StorageResolution": 1},
        {"MetricName": "n", "StatisticValues": {"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}},
    ]);
    for input in [
        json!({"Namespace": "Shop", "MetricData": datums}),
        json!({"MetricData": datums, "Namespace": "Shop"}),
    ] {
        assert!(outcome(&input).is_ok());
        for protocol in PROTOCOLS {
            let request = Request::new(protocol, "PutMetricData", &input);
            let quick = request.with_input(|_, input| {
                Ok(
                    metric_datum_decode::decode(&input, TimeWindow::at(START), false)
                        .map(|b| b.len()),
                )
            });
            assert_eq!(quick.expect("routed"), Some(3), "{protocol:?}");
        }
    }
}

#[test]
fn doubled_members_are_refused() {
    let body = br#"{"Namespace":"a","Namespace":"b","MetricData":[{"MetricName":"m","Value":1,"Value":2}]}"#;
    let input = belfry_wire::Input::Json(body);
    assert!(accept(&input, TimeWindow::at(START), SETTINGS).is_err());
}
