//! The same request through Query, JSON and CBOR gives the same value, for every operation.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{PROTOCOLS, Request};
use crate::monitoring as api;
use crate::operation::Operation;

/// Decodes `input` in each protocol and compares.
fn decoded<T: DeserializeOwned + PartialEq + Debug>(operation: &str, input: &Value) -> T {
    let mut all: Vec<T> = PROTOCOLS
        .iter()
        .map(|protocol| {
            Request::new(*protocol, operation, input)
                .with_input(|_, input| input.decode())
                .unwrap_or_else(|error| panic!("{operation} in {protocol:?}: {error}"))
        })
        .collect();
    let last = all.pop().expect("protocols");
    for other in all {
        assert_eq!(other, last, "{operation}");
    }
    last
}

/// What was decoded, written as JSON again, is what was sent.
fn whole<T: DeserializeOwned + PartialEq + Debug + serde::Serialize>(name: &str, input: &Value) {
    let value: T = decoded(name, input);
    let mut written = serde_json::to_value(&value).expect("JSON");
    drop_nulls(&mut written);
    assert_eq!(&written, input, "{name}");
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

macro_rules! same {
    ($($operation:ident: $input:tt;)*) => {
        let covered = [$(<api::$operation as Operation>::NAME),*];
        $(whole::<<api::$operation as Operation>::Input>(
            <api::$operation as Operation>::NAME,
            &json!($input),
        );)*
        covered
    };
}

#[test]
fn every_operation_reads_the_same_value() {
    let covered = {
        same! {
            DeleteAlarms: {"AlarmNames": ["a", "b c"]};
            DeleteDashboards: {"DashboardNames": ["main", "x-1"]};
            DescribeAlarmHistory: {"AlarmName": "a", "AlarmContributorId": "c", "AlarmTypes": ["MetricAlarm"],
                "HistoryItemType": "Action", "StartDate": 1_772_323_200, "EndDate": 1_772_323_260.5, "MaxRecords": 7,
                "NextToken": "t", "ScanBy": "TimestampAscending"};
            DescribeAlarms: {"AlarmNames": ["a"], "AlarmNamePrefix": "p", "AlarmTypes": ["LogAlarm", "MetricAlarm"],
                "ChildrenOfAlarmName": "c", "ParentsOfAlarmName": "d", "StateValue": "OK", "ActionPrefix": "arn:",
                "MaxRecords": 100, "NextToken": "t"};
            DescribeAlarmsForMetric: {"MetricName": "m", "Namespace": "N/é", "Statistic": "Sum", "ExtendedStatistic": "p99",
                "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2&=+ %"}], "Period": 60, "Unit": "Count"};
            DisableAlarmActions: {"AlarmNames": ["a"]};
            EnableAlarmActions: {"AlarmNames": ["a", "b"]};
            GetDashboard: {"DashboardName": "main"};
            GetMetricData: {
                "MetricDataQueries": [
                    {"Id": "e", "Expression": "m1 / 2", "Label": "half", "ReturnData": true, "Period": 60, "AccountId": "1"},
                    {"Id": "m1", "ReturnData": false, "MetricStat": {"Period": 60, "Stat": "TM(2%:98%)", "Unit": "None",
                        "Metric": {"Namespace": "N", "MetricName": "m", "Dimensions": [{"Name": "d", "Value": "v"}]}}},
                ],
                "StartTime": 1_772_323_200, "EndTime": 1_772_323_260, "NextToken": "t", "ScanBy": "TimestampAscending",
                "MaxDatapoints": 100, "LabelOptions": {"Timezone": "+0200"},
            };
            GetMetricStatistics: {"Namespace": "N", "MetricName": "m", "Dimensions": [{"Name": "a", "Value": "1"}],
                "StartTime": 1_772_323_200, "EndTime": 1_772_323_260.25, "Period": 60, "Statistics": ["Sum", "Average"],
                "ExtendedStatistics": ["p99", "tm90"], "Unit": "Count"};
            ListDashboards: {"DashboardNamePrefix": "m", "NextToken": "t"};
            ListMetrics: {"Namespace": "N", "MetricName": "m", "Dimensions": [{"Name": "a"}, {"Name": "b", "Value": "2"}],
                "NextToken": "t", "RecentlyActive": "PT3H", "IncludeLinkedAccounts": true, "OwningAccount": "111122223333"};
            ListTagsForResource: {"ResourceARN": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a"};
            PutDashboard: {"DashboardName": "main", "DashboardBody": "{\"widgets\": [ ]}\n",
                "Tags": [{"Key": "k", "Value": ""}]};
            PutMetricAlarm: {
                "AlarmName": "a", "AlarmDescription": "", "ActionsEnabled": false, "OKActions": ["arn:1"],
                "AlarmActions": ["arn:2", "arn:3"], "InsufficientDataActions": ["arn:4"], "MetricName": "m", "Namespace": "N",
                "Statistic": "Sum", "ExtendedStatistic": "p99.9", "Dimensions": [{"Name": "a", "Value": "1"}], "Period": 300,
                "Unit": "Bytes/Second", "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": -1.5e-3,
                "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "breaching",
                "EvaluateLowSampleCountPercentile": "ignore",
                "Metrics": [
                    {"Id": "e", "Expression": "m1 / 2", "Label": "half", "ReturnData": true, "Period": 60, "AccountId": "1"},
                    {"Id": "m1", "ReturnData": false, "MetricStat": {"Period": 60, "Stat": "Sum", "Unit": "None",
                        "Metric": {"Namespace": "N", "MetricName": "m", "Dimensions": [{"Name": "d", "Value": "v"}]}}},
                ],
                "Tags": [{"Key": "k", "Value": "v"}], "ThresholdMetricId": "e",
                "EvaluationWindow": {"WallClockWindow": {"Timezone": "Europe/Berlin"}, "SlidingWindow": {}},
                "WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": true},
                "EvaluationCriteria": {"PromQLCriteria": {"Query": "up", "PendingPeriod": 1, "RecoveryPeriod": 2}},
                "EvaluationInterval": 60,
                "ActionConfiguration": {"AlarmTagsPropagation": {"Enabled": true, "IncludedTagKeys": ["a"], "ExcludedTagKeys": ["b"]}},
            };
            SetAlarmState: {"AlarmName": "a", "StateValue": "ALARM", "StateReason": "", "StateReasonData": "{ }"};
            TagResource: {"ResourceARN": "arn:x", "Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}]};
            UntagResource: {"ResourceARN": "arn:x", "TagKeys": ["k", "l"]};
        }
    };
    whole::<api::put_metric_data::Tree>(
        "PutMetricData",
        &json!({"Namespace": "N", "StrictEntityValidation": false,
            "MetricData": [
                {"MetricName": "m", "Dimensions": [{"Name": "a", "Value": "1"}], "Timestamp": 1_772_323_200,
                 "Values": [1.0, 2.5], "Counts": [1.0, 3.0], "Unit": "Count", "StorageResolution": 1},
                {"MetricName": "n", "Value": -0.25},
                {"MetricName": "o", "StatisticValues": {"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}},
            ],
            "EntityMetricData": [{"Entity": {"KeyAttributes": {"Type": "Service", "Name": "api"}, "Attributes": {"a": "b"}},
                "MetricData": [{"MetricName": "p", "Value": 1e100}]}],
        }),
    );
    let mut offered: Vec<_> = api::OPERATIONS.iter().map(|op| op.name()).collect();
    offered.retain(|name| *name != "PutMetricData" && !covered.contains(name));
    assert_eq!(offered, [""; 0], "operations without a sample");
}
