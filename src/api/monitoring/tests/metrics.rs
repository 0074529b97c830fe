use belfry_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use serde_json::{Value, json};

use super::{PROTOCOLS, Server};
use crate::tests::START;

fn seconds(ms: i64) -> i64 {
    (START.0 + ms) / 1_000
}

#[tokio::test]
async fn refusals_of_datums_have_the_observed_texts() {
    let server = Server::start().await;
    let set = |count: f64, min: f64, max: f64| json!({"SampleCount": count, "Sum": 1.0, "Minimum": min, "Maximum": max});
    for (datum, code, text) in [
        (
            json!({"Value": 1.0, "Values": [1.0]}),
            "InvalidParameterCombination",
            "The parameters MetricData.member.2.Value and MetricData.member.2.Values are mutually exclusive and you have specified both.",
        ),
        (
            json!({"Value": 1.0, "StatisticValues": set(1.0, 1.0, 1.0)}),
            "InvalidParameterCombination",
            "The parameters MetricData.member.2.Value and MetricData.member.2.StatisticValues are mutually exclusive and you have specified both.",
        ),
        (
            json!({"Values": [1.0, 2.0], "Counts": [1.0]}),
            "InvalidParameterValue",
            "The parameters MetricData.member.2.Values and MetricData.member.2.Counts must be of the same size.",
        ),
        (
            json!({}),
            "InvalidParameterCombination",
            "At least one of the parameters must be specified.",
        ),
        (
            json!({"Value": 1.0, "Counts": [1.0]}),
            "InvalidParameterCombination",
            "The parameter values must appears when the counts parameter is specified.",
        ),
        (
            json!({"Values": [1.0], "Counts": [-1.0]}),
            "InvalidParameterValue",
            "The parameter MetricData.member.2.Counts must contain only values greater than 0.",
        ),
        (
            json!({"StatisticValues": set(0.0, 1.0, 1.0)}),
            "InvalidParameterValue",
            "The parameter MetricData.member.2.StatisticValues.SampleCount must be greater than 0.",
        ),
        (
            json!({"StatisticValues": set(1.0, 2.0, 1.0)}),
            "InvalidParameterValue",
            "The parameter MetricData.member.2.StatisticValues.Maximum must be greater than MetricData.member.2.StatisticValues.Minimum.",
        ),
        (
            json!({"Value": 1.0, "StorageResolution": 7}),
            "InvalidParameterValue",
            "The parameter MetricData.member.2.StorageResolution must be a value in the set [ 1, 60 ].",
        ),
        (
            json!({"Value": 1e109}),
            "InvalidParameterValue",
            "The value 1.0E109 for parameter MetricData.member.2.Value is invalid.",
        ),
        (
            json!({"Values": [1.0, -1e109]}),
            "InvalidParameterValue",
            "The value -1.0E109 for parameter MetricData.member.2.Values.member.2 is invalid.",
        ),
        (
            json!({"Value": 1.0, "Timestamp": seconds(-15 * DAY_MS)}),
            "InvalidParameterValue",
            "The parameter MetricData.member.2.Timestamp must specify a time within the past two weeks.",
        ),
        (
            json!({"Value": 1.0, "Timestamp": seconds(3 * HOUR_MS)}),
            "InvalidParameterValue",
            "The parameter MetricData.member.2.Timestamp must specify a time no more than two hours in the future.",
        ),
        (
            json!({"Value": 1.0, "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}),
            "InvalidParameterValue",
            "No metric may specify the same dimension name twice.",
        ),
        (
            json!({"Value": 1.0, "Dimensions": [{"Name": "a", "Value": " "}]}),
            "InvalidParameterValue",
            "The value   for parameter MetricData.member.2.Dimensions.member.1.Value is invalid.",
        ),
        (
            json!({"Value": 1.0, "Dimensions": [{"Name": ":a", "Value": "1"}]}),
            "InvalidParameterValue",
            "The value :a for parameter MetricData.member.2.Dimensions.member.1.Name is invalid.",
        ),
        (
            json!({"Values": (0..151).map(f64::from).collect::<Vec<_>>()}),
            "InvalidParameterValue",
            "The collection MetricData.member.2.Values must not have a size greater than 150.",
        ),
        (
            json!({"Value": 1.0, "Unit": "Parsecs"}),
            "ValidationError",
            "1 validation error detected: Value 'Parsecs' at 'metricData.2.member.unit'",
        ),
        (
            json!({"StatisticValues": {"Sum": 1.0, "Minimum": 1.0, "Maximum": 1.0}}),
            "ValidationError",
            "1 validation error detected: Value null at 'metricData.2.member.statisticValues.sampleCount' failed to satisfy constraint: Member must not be null",
        ),
    ] {
        let mut bad = datum.clone();
        bad["MetricName"] = json!("bad");
        let input =
            json!({"Namespace": "Shop", "MetricData": [{"MetricName": "good", "Value": 1.0}, bad]});
        let (found_code, found) = server.refusal("PutMetricData", input).await;
        assert_eq!(found_code, code, "{datum}: {found}");
        assert!(found.starts_with(text), "{datum}: {found}");
    }
    // All or nothing.
    assert_eq!(
        server.ask("ListMetrics", json!({})).await["Metrics"],
        json!([])
    );
}

#[tokio::test]
async fn refusals_of_whole_calls() {
    let server = Server::start().await;
    let good = json!({"MetricName": "m", "Value": 1.0});
    let entity =
        json!({"Entity": {"KeyAttributes": {"Type": "Pigeon", "Name": "a"}}, "MetricData": [good]});
    for (input, code, text) in [
        (
            json!({"Namespace": "Shop"}),
            "MissingParameter",
            "At least one MetricDatum object must be present in the request.",
        ),
        (
            json!({"Namespace": "Shop", "MetricData": []}),
            "MissingParameter",
            "At least one MetricDatum object must be present in the request.",
        ),
        (
            json!({"Namespace": "Shop", "MetricData": vec![good.clone(); 1_001]}),
            "InvalidParameterValue",
            "The collection MetricData must not have a size greater than 1000.",
        ),
        (
            json!({"MetricData": [good]}),
            "ValidationError",
            "1 validation error detected: Value null at 'namespace' failed to satisfy constraint: Member must not be null",
        ),
        (
            json!({"Namespace": "  ", "MetricData": [good]}),
            "InvalidParameterValue",
            "The value    for parameter Namespace is invalid.",
        ),
        (
            json!({"Namespace": "Shop", "EntityMetricData": [entity]}),
            "InvalidParameterCombination",
            "Field StrictEntityValidation is required when setting EntityMetricData",
        ),
        (
            json!({"Namespace": "Shop", "EntityMetricData": [entity], "StrictEntityValidation": true}),
            "InvalidParameterValue",
            "InvalidTypeValue: Unknown entity type",
        ),
        (
            json!({"Namespace": "Shop", "StrictEntityValidation": false, "EntityMetricData": [{"MetricData": [{"MetricName": "m"}]}]}),
            "InvalidParameterCombination",
            "At least one of the parameters must be specified.",
        ),
    ] {
        let found = server.refusal("PutMetricData", input).await;
        assert_eq!(found, (code.to_owned(), text.to_owned()));
    }
    assert_eq!(
        server.ask("ListMetrics", json!({})).await["Metrics"],
        json!([])
    );

    let mut server = server;
    server.services.settings.allow_aws_namespaces = false;
    let reserved = json!({"Namespace": "AWS/EC2", "MetricData": [good]});
    assert_eq!(
        server.refusal("PutMetricData", reserved).await,
        (
            "InvalidParameterValue".to_owned(),
            "The value AWS/ for parameter Namespace is invalid.".to_owned()
        )
    );
}

#[tokio::test]
async fn a_tolerated_entity_is_told_in_a_header() {
    let server = Server::start().await;
    for protocol in PROTOCOLS {
        let input = json!({"Namespace": "Shop", "StrictEntityValidation": false, "EntityMetricData": [{
            "Entity": {"KeyAttributes": {"Type": "Pigeon", "Name": "a"}},
            "MetricData": [{"MetricName": format!("{protocol:?}"), "Value": 1.0}]}]});
        let response = server
            .send(protocol, "PutMetricData", &input)
            .await
            .expect("stored");
        assert_eq!(
            response.headers["x-amzn-failure-message"],
            "InvalidTypeValue"
        );
    }
    let listed = server.ask("ListMetrics", json!({})).await;
    assert_eq!(listed["Metrics"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn metrics_are_listed_by_filter_and_in_pages() {
    let server = Server::start().await;
    let datum = |name: &str, dimensions: Value| json!({"MetricName": name, "Value": 1.0, "Dimensions": dimensions});
    let input = json!({"Namespace": "Shop", "MetricData": [
        datum("b", json!([{"Name": "z", "Value": "1"}, {"Name": "a", "Value": "2"}])),
        datum("b", json!([{"Name": "z", "Value": "3"}])),
        datum("a", json!([])),
    ]});
    server.ask("PutMetricData", input).await;
    server
        .ask(
            "PutMetricData",
            json!({"Namespace": "Old", "MetricData": [
        {"MetricName": "m", "Value": 1.0, "Timestamp": seconds(-4 * HOUR_MS)}]}),
        )
        .await;
    let metric = |name: &str, dimensions: Value| json!({"Namespace": "Shop", "MetricName": name, "Dimensions": dimensions});
    let (both, one) = (
        metric(
            "b",
            json!([{"Name": "a", "Value": "2"}, {"Name": "z", "Value": "1"}]),
        ),
        metric("b", json!([{"Name": "z", "Value": "3"}])),
    );
    let listed = async |input: Value| server.ask("ListMetrics", input).await["Metrics"].clone();
    assert_eq!(
        listed(json!({"Namespace": "Shop"})).await,
        json!([metric("a", json!([])), both, one])
    );
    assert_eq!(
        listed(json!({"MetricName": "b", "Dimensions": [{"Name": "z"}]})).await,
        json!([both, one])
    );
    assert_eq!(
        listed(json!({"Dimensions": [{"Name": "z", "Value": "3"}]})).await,
        json!([one])
    );
    assert_eq!(
        listed(json!({"Namespace": "Old"}))
            .await
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(
        listed(json!({"Namespace": "Old", "RecentlyActive": "PT3H"})).await,
        json!([])
    );
    assert_eq!(
        listed(json!({"OwningAccount": "444455556666"})).await,
        json!([])
    );
    let linked = server
        .ask(
            "ListMetrics",
            json!({"IncludeLinkedAccounts": true, "Namespace": "Old"}),
        )
        .await;
    assert_eq!(linked["OwningAccounts"], json!(["111122223333"]));

    let many: Vec<_> = (0..600)
        .map(|i| json!({"MetricName": format!("m{i:03}"), "Value": 1.0}))
        .collect();
    server
        .ask(
            "PutMetricData",
            json!({"Namespace": "Many", "MetricData": many}),
        )
        .await;
    let first = server
        .ask("ListMetrics", json!({"Namespace": "Many"}))
        .await;
    assert_eq!(first["Metrics"].as_array().map(Vec::len), Some(500));
    let rest = server
        .ask(
            "ListMetrics",
            json!({"Namespace": "Many", "NextToken": first["NextToken"]}),
        )
        .await;
    assert_eq!(rest["Metrics"][0]["MetricName"], json!("m500"));
    assert_eq!(
        (rest["Metrics"].as_array().map(Vec::len), &rest["NextToken"]),
        (Some(100), &Value::Null)
    );
    let (code, _) = server
        .refusal("ListMetrics", json!({"NextToken": first["NextToken"]}))
        .await;
    assert_eq!(code, "InvalidNextToken");

    server.clock.advance_ms(14 * DAY_MS + MINUTE_MS);
    assert_eq!(listed(json!({"Namespace": "Shop"})).await, json!([]));
}

/// Ten minutes of one metric, a value per minute.
async fn with_latencies() -> Server {
    let server = Server::start().await;
    for (name, unit) in [("Latency", "Milliseconds"), ("Errors", "Count")] {
        let datums: Vec<_> = (1..=10)
            .map(|minute| {
                json!({"MetricName": name, "Value": f64::from(minute), "Unit": unit,
                "Timestamp": seconds(-i64::from(minute) * MINUTE_MS)})
            })
            .collect();
        server
            .ask(
                "PutMetricData",
                json!({"Namespace": "Shop", "MetricData": datums}),
            )
            .await;
    }
    server
}

fn range() -> Value {
    json!({"StartTime": seconds(-10 * MINUTE_MS), "EndTime": seconds(0)})
}

fn ranged(changes: Value) -> Value {
    let mut input = range();
    let members = input.as_object_mut().expect("object");
    members.extend(changes.as_object().expect("object").clone());
    input
}

#[tokio::test]
async fn statistics_of_a_metric() {
    let server = with_latencies().await;
    let input = |changes: Value| {
        let mut input =
            ranged(json!({"Namespace": "Shop", "MetricName": "Latency", "Period": 300}));
        let members = input.as_object_mut().expect("object");
        members.extend(changes.as_object().expect("object").clone());
        input
    };
    assert_eq!(
        server
            .ask(
                "GetMetricStatistics",
                input(json!({"Statistics": ["Sum", "Maximum"]}))
            )
            .await,
        json!({"Label": "Latency", "Datapoints": [
            {"Timestamp": seconds(-10 * MINUTE_MS), "Sum": 40.0, "Maximum": 10.0, "Unit": "Milliseconds"},
            {"Timestamp": seconds(-5 * MINUTE_MS), "Sum": 15.0, "Maximum": 5.0, "Unit": "Milliseconds"},
        ]})
    );
    let median = server
        .ask(
            "GetMetricStatistics",
            input(json!({"ExtendedStatistics": ["p50"], "Period": 600})),
        )
        .await;
    assert_eq!(
        median["Datapoints"],
        json!([{"Timestamp": seconds(-10 * MINUTE_MS), "Unit": "Milliseconds", "ExtendedStatistics": {"p50": 5.0}}])
    );
    let none = server
        .ask(
            "GetMetricStatistics",
            input(json!({"Statistics": ["Sum"], "Unit": "Bytes"})),
        )
        .await;
    assert_eq!(none["Datapoints"], json!([]));
    for (changes, code, text) in [
        (
            json!({}),
            "MissingParameter",
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
        ),
        (
            json!({"Statistics": ["Sum"], "ExtendedStatistics": ["p9"]}),
            "InvalidParameterCombination",
            "The parameters Statistics and ExtendedStatistics",
        ),
        (
            json!({"ExtendedStatistics": ["PR(-1:0)"]}),
            "InvalidParameterValue",
            "The value PR(-1:0) for parameter ExtendedStatistics.member.1.<list element> is not supported.",
        ),
        (
            json!({"Statistics": ["Sum"], "EndTime": seconds(-10 * MINUTE_MS)}),
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        ),
        (
            json!({"Statistics": ["Sum"], "Period": 45}),
            "InvalidParameterValue",
            "The parameter Period",
        ),
        (
            json!({"Statistics": ["Sum"], "Period": 86_460}),
            "InvalidParameterValue",
            "The parameter Period",
        ),
        (
            json!({"Statistics": ["Sum"], "StartTime": seconds(-2 * DAY_MS), "Period": 60}),
            "InvalidParameterCombination",
            "You have requested up to 2880 datapoints, which exceeds the limit of 1440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
        ),
    ] {
        let (found, told) = server.refusal("GetMetricStatistics", input(changes)).await;
        assert_eq!(found, code, "{told}");
        assert!(told.starts_with(text), "{told}");
    }
}

fn stat(name: &str, period: i32, stat: &str) -> Value {
    json!({"Metric": {"Namespace": "Shop", "MetricName": name}, "Period": period, "Stat": stat})
}

#[tokio::test]
async fn data_of_metrics_and_expressions() {
    let server = with_latencies().await;
    let queries = json!([
        {"Id": "a", "MetricStat": stat("Latency", 300, "Sum")},
        {"Id": "b", "MetricStat": stat("Errors", 300, "Sum"), "ReturnData": false},
        {"Id": "e", "Expression": "(a + b) / 2", "Label": "half"},
        {"Id": "x", "MetricStat": stat("Latency", 300, "Sum"), "AccountId": "444455556666"},
        {"Id": "none", "MetricStat": stat("Absent", 300, "Sum"), "Label": "nothing"},
    ]);
    let stamps = json!([seconds(-5 * MINUTE_MS), seconds(-10 * MINUTE_MS)]);
    assert_eq!(
        server
            .ask(
                "GetMetricData",
                ranged(json!({"MetricDataQueries": queries}))
            )
            .await,
        json!({"Messages": [], "MetricDataResults": [
            {"Id": "a", "Label": "Latency", "Timestamps": stamps, "Values": [15.0, 40.0], "StatusCode": "Complete"},
            {"Id": "e", "Label": "half", "Timestamps": stamps, "Values": [15.0, 40.0], "StatusCode": "Complete"},
            {"Id": "x", "Label": "x", "Timestamps": [], "Values": [], "StatusCode": "Forbidden",
             "Messages": [{"Code": "Forbidden", "Value": "The account is not linked to this account."}]},
            {"Id": "none", "Label": "nothing", "Timestamps": [], "Values": [], "StatusCode": "Complete"},
        ]})
    );
}

#[tokio::test]
async fn data_comes_in_pages_of_datapoints() {
    let server = with_latencies().await;
    let queries = json!([
        {"Id": "a", "MetricStat": stat("Latency", 60, "Sum")},
        {"Id": "b", "MetricStat": stat("Errors", 60, "Sum")},
    ]);
    let input = |token: Value| {
        ranged(
            json!({"MetricDataQueries": queries, "MaxDatapoints": 8, "ScanBy": "TimestampAscending", "NextToken": token}),
        )
    };
    let (mut token, mut values, mut pages) = (Value::Null, Vec::new(), 0);
    loop {
        let answer = server.ask("GetMetricData", input(token.clone())).await;
        pages += 1;
        for result in answer["MetricDataResults"].as_array().expect("a list") {
            let id = result["Id"].as_str().expect("an id");
            let of_page = result["Values"].as_array().expect("a list");
            values.extend(of_page.iter().map(|value| format!("{id}{value}")));
        }
        assert_ne!(answer["NextToken"], token);
        token = answer["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!((values.len(), pages), (20, 3));
    assert_eq!((&*values[0], &*values[19]), ("a10.0", "b1.0"));
    let mut foreign = input(json!("made.up"));
    foreign["MaxDatapoints"] = json!(9);
    let (code, text) = server.refusal("GetMetricData", foreign).await;
    assert_eq!(
        (&*code, &*text),
        ("InvalidNextToken", "Invalid NextToken : made.up")
    );
}

#[tokio::test]
async fn refusals_of_queries() {
    let server = with_latencies().await;
    let one = |query: Value| json!({"MetricDataQueries": [query]});
    for (input, text) in [
        (
            one(json!({"Id": "a"})),
            "a must have exactly one of MetricStat and Expression.",
        ),
        (
            one(json!({"Id": "a", "Expression": "1", "MetricStat": stat("m", 60, "Sum")})),
            "a must have exactly one of MetricStat and Expression.",
        ),
        (
            one(json!({"Id": "A", "MetricStat": stat("m", 60, "Sum")})),
            "The value A for parameter MetricDataQueries.Id",
        ),
        (
            one(json!({"Id": "a", "MetricStat": stat("m", 45, "Sum")})),
            "The period 45 must be",
        ),
        (
            one(json!({"Id": "a", "MetricStat": stat("m", 60, "Som")})),
            "The value Som for parameter Stat is not supported.",
        ),
        (
            one(json!({"Id": "a", "Expression": "b + 1"})),
            "Error in expression 'a'",
        ),
        (
            json!({"MetricDataQueries": vec![json!({"Id": "a", "MetricStat": stat("m", 60, "Sum")}); 501]}),
            "The collection MetricDataQueries must not",
        ),
        (
            json!({"MetricDataQueries": [], "LabelOptions": {"Timezone": "Berlin"}}),
            "The value Berlin for parameter LabelOptions.Timezone is invalid.",
        ),
        (
            json!({"MetricDataQueries": [], "EndTime": 0}),
            "The parameter StartTime must be less than the parameter EndTime.",
        ),
        (
            json!({"MetricDataQueries": [], "MaxDatapoints": 100_801}),
            "1 validation error detected: Value '100801' at 'maxDatapoints'",
        ),
    ] {
        let (code, told) = server.refusal("GetMetricData", ranged(input)).await;
        assert_eq!(code, "ValidationError", "{told}");
        assert!(told.starts_with(text), "{told}");
    }
}
