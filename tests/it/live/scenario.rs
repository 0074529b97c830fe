//! What `same_answers` tells, in order: every operation of CloudWatch, its answers and its
//! refusals. The clock stands at 2026-03-01T12:00:00Z (1772366400).

/// One thing to do: operation and input.
pub enum Step {
    /// Something to write: once in each account, in the account's own protocol.
    Do(&'static str, &'static str),
    /// Something to read: in every protocol.
    Ask(&'static str, &'static str),
    /// The same over this number of pages.
    Page(&'static str, &'static str, usize),
}

use Step::{Ask, Do, Page};

pub const STORY: &[Step] = &[
    Do(
        "PutMetricData",
        r#"{"Namespace": "App/Web", "MetricData": [
            {"MetricName": "Latency", "Value": 12.5, "Unit": "Milliseconds", "Timestamp": 1772366340.25,
             "Dimensions": [{"Name": "Route", "Value": "/a b&c=d+%"}, {"Name": "Host", "Value": "<web-1>"}]},
            {"MetricName": "Latency", "Values": [1, 2.5, -3e-9], "Counts": [10, 3, 0.5], "Unit": "Milliseconds",
             "Timestamp": 1772366280},
            {"MetricName": "Latency", "Value": 7, "Timestamp": 1772366280},
            {"MetricName": "Fine", "Value": 1e100, "StorageResolution": 1, "Timestamp": 1772366399},
            {"MetricName": "Set", "Timestamp": 1772365800,
             "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4}}]}"#,
    ),
    Do(
        "PutMetricData",
        r#"{"Namespace": "App/Web", "StrictEntityValidation": false, "EntityMetricData": [
            {"Entity": {"KeyAttributes": {"Type": "Service", "Name": "api", "Environment": "prod"}},
             "MetricData": [{"MetricName": "Entity", "Value": 0}]}]}"#,
    ),
    Ask("ListMetrics", r#"{"Namespace": "App/Web"}"#),
    Ask(
        "ListMetrics",
        r#"{"Dimensions": [{"Name": "Host"}], "RecentlyActive": "PT3H"}"#,
    ),
    Ask("ListMetrics", r#"{"Namespace": "None", "Dimensions": []}"#),
    Ask(
        "GetMetricStatistics",
        r#"{"Namespace": "App/Web", "MetricName": "Latency", "StartTime": 1772366100, "EndTime": 1772366400,
            "Period": 60, "Statistics": ["SampleCount", "Sum", "Average", "Minimum", "Maximum"]}"#,
    ),
    Ask(
        "GetMetricStatistics",
        r#"{"Namespace": "App/Web", "MetricName": "Latency", "StartTime": 1772366100.5, "EndTime": 1772366400,
            "Period": 300, "ExtendedStatistics": ["p50", "p99.9", "TM(10%:90%)"], "Unit": "Milliseconds"}"#,
    ),
    Ask(
        "GetMetricStatistics",
        r#"{"Namespace": "App/Web", "MetricName": "Nothing", "StartTime": 1772366100, "EndTime": 1772366400,
            "Period": 60, "Statistics": ["Sum"]}"#,
    ),
    Ask(
        "GetMetricData",
        r#"{"StartTime": 1772365800, "EndTime": 1772366400, "ScanBy": "TimestampAscending",
            "LabelOptions": {"Timezone": "+0130"}, "MetricDataQueries": [
            {"Id": "m1", "MetricStat": {"Metric": {"Namespace": "App/Web", "MetricName": "Latency"},
             "Period": 60, "Stat": "Average"}, "Label": "lat ${LAST} & more"},
            {"Id": "e1", "Expression": "m1 * 2"},
            {"Id": "none", "MetricStat": {"Metric": {"Namespace": "App/Web", "MetricName": "Nothing"},
             "Period": 60, "Stat": "p90", "Unit": "Count"}},
            {"Id": "hidden", "ReturnData": false, "MetricStat": {"Metric":
             {"Namespace": "App/Web", "MetricName": "Set", "Dimensions": []}, "Period": 60, "Stat": "Sum"}},
            {"Id": "m2", "MetricStat": {"Metric": {"Namespace": "App/Web", "MetricName": "Latency", "Dimensions":
             [{"Name": "Host", "Value": "<web-1>"}, {"Name": "Route", "Value": "/a b&c=d+%"}]},
             "Period": 300, "Stat": "Maximum"}}]}"#,
    ),
    Page(
        "GetMetricData",
        r#"{"StartTime": 1772365800, "EndTime": 1772366400, "MaxDatapoints": 1, "MetricDataQueries": [
            {"Id": "m1", "MetricStat": {"Metric": {"Namespace": "App/Web", "MetricName": "Set"}, "Period": 60, "Stat": "Sum"}},
            {"Id": "m2", "MetricStat": {"Metric": {"Namespace": "App/Web", "MetricName": "Fine"}, "Period": 1, "Stat": "Sum"}}]}"#,
        2,
    ),
    Do(
        "PutMetricAlarm",
        r#"{"AlarmName": "slow <&> é", "AlarmDescription": "", "Namespace": "App/Web", "MetricName": "Latency",
            "Dimensions": [{"Name": "Host", "Value": "<web-1>"}, {"Name": "Route", "Value": "/a b&c=d+%"}],
            "ExtendedStatistic": "p99.9", "Unit": "Milliseconds", "Period": 60, "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2, "Threshold": -1.5e-3, "ComparisonOperator": "LessThanOrEqualToThreshold",
            "TreatMissingData": "breaching", "EvaluateLowSampleCountPercentile": "ignore", "ActionsEnabled": false,
            "OKActions": [], "AlarmActions": ["arn:aws:sns:eu-west-1:000000000000:ops"],
            "Tags": [{"Key": "team", "Value": "a b"}, {"Key": "empty", "Value": ""}]}"#,
    ),
    Do(
        "PutMetricAlarm",
        r#"{"AlarmName": "busy", "Namespace": "App/Web", "MetricName": "Set", "Statistic": "Sum", "Period": 300,
            "EvaluationPeriods": 1, "Threshold": 80, "ComparisonOperator": "GreaterThanThreshold"}"#,
    ),
    Ask("DescribeAlarms", "{}"),
    Ask(
        "DescribeAlarms",
        r#"{"AlarmNames": ["slow <&> é", "no such"], "AlarmTypes": ["MetricAlarm"]}"#,
    ),
    Page("DescribeAlarms", r#"{"MaxRecords": 1}"#, 2),
    Ask(
        "DescribeAlarmsForMetric",
        r#"{"Namespace": "App/Web", "MetricName": "Set", "Statistic": "Sum", "Period": 300}"#,
    ),
    Do(
        "SetAlarmState",
        r#"{"AlarmName": "busy", "StateValue": "ALARM", "StateReason": "by hand: <&>",
            "StateReasonData": "{\"a\": [1, 2.50, \"é\"]}"}"#,
    ),
    Do(
        "DisableAlarmActions",
        r#"{"AlarmNames": ["busy", "no such"]}"#,
    ),
    Ask("DescribeAlarms", r#"{"StateValue": "ALARM"}"#),
    Do(
        "EnableAlarmActions",
        r#"{"AlarmNames": ["busy", "slow <&> é"]}"#,
    ),
    Ask(
        "DescribeAlarms",
        r#"{"AlarmNamePrefix": "slow", "ActionPrefix": "arn:aws:sns"}"#,
    ),
    Ask(
        "DescribeAlarmHistory",
        r#"{"ScanBy": "TimestampAscending"}"#,
    ),
    Ask(
        "DescribeAlarmHistory",
        r#"{"AlarmName": "busy", "HistoryItemType": "StateUpdate", "StartDate": 1772366000, "EndDate": 1772366401}"#,
    ),
    Page(
        "DescribeAlarmHistory",
        r#"{"AlarmName": "busy", "MaxRecords": 1, "HistoryItemType": "ConfigurationUpdate"}"#,
        3,
    ),
    Do(
        "TagResource",
        r#"{"ResourceARN": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:busy",
            "Tags": [{"Key": "k", "Value": "v & w"}, {"Key": "l", "Value": "é"}]}"#,
    ),
    Ask(
        "ListTagsForResource",
        r#"{"ResourceARN": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:busy"}"#,
    ),
    Do(
        "UntagResource",
        r#"{"ResourceARN": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:busy", "TagKeys": ["k", "m"]}"#,
    ),
    Ask(
        "ListTagsForResource",
        r#"{"ResourceARN": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:busy"}"#,
    ),
    Do(
        "PutDashboard",
        r#"{"DashboardName": "main", "DashboardBody": "{\"widgets\": []}\n"}"#,
    ),
    Do(
        "PutDashboard",
        r#"{"DashboardName": "other", "DashboardBody": "{\"widgets\": [{\"type\": \"text\", \"colour\": 1,\n\"properties\": {\"markdown\": \"<b>\\\"é\\\"</b>\"}}]}"}"#,
    ),
    Ask("GetDashboard", r#"{"DashboardName": "main"}"#),
    Ask("GetDashboard", r#"{"DashboardName": "other"}"#),
    Ask("ListDashboards", "{}"),
    Ask("ListDashboards", r#"{"DashboardNamePrefix": "m"}"#),
    Do("DeleteDashboards", r#"{"DashboardNames": ["main"]}"#),
    Ask("ListDashboards", "{}"),
    Do("DeleteAlarms", r#"{"AlarmNames": ["busy", "no such"]}"#),
    Ask("DescribeAlarms", "{}"),
];

/// Operation, a bad input, and the code of the refusal.
pub const BAD: &[(&str, &str, &str)] = &[
    ("DeleteAlarms", "{}", "ValidationError"),
    (
        "DeleteDashboards",
        r#"{"DashboardNames": ["no-such"]}"#,
        "ResourceNotFound",
    ),
    (
        "DescribeAlarmHistory",
        r#"{"NextToken": "<made up>"}"#,
        "InvalidNextToken",
    ),
    (
        "DescribeAlarmHistory",
        r#"{"MaxRecords": 0, "ScanBy": "Sideways"}"#,
        "ValidationError",
    ),
    (
        "DescribeAlarms",
        r#"{"NextToken": "made up"}"#,
        "InvalidNextToken",
    ),
    (
        "DescribeAlarms",
        r#"{"MaxRecords": 101, "StateValue": "é<&"}"#,
        "ValidationError",
    ),
    (
        "DescribeAlarmsForMetric",
        r#"{"Namespace": "N"}"#,
        "ValidationError",
    ),
    ("DisableAlarmActions", "{}", "ValidationError"),
    ("EnableAlarmActions", "{}", "ValidationError"),
    (
        "GetDashboard",
        r#"{"DashboardName": "no-such"}"#,
        "ResourceNotFound",
    ),
    (
        "GetMetricData",
        r#"{"StartTime": 1772365800, "EndTime": 1772366400, "MetricDataQueries": [{"Id": "m1"}]}"#,
        "ValidationError",
    ),
    (
        "GetMetricData",
        r#"{"StartTime": 1772365800, "EndTime": 1772366400, "NextToken": "x", "MetricDataQueries": [{"Id": "m1",
            "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}}]}"#,
        "InvalidNextToken",
    ),
    (
        "GetMetricStatistics",
        r#"{"Namespace": "N", "MetricName": "m", "StartTime": 1772365800, "EndTime": 1772366400, "Period": 60}"#,
        "MissingParameter",
    ),
    (
        "GetMetricStatistics",
        r#"{"Namespace": "N", "MetricName": "m", "StartTime": 1772265800, "EndTime": 1772366400, "Period": 1,
            "Statistics": ["Sum"]}"#,
        "InvalidParameterCombination",
    ),
    (
        "ListDashboards",
        r#"{"NextToken": "made up"}"#,
        "InvalidNextToken",
    ),
    (
        "ListMetrics",
        r#"{"RecentlyActive": "PT4H"}"#,
        "ValidationError",
    ),
    (
        "ListTagsForResource",
        r#"{"ResourceARN": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:no such"}"#,
        "ResourceNotFoundException",
    ),
    (
        "PutDashboard",
        r#"{"DashboardName": "main", "DashboardBody": "{"}"#,
        "InvalidParameterInput",
    ),
    (
        "PutDashboard",
        r#"{"DashboardName": "main", "DashboardBody": "{\"widgets\": [{\"type\": \"<&>\"}, 7]}"}"#,
        "InvalidParameterInput",
    ),
    (
        "PutMetricAlarm",
        r#"{"AlarmName": "a", "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 1,
            "Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 61}"#,
        "ValidationError",
    ),
    (
        "PutMetricAlarm",
        r#"{"AlarmName": "", "EvaluationPeriods": 0, "ComparisonOperator": "Approximately"}"#,
        "ValidationError",
    ),
    (
        "PutMetricData",
        r#"{"Namespace": "N", "MetricData": [{"MetricName": "m", "Value": 1}, {"MetricName": "m", "Value": 1, "Values": [2]}]}"#,
        "InvalidParameterCombination",
    ),
    (
        "PutMetricData",
        r#"{"Namespace": "N", "MetricData": [{"MetricName": "m", "Value": 3e108}]}"#,
        "InvalidParameterValue",
    ),
    (
        "PutMetricData",
        r#"{"Namespace": "N", "MetricData": [{"MetricName": "m", "Value": "NaN"}]}"#,
        "InvalidParameterValue",
    ),
    ("PutMetricData", r#"{"Namespace": "N"}"#, "MissingParameter"),
    (
        "SetAlarmState",
        r#"{"AlarmName": "no such", "StateValue": "OK", "StateReason": "r"}"#,
        "ResourceNotFound",
    ),
    (
        "TagResource",
        r#"{"ResourceARN": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:no such", "Tags": [{"Key": "k", "Value": "v"}]}"#,
        "ResourceNotFoundException",
    ),
    (
        "UntagResource",
        r#"{"ResourceARN": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:no such", "TagKeys": ["k"]}"#,
        "ResourceNotFoundException",
    ),
];
