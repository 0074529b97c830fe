//! What can be read of a server, and something in it to read.

use serde_json::Value;

use super::super::protocol::{Service, Wire, output, request};
use super::signer;
use crate::process::Server;

const SETUP: &[(Service, &str, &str)] = &[
    (
        Service::Monitoring,
        "PutMetricData",
        r#"{"Namespace": "N", "MetricData": [{"MetricName": "m", "Value": 3}]}"#,
    ),
    (
        Service::Monitoring,
        "PutMetricAlarm",
        r#"{"AlarmName": "there", "Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}"#,
    ),
    (Service::Logs, "CreateLogGroup", r#"{"logGroupName": "g"}"#),
    (
        Service::Logs,
        "CreateLogStream",
        r#"{"logGroupName": "g", "logStreamName": "s"}"#,
    ),
    (
        Service::Logs,
        "PutLogEvents",
        r#"{"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1768478400000, "message": "there"}]}"#,
    ),
    (Service::Sns, "CreateTopic", r#"{"Name": "t"}"#),
];

const READS: &[(Service, &str, &str)] = &[
    (Service::Monitoring, "ListMetrics", "{}"),
    (Service::Monitoring, "DescribeAlarms", "{}"),
    (Service::Monitoring, "DescribeAlarmHistory", "{}"),
    (Service::Monitoring, "ListDashboards", "{}"),
    (
        Service::Monitoring,
        "GetMetricStatistics",
        r#"{"Namespace": "N", "MetricName": "m", "StartTime": 1768478100, "EndTime": 1768478700, "Period": 60,
            "Statistics": ["SampleCount", "Sum"]}"#,
    ),
    (
        Service::Monitoring,
        "GetMetricStatistics",
        r#"{"Namespace": "Bad", "MetricName": "mJson", "Dimensions": [{"Name": "d", "Value": "v"}],
            "StartTime": 1768478100, "EndTime": 1768478700, "Period": 60, "Statistics": ["SampleCount", "Sum"]}"#,
    ),
    (Service::Logs, "DescribeLogGroups", "{}"),
    (
        Service::Logs,
        "DescribeLogStreams",
        r#"{"logGroupName": "g"}"#,
    ),
    (Service::Logs, "FilterLogEvents", r#"{"logGroupName": "g"}"#),
    (Service::Sns, "ListTopics", "{}"),
];

pub async fn prepare(server: &Server) {
    for (service, operation, input) in SETUP {
        ask(server, *service, operation, input).await;
    }
}

/// Everything that a write might have changed.
pub async fn read(server: &Server) -> Vec<String> {
    let mut found = Vec::new();
    for (service, operation, input) in READS {
        found.push(ask(server, *service, operation, input).await);
    }
    found
}

async fn ask(server: &Server, service: Service, operation: &str, input: &str) -> String {
    let wire = match service {
        Service::Monitoring | Service::Logs => Wire::Json,
        Service::Sns | Service::Sts => Wire::Query,
    };
    let input: Value = serde_json::from_str(input).unwrap();
    let request = request(wire, service, operation, &input).signed(&signer(service));
    let answer = request.send(server.port()).await;
    format!(
        "{operation}: {:?}",
        output(wire, service, operation, &answer)
    )
}
