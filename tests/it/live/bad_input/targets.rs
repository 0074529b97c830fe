//! The operations that bad input is tried on, with good input for each.

use serde_json::Value;

use super::super::http::Request;
use super::super::protocol::{Service, Wire, request};

pub struct Target {
    pub service: Service,
    pub operation: &'static str,
    /// `WIRE` stands for the protocol, so that each writes something of its own.
    input: &'static str,
    /// Whether a good request changes what is read afterwards.
    pub writes: bool,
    /// Whether bodies of many megabytes are tried on it, which takes its time.
    pub is_hard_pressed: bool,
    /// JSON pointers and what is put there: never what the member takes.
    pub mistyped: &'static [(&'static str, &'static str)],
    /// Fields of a form, and texts that they do not take.
    pub misspelt: &'static [(&'static str, &'static str)],
    /// What is read but refused: pointer, value and code, in every protocol.
    pub refused: &'static [(&'static str, &'static str, &'static str)],
}

impl Target {
    pub fn input(&self, wire: Wire) -> Value {
        let text = self.input.replace("WIRE", &format!("{wire:?}"));
        serde_json::from_str(&text).expect("an input")
    }

    pub fn request(&self, wire: Wire) -> Request {
        request(wire, self.service, self.operation, &self.input(wire))
    }
}

pub const TARGETS: &[Target] = &[
    Target {
        service: Service::Monitoring,
        operation: "PutMetricData",
        input: r#"{"Namespace": "Bad", "MetricData": [{"MetricName": "mWIRE", "Value": 1.5, "StorageResolution": 60,
            "Dimensions": [{"Name": "d", "Value": "v"}]}]}"#,
        writes: true,
        is_hard_pressed: true,
        mistyped: &[
            ("/Namespace", "5"),
            ("/Namespace", r#"["Bad"]"#),
            ("/Namespace", r#"{"a": "b"}"#),
            ("/MetricData", r#""m""#),
            ("/MetricData", r#"{"MetricName": "m"}"#),
            ("/MetricData/0", r#""m""#),
            ("/MetricData/0", r#"["m", 1]"#),
            ("/MetricData/0/MetricName", "true"),
            ("/MetricData/0/Value", r#""1,5""#),
            ("/MetricData/0/Value", "[1]"),
            ("/MetricData/0/Value", r#"{"Sum": 1}"#),
            ("/MetricData/0/StorageResolution", "1.5"),
            ("/MetricData/0/StorageResolution", "99999999999999"),
            ("/MetricData/0/StorageResolution", "true"),
            ("/MetricData/0/Timestamp", "true"),
            ("/MetricData/0/Timestamp", "1e300"),
            ("/MetricData/0/Timestamp", r#""yesterday""#),
            ("/MetricData/0/Dimensions", r#"{"d": "v"}"#),
            ("/MetricData/0/Dimensions/0/Value", "7"),
            ("/MetricData/0/StatisticValues", "[1, 2, 3, 4]"),
            ("/StrictEntityValidation", r#""perhaps""#),
        ],
        misspelt: &[
            ("MetricData", "m"),
            ("MetricData.member.1", "m"),
            ("MetricData.member.1.Value", "1,5"),
            ("MetricData.member.1.Value", ""),
            ("MetricData.member.1.Value.Sum", "1"),
            ("MetricData.member.1.StorageResolution", "1.5"),
            ("MetricData.member.1.StorageResolution", "99999999999999"),
            ("MetricData.member.1.Timestamp", "yesterday"),
            ("MetricData.member.1.Timestamp", "1e300"),
            ("MetricData.member.1.Dimensions", "d"),
            ("MetricData.member.x.Value", "1"),
            ("MetricData.member.-1.Value", "1"),
            ("MetricData.member.99999999999.Value", "1"),
            ("StrictEntityValidation", "perhaps"),
        ],
        refused: &[
            ("/MetricData/0/Value", r#""NaN""#, "InvalidParameterValue"),
            ("/MetricData/0/Value", "1e200", "InvalidParameterValue"),
            (
                "/MetricData/0/StorageResolution",
                "2",
                "InvalidParameterValue",
            ),
            ("/MetricData/0/Timestamp", "0", "InvalidParameterValue"),
            (
                "/MetricData/0/Dimensions/0/Name",
                r#""\u0000""#,
                "InvalidParameterValue",
            ),
            ("/Namespace", r#""""#, "ValidationError"),
        ],
    },
    Target {
        service: Service::Monitoring,
        operation: "PutMetricAlarm",
        input: r#"{"AlarmName": "WIRE", "Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold",
            "Tags": [{"Key": "k", "Value": "v"}]}"#,
        writes: true,
        is_hard_pressed: false,
        mistyped: &[
            ("/AlarmName", "5"),
            ("/Period", r#""minute""#),
            ("/Period", "60.5"),
            ("/Period", "9223372036854775808"),
            ("/EvaluationPeriods", "[1]"),
            ("/Threshold", r#"{"Value": 1}"#),
            ("/ActionsEnabled", "1"),
            ("/AlarmActions", r#""arn:aws:sns:us-east-1:123456789012:t""#),
            ("/AlarmActions", "[7]"),
            ("/Tags", r#"{"k": "v"}"#),
            ("/Dimensions", r#"["d"]"#),
            ("/EvaluationCriteria", r#""up""#),
        ],
        misspelt: &[
            ("Period", "minute"),
            ("Period", "9223372036854775808"),
            ("EvaluationPeriods.member.1", "1"),
            ("Threshold", "high"),
            ("ActionsEnabled", "1"),
            ("AlarmActions", "arn:aws:sns:us-east-1:123456789012:t"),
            ("Tags.member.1", "k"),
        ],
        refused: &[
            ("/Threshold", r#""NaN""#, "ValidationError"),
            ("/Period", "-60", "ValidationError"),
            ("/ComparisonOperator", r#""Above""#, "ValidationError"),
        ],
    },
    Target {
        service: Service::Monitoring,
        operation: "PutDashboard",
        input: r#"{"DashboardName": "WIRE", "DashboardBody": "{\"widgets\": []}"}"#,
        writes: true,
        is_hard_pressed: false,
        mistyped: &[
            ("/DashboardBody", r#"{"widgets": []}"#),
            ("/DashboardName", "5"),
        ],
        misspelt: &[("DashboardBody.widgets", ""), ("Tags", "k")],
        refused: &[
            ("/DashboardBody", r#""{""#, "InvalidParameterInput"),
            ("/DashboardBody", r#""DEEP""#, "InvalidParameterInput"),
        ],
    },
    Target {
        service: Service::Monitoring,
        operation: "GetMetricData",
        input: r#"{"StartTime": 1768474800, "EndTime": 1768478400, "MetricDataQueries": [{"Id": "m1", "MetricStat": {
            "Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}}]}"#,
        writes: false,
        is_hard_pressed: false,
        mistyped: &[
            ("/StartTime", "true"),
            ("/StartTime", r#""then""#),
            ("/EndTime", "{}"),
            ("/MetricDataQueries", "7"),
            ("/MetricDataQueries/0/MetricStat", r#""Sum""#),
            ("/MetricDataQueries/0/MetricStat/Metric", "[]"),
            ("/MetricDataQueries/0/MetricStat/Period", r#""60s""#),
            ("/MetricDataQueries/0/ReturnData", r#""maybe""#),
            ("/MaxDatapoints", "1e30"),
        ],
        misspelt: &[
            ("StartTime", "then"),
            ("MetricDataQueries", "7"),
            ("MetricDataQueries.member.1.MetricStat", "Sum"),
            ("MetricDataQueries.member.1.ReturnData", "maybe"),
            ("MaxDatapoints", "1e30"),
        ],
        refused: &[
            (
                "/MetricDataQueries/0/Expression",
                r#""DEEP""#,
                "ValidationError",
            ),
            ("/MetricDataQueries/0/Id", r#""É""#, "ValidationError"),
            ("/MaxDatapoints", "-1", "ValidationError"),
        ],
    },
    Target {
        service: Service::Monitoring,
        operation: "ListMetrics",
        input: r#"{"Namespace": "Bad"}"#,
        writes: false,
        is_hard_pressed: false,
        mistyped: &[
            ("/Namespace", "[[[[1]]]]"),
            ("/Dimensions", r#""d""#),
            ("/IncludeLinkedAccounts", r#""maybe""#),
        ],
        misspelt: &[
            ("Dimensions.member.1", "d"),
            ("IncludeLinkedAccounts", "maybe"),
        ],
        refused: &[("/NextToken", r#""made up""#, "InvalidNextToken")],
    },
    Target {
        service: Service::Logs,
        operation: "CreateLogGroup",
        input: r#"{"logGroupName": "WIRE", "tags": {"k": "v"}}"#,
        writes: true,
        is_hard_pressed: false,
        mistyped: &[
            ("/logGroupName", "5"),
            ("/logGroupName", "{}"),
            ("/tags", "[]"),
            ("/tags", r#""k=v""#),
            ("/tags/k", "{}"),
        ],
        misspelt: &[],
        refused: &[
            ("/logGroupName", r#""\u0000""#, "InvalidParameterException"),
            ("/logGroupName", r#""a group""#, "InvalidParameterException"),
        ],
    },
    Target {
        service: Service::Logs,
        operation: "PutLogEvents",
        input: r#"{"logGroupName": "g", "logStreamName": "s", "logEvents": [
            {"timestamp": 1768478400000, "message": "m1"}, {"timestamp": 1768478400000, "message": "m2"}]}"#,
        writes: true,
        is_hard_pressed: true,
        mistyped: &[
            ("/logEvents", r#""m""#),
            ("/logEvents", r#"{"message": "m"}"#),
            ("/logEvents/1", r#""m""#),
            ("/logEvents/1", "[1768478400000]"),
            ("/logEvents/1/message", "5"),
            ("/logEvents/1/message", "{}"),
            ("/logEvents/1/timestamp", r#""now""#),
            ("/logEvents/1/timestamp", "1e40"),
            ("/logEvents/1/timestamp", "99999999999999999999"),
            ("/logStreamName", "[]"),
            ("/entity", r#""api""#),
        ],
        misspelt: &[],
        refused: &[
            ("/logEvents/1/message", r#""""#, "InvalidParameterException"),
            ("/logEvents/1/timestamp", "-1", "InvalidParameterException"),
            (
                "/logEvents/1/timestamp",
                "1768478399999",
                "InvalidParameterException",
            ),
            ("/logEvents", "[]", "InvalidParameterException"),
        ],
    },
    Target {
        service: Service::Logs,
        operation: "FilterLogEvents",
        input: r#"{"logGroupName": "g", "filterPattern": "m"}"#,
        writes: false,
        is_hard_pressed: false,
        mistyped: &[
            ("/filterPattern", "{}"),
            ("/limit", r#""all""#),
            ("/startTime", r#""2026-01-15""#),
            ("/logStreamNames", r#""s""#),
            ("/interleaved", "[]"),
        ],
        misspelt: &[],
        refused: &[
            ("/filterPattern", r#""{ DEEP""#, "InvalidParameterException"),
            ("/limit", "10001", "InvalidParameterException"),
            ("/nextToken", r#""made up""#, "InvalidParameterException"),
        ],
    },
    Target {
        service: Service::Sns,
        operation: "CreateTopic",
        input: r#"{"Name": "WIRE", "Attributes": {"DisplayName": "d"}, "Tags": [{"Key": "k", "Value": "v"}]}"#,
        writes: true,
        is_hard_pressed: true,
        mistyped: &[],
        misspelt: &[
            ("Name.member.1", "t"),
            ("Attributes", "d"),
            ("Attributes.entry.1", "d"),
            ("Attributes.entry.x.key", "d"),
            ("Tags", "k"),
            ("Tags.member.1", "k"),
        ],
        refused: &[
            ("/Name", r#""a topic""#, "InvalidParameter"),
            ("/Attributes/Policy", r#""DEEP""#, "InvalidParameter"),
        ],
    },
    Target {
        service: Service::Sns,
        operation: "Publish",
        input: r#"{"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": "m"}"#,
        writes: false,
        is_hard_pressed: false,
        mistyped: &[],
        misspelt: &[
            ("Message.member.1", "m"),
            ("MessageAttributes", "a"),
            ("MessageAttributes.entry.1", "a"),
            ("MessageAttributes.entry.1.Value", "a"),
        ],
        refused: &[
            ("/Message", r#""""#, "InvalidParameter"),
            ("/Subject", r#""\u0007""#, "InvalidParameter"),
            ("/MessageStructure", r#""json""#, "InvalidParameter"),
        ],
    },
    Target {
        service: Service::Sns,
        operation: "ListTopics",
        input: "{}",
        writes: false,
        is_hard_pressed: false,
        mistyped: &[],
        misspelt: &[("NextToken.member.1", "a")],
        refused: &[("/NextToken", r#""made up""#, "InvalidParameter")],
    },
    Target {
        service: Service::Sts,
        operation: "GetCallerIdentity",
        input: "{}",
        writes: false,
        is_hard_pressed: true,
        mistyped: &[],
        misspelt: &[],
        refused: &[],
    },
];
