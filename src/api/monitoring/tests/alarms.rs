use belfry_model::time::MINUTE_MS;
use belfry_wire::Protocol;
use serde_json::{Value, json};

use super::{PROTOCOLS, Server};

fn alarm(changes: Value) -> Value {
    let mut alarm = json!({
        "AlarmName": "cpu", "Namespace": "AWS/EC2", "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}], "Statistic": "Average", "Period": 60,
        "EvaluationPeriods": 2, "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold",
    });
    let members = alarm.as_object_mut().expect("object");
    for (name, value) in changes.as_object().expect("object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    alarm
}

#[tokio::test]
async fn a_fresh_alarm_shows_what_was_given_and_no_more() {
    let server = Server::start().await;
    server.ask("PutMetricAlarm", alarm(json!({}))).await;
    assert_eq!(
        server.ask("DescribeAlarms", json!({})).await,
        json!({"CompositeAlarms": [], "LogAlarms": [], "MetricAlarms": [{
            "AlarmName": "cpu", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:cpu",
            "AlarmConfigurationUpdatedTimestamp": 1_772_323_200, "ActionsEnabled": true, "OKActions": [],
            "AlarmActions": [], "InsufficientDataActions": [], "StateValue": "INSUFFICIENT_DATA",
            "StateReason": "Unchecked: Initial alarm creation", "StateUpdatedTimestamp": 1_772_323_200,
            "MetricName": "CPUUtilization", "Namespace": "AWS/EC2", "Statistic": "Average",
            "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}], "Period": 60, "EvaluationPeriods": 2,
            "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold",
            "StateTransitionedTimestamp": 1_772_323_200,
        }]})
    );
    let all = json!({
        "AlarmDescription": "d", "Statistic": null, "ExtendedStatistic": "p99.9", "Unit": "Percent",
        "DatapointsToAlarm": 1, "TreatMissingData": "notBreaching", "EvaluateLowSampleCountPercentile": "ignore",
    });
    server.ask("PutMetricAlarm", alarm(all.clone())).await;
    let shown = server.ask("DescribeAlarms", json!({})).await;
    for (name, value) in all.as_object().expect("object") {
        assert_eq!(&shown["MetricAlarms"][0][name], value, "{name}");
    }
}

#[tokio::test]
async fn answers_are_the_same_in_every_protocol() {
    let server = Server::start().await;
    server.ask("PutMetricAlarm", alarm(json!({}))).await;
    let json = server.ask("DescribeAlarms", json!({})).await;
    let cbor = server
        .send(Protocol::Cbor, "DescribeAlarms", &json!({}))
        .await
        .expect("CBOR");
    let value: ciborium::Value = ciborium::from_reader(&*cbor.body).expect("CBOR");
    let text = format!("{value:?}");
    // Doubles are floats, timestamps are tagged.
    assert!(
        text.contains("(Text(\"Threshold\"), Float(80.0))"),
        "{text}"
    );
    assert!(text.contains("Tag(1, Float(1772323200.0))"), "{text}");
    let xml = server
        .send(Protocol::Query, "DescribeAlarms", &json!({}))
        .await
        .expect("XML");
    let xml = String::from_utf8(xml.body.to_vec()).expect("UTF-8");
    for part in [
        "<CompositeAlarms/>",
        "<LogAlarms/>",
        "<OKActions/>",
        "<Threshold>80.0</Threshold>",
        "<StateUpdatedTimestamp>2026-03-01T00:00:00Z</StateUpdatedTimestamp>",
        "<Dimensions><member><Name>InstanceId</Name><Value>i-1</Value></member></Dimensions>",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    assert_eq!(json["MetricAlarms"][0]["Threshold"], json!(80.0));
}

#[tokio::test]
async fn lists_by_filter_and_in_pages() {
    let server = Server::start().await;
    for name in ["b", "a", "c", "ab"] {
        server.ask("PutMetricAlarm", alarm(json!({"AlarmName": name, "AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:t"]}))).await;
    }
    server
        .ask(
            "SetAlarmState",
            json!({"AlarmName": "b", "StateValue": "ALARM", "StateReason": ""}),
        )
        .await;
    let names = async |input: Value| {
        let answer = server.ask("DescribeAlarms", input).await;
        let alarms = answer["MetricAlarms"].as_array().expect("a list").clone();
        let names = alarms
            .iter()
            .map(|a| a["AlarmName"].as_str().expect("a name").to_owned());
        (names.collect::<Vec<_>>(), answer["NextToken"].clone())
    };
    assert_eq!(names(json!({})).await.0, ["a", "ab", "b", "c"]);
    assert_eq!(names(json!({"AlarmNamePrefix": "a"})).await.0, ["a", "ab"]);
    assert_eq!(
        names(json!({"AlarmNames": ["c", "nobody", "a"]})).await.0,
        ["a", "c"]
    );
    assert_eq!(names(json!({"StateValue": "ALARM"})).await.0, ["b"]);
    assert_eq!(
        names(json!({"ActionPrefix": "arn:aws:sns"})).await.0.len(),
        4
    );
    assert_eq!(
        names(json!({"ActionPrefix": "arn:aws:ssm"})).await.0.len(),
        0
    );
    assert_eq!(
        names(json!({"AlarmTypes": ["CompositeAlarm"]}))
            .await
            .0
            .len(),
        0
    );
    assert_eq!(names(json!({"ParentsOfAlarmName": "a"})).await.0.len(), 0);

    let (first, token) = names(json!({"MaxRecords": 3})).await;
    assert_eq!(first, ["a", "ab", "b"]);
    let (second, end) = names(json!({"MaxRecords": 3, "NextToken": token})).await;
    assert_eq!(
        (second.as_slice(), end),
        (["c".to_owned()].as_slice(), Value::Null)
    );
    let foreign = json!({"MaxRecords": 3, "NextToken": token, "AlarmNamePrefix": "a"});
    let (code, text) = server.refusal("DescribeAlarms", foreign).await;
    assert_eq!(code, "InvalidNextToken");
    assert_eq!(
        text,
        format!("Invalid NextToken : {}", token.as_str().expect("a token"))
    );
}

#[tokio::test]
async fn finds_the_alarms_of_a_metric() {
    let server = Server::start().await;
    server.ask("PutMetricAlarm", alarm(json!({}))).await;
    server
        .ask(
            "PutMetricAlarm",
            alarm(json!({"AlarmName": "other", "Dimensions": null})),
        )
        .await;
    let found = async |changes: Value| {
        let mut input = json!({"Namespace": "AWS/EC2", "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}]});
        let members = input.as_object_mut().expect("object");
        members.extend(changes.as_object().expect("object").clone());
        let answer = server.ask("DescribeAlarmsForMetric", input).await;
        let alarms = answer["MetricAlarms"].as_array().expect("a list").clone();
        alarms
            .iter()
            .map(|a| a["AlarmName"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(json!({})).await, ["cpu"]);
    assert_eq!(found(json!({"Dimensions": []})).await, ["other"]);
    assert_eq!(
        found(json!({"Statistic": "Average", "Period": 60})).await,
        ["cpu"]
    );
    assert!(found(json!({"Statistic": "Sum"})).await.is_empty());
    assert!(found(json!({"Period": 300})).await.is_empty());
    assert!(found(json!({"Unit": "Percent"})).await.is_empty());
}

#[tokio::test]
async fn history_is_told_in_either_order() {
    let server = Server::start().await;
    server.ask("PutMetricAlarm", alarm(json!({}))).await;
    server.clock.advance_ms(MINUTE_MS);
    server
        .ask(
            "SetAlarmState",
            json!({"AlarmName": "cpu", "StateValue": "OK", "StateReason": "by hand"}),
        )
        .await;
    server.clock.advance_ms(MINUTE_MS);
    server
        .ask("DeleteAlarms", json!({"AlarmNames": ["cpu", "nobody"]}))
        .await;
    let summaries = async |input: Value| {
        let answer = server.ask("DescribeAlarmHistory", input).await;
        let items = answer["AlarmHistoryItems"]
            .as_array()
            .expect("a list")
            .clone();
        let texts = items
            .iter()
            .map(|i| i["HistorySummary"].as_str().expect("text").to_owned());
        (texts.collect::<Vec<_>>(), answer["NextToken"].clone())
    };
    let all = [
        "Alarm \"cpu\" deleted",
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm \"cpu\" created",
    ];
    assert_eq!(summaries(json!({"AlarmName": "cpu"})).await.0, all);
    let mut reversed = all;
    reversed.reverse();
    assert_eq!(
        summaries(json!({"ScanBy": "TimestampAscending"})).await.0,
        reversed
    );
    assert_eq!(
        summaries(json!({"HistoryItemType": "StateUpdate"})).await.0,
        [all[1]]
    );
    assert_eq!(
        summaries(json!({"StartDate": 1_772_323_260, "EndDate": 1_772_323_260}))
            .await
            .0,
        [all[1]]
    );
    assert!(
        summaries(json!({"AlarmTypes": ["CompositeAlarm"]}))
            .await
            .0
            .is_empty()
    );
    assert!(
        summaries(json!({"AlarmContributorId": "x"}))
            .await
            .0
            .is_empty()
    );
    let (first, token) = summaries(json!({"MaxRecords": 2})).await;
    assert_eq!(first, all[..2]);
    let (rest, end) = summaries(json!({"MaxRecords": 2, "NextToken": token})).await;
    assert_eq!(
        (rest.as_slice(), end),
        ([all[2].to_owned()].as_slice(), Value::Null)
    );
    let (code, _) = server
        .refusal("DescribeAlarmHistory", json!({"NextToken": "made up"}))
        .await;
    assert_eq!(code, "InvalidNextToken");
}

#[tokio::test]
async fn states_and_actions_are_set_by_hand() {
    let server = Server::start().await;
    server.ask("PutMetricAlarm", alarm(json!({}))).await;
    let set = |reason: &str, data: Value| json!({"AlarmName": "cpu", "StateValue": "ALARM", "StateReason": reason, "StateReasonData": data});
    server
        .ask("SetAlarmState", set("by hand", json!("{\"why\": 1}")))
        .await;
    let shown = server.ask("DescribeAlarms", json!({})).await["MetricAlarms"][0].clone();
    assert_eq!(
        (&shown["StateValue"], &shown["StateReasonData"]),
        (&json!("ALARM"), &json!("{\"why\": 1}"))
    );
    server
        .ask(
            "DisableAlarmActions",
            json!({"AlarmNames": ["cpu", "nobody"]}),
        )
        .await;
    assert_eq!(
        server.ask("DescribeAlarms", json!({})).await["MetricAlarms"][0]["ActionsEnabled"],
        json!(false)
    );
    server
        .ask("EnableAlarmActions", json!({"AlarmNames": ["cpu"]}))
        .await;
    assert_eq!(
        server.ask("DescribeAlarms", json!({})).await["MetricAlarms"][0]["ActionsEnabled"],
        json!(true)
    );

    // Neither of these refusals has a message.
    for protocol in PROTOCOLS {
        let unknown = json!({"AlarmName": "nobody", "StateValue": "OK", "StateReason": "x"});
        let error = server
            .send(protocol, "SetAlarmState", &unknown)
            .await
            .expect_err("unknown");
        assert_eq!((&*error.code, error.message), ("ResourceNotFound", None));
        let error = server
            .send(protocol, "SetAlarmState", &set("x", json!("{")))
            .await
            .expect_err("no JSON");
        assert_eq!((&*error.code, error.message), ("InvalidFormat", None));
    }
    let wrong = json!({"AlarmName": "cpu", "StateValue": "INVALID", "StateReason": "x"});
    assert_eq!(
        server.refusal("SetAlarmState", wrong).await.1,
        "1 validation error detected: Value 'INVALID' at 'stateValue' failed to satisfy constraint: \
         Member must satisfy enum value set: [OK, ALARM, INSUFFICIENT_DATA]"
    );
}

#[tokio::test]
async fn incomplete_and_contradictory_alarms_are_refused() {
    let server = Server::start().await;
    for (changes, expected) in [
        (json!({"MetricName": null}), "MetricName must not be null"),
        (json!({"Period": null}), "Period must not be null"),
        (json!({"Namespace": null}), "Namespace must not be null"),
        (json!({"Threshold": null}), "Threshold must not be null"),
        (
            json!({"EvaluationPeriods": null}),
            "EvaluationPeriods must not be null",
        ),
        (
            json!({"ComparisonOperator": null}),
            "ComparisonOperator must not be null",
        ),
        (json!({"Statistic": null}), "Statistic must not be null"),
        (
            json!({"ExtendedStatistic": "p99"}),
            "Statistic and ExtendedStatistic are mutually exclusive.",
        ),
        (
            json!({"Statistic": null, "ExtendedStatistic": "p101"}),
            "The value for ExtendedStatistic is not supported.",
        ),
        (
            json!({"Statistic": null, "ExtendedStatistic": "Average"}),
            "The value for ExtendedStatistic is not supported.",
        ),
        (
            json!({"Period": 45}),
            "Period must be 10, 20, 30 or a multiple of 60",
        ),
        (
            json!({"DatapointsToAlarm": 3}),
            "DatapointsToAlarm must be less than or equal to EvaluationPeriods",
        ),
        (
            json!({"EvaluationInterval": 60}),
            "EvaluationInterval should only be set with EvaluationCriteria.",
        ),
        (
            json!({"ThresholdMetricId": "a"}),
            "ThresholdMetricId should only be set if list of Metrics is set.",
        ),
        (
            json!({"Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}),
            "No metric may specify the same dimension name twice.",
        ),
        (
            json!({"Metrics": [{"Id": "a", "Expression": "1"}]}),
            "MetricName should not be set if list of Metrics is set.",
        ),
        (
            json!({"Tags": vec![json!({"Key": "k", "Value": "v"}); 51]}),
            "The resultant tag set must not have more than 50 user tags.",
        ),
    ] {
        let (code, text) = server.refusal("PutMetricAlarm", alarm(changes)).await;
        assert_eq!((&*code, &*text), ("ValidationError", expected));
    }
    let (code, text) = server
        .refusal(
            "PutMetricAlarm",
            alarm(json!({"Tags": [{"Key": "AwS:x", "Value": ""}]})),
        )
        .await;
    assert_eq!(code, "AccessDenied");
    assert_eq!(
        text,
        "The provided tag keys must not start with any case of \"aws:\""
    );
    assert_eq!(
        server.ask("DescribeAlarms", json!({})).await["MetricAlarms"],
        json!([])
    );
}

#[tokio::test]
async fn kinds_that_are_not_watched_are_checked_and_refused() {
    let server = Server::start().await;
    let metric = |id: &str, returns: bool| {
        json!({"Id": id, "ReturnData": returns, "MetricStat": {
        "Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}})
    };
    let expression = |id: &str, text: &str, returns: bool| json!({"Id": id, "Expression": text, "ReturnData": returns});
    let on_metrics = |metrics: Value| {
        json!({"AlarmName": "a", "EvaluationPeriods": 1, "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold", "Metrics": metrics})
    };
    let insights = |period: i32| json!({"Id": "q", "Expression": "SELECT AVG(m) FROM SCHEMA(\"N\")", "Period": period});
    let mut band = on_metrics(json!([
        metric("m", true),
        expression("b", "ANOMALY_DETECTION_BAND(m, 2)", true)
    ]));
    band["ThresholdMetricId"] = json!("b");
    let mut band_with_threshold = band.clone();
    band_with_threshold["ComparisonOperator"] = json!("LessThanLowerThreshold");
    let mut right_band = band_with_threshold.clone();
    right_band
        .as_object_mut()
        .expect("object")
        .remove("Threshold");
    let promql = json!({"AlarmName": "a", "EvaluationInterval": 60, "EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}});
    let mut promql_with_threshold = promql.clone();
    promql_with_threshold["Threshold"] = json!(1.0);
    for (input, expected) in [
        (
            on_metrics(json!([metric("m", false), expression("e", "m * 2", true)])),
            "Alarms on metric math are not supported by this server yet.",
        ),
        (
            on_metrics(json!([metric("m", true), expression("e", "m * 2", true)])),
            "Exactly one element of the metrics list should return data.",
        ),
        (
            on_metrics(json!([metric("m", false), expression("m", "1", true)])),
            "The id m is used more than once.",
        ),
        (
            on_metrics(json!([metric("M", true)])),
            "The id M must begin with a lower case letter and consist of letters, digits and underscores.",
        ),
        (
            on_metrics(json!([metric("m", false), expression("e", "n * 2", true)])),
            "Expression 'n * 2' refers to the unknown id n.",
        ),
        (
            on_metrics(json!([insights(60)])),
            "Alarms on Metrics Insights queries are not supported by this server yet.",
        ),
        (
            on_metrics(json!([insights(14_400)])),
            "Metrics Insights queries cannot be checked across more than three hours",
        ),
        (
            band,
            "Threshold should not be set if ThresholdMetricId is set.",
        ),
        (
            band_with_threshold,
            "Threshold should not be set if ThresholdMetricId is set.",
        ),
        (
            right_band,
            "Alarms on anomaly detection bands are not supported by this server yet.",
        ),
        (
            promql,
            "Alarms on PromQL queries are not supported by this server yet.",
        ),
        (
            promql_with_threshold,
            "Threshold should not be set if EvaluationCriteria is set.",
        ),
        (
            alarm(json!({"EvaluationWindow": {"WallClockWindow": {}}})),
            "Alarms with a WallClockWindow are not supported by this server yet.",
        ),
        (
            alarm(json!({"Period": 120, "EvaluationWindow": {"WallClockWindow": {}}})),
            "Period must be one of 60, 300, 3600, 86400, 604800 with a WallClockWindow.",
        ),
        (
            alarm(json!({"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5}})),
            "WarmUpConfiguration is not supported by this server yet.",
        ),
    ] {
        let (code, text) = server.refusal("PutMetricAlarm", input).await;
        assert_eq!((&*code, &*text), ("ValidationError", expected));
    }
    assert_eq!(
        server.ask("DescribeAlarms", json!({})).await["MetricAlarms"],
        json!([])
    );
}

/// Spec alarms.md 2; told before anything else is looked at.
#[tokio::test]
async fn alarms_of_more_than_120_kb_are_refused() {
    let server = Server::start().await;
    let described = |length| alarm(json!({"AlarmDescription": "x".repeat(length)}));
    let (code, text) = server
        .refusal("PutMetricAlarm", described(120 * 1_024))
        .await;
    assert_eq!(
        (&*code, &*text),
        (
            "ValidationError",
            "The payload of PutMetricAlarm must not exceed 122880 bytes."
        )
    );
    let (_, text) = server
        .refusal("PutMetricAlarm", described(120 * 1_000))
        .await;
    assert!(text.contains("at 'alarmDescription'"), "{text:.100}");
}
