//! Every recorded request of `tests/wire-samples` against a running server, byte for byte and with
//! its genuine signature.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::http::{Answer, Request};
use super::protocol::{Service, Wire, failure, output};
use crate::process::{Server, Setup};

/// The key that all samples are signed with, of the account in their ARNs.
const CREDENTIALS: &str = "[default]
aws_access_key_id = AKIDTOCSINTEST000000
aws_secret_access_key = tocsin-test-secret-key-000000000000000000
aws_account_id = 123456789012
";

#[derive(Deserialize)]
struct Sample {
    #[serde(skip)]
    name: String,
    service: String,
    operation: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body_base64: String,
}

impl Sample {
    fn request(&self) -> Request {
        Request {
            method: self.method.clone(),
            target: self.path.clone(),
            headers: self.headers.clone(),
            body: BASE64.decode(&self.body_base64).unwrap(),
        }
    }

    /// `None` for the neighbour that speaks restJson.
    fn dialect(&self) -> Option<(Wire, Service)> {
        let has = |name: &str| {
            self.headers
                .iter()
                .any(|(n, _)| n.eq_ignore_ascii_case(name))
        };
        let service = match self.service.as_str() {
            "cloudwatch" => Service::Monitoring,
            "logs" => Service::Logs,
            "sns" => Service::Sns,
            "sts" => Service::Sts,
            _ => return None,
        };
        let wire = if has("smithy-protocol") {
            Wire::Cbor
        } else if has("x-amz-target") {
            Wire::Json
        } else {
            Wire::Query
        };
        Some((wire, service))
    }

    /// The operation on the wire: the command line's `tail` is a FilterLogEvents.
    fn operation(&self) -> &str {
        match self.operation.as_str() {
            "Tail" => "FilterLogEvents",
            other => other,
        }
    }
}

fn samples() -> Vec<Sample> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire-samples");
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let mut sample: Sample = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        sample.name = path.file_stem().unwrap().to_string_lossy().into_owned();
        samples.push(sample);
    }
    // Creations of groups, streams and topics come before their uses.
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(samples.len(), 89, "the samples are complete");
    samples
}

/// Beginnings of names of samples that are refused, each with status, code and a part of the
/// message. All others succeed.
const REFUSED: &[(&str, &str, &str)] = &[
    // As AWS does: a value beyond ASCII in a dimension (spec metrics.md 1) ...
    (
        "cloudwatch.PutMetricData.scalar.boto3",
        "400 InvalidParameterValue",
        "The value /a b&c=d é for parameter MetricData.member.1.Dimensions.member.2.Value is invalid.",
    ),
    (
        "cloudwatch.PutMetricData.scalar.js",
        "400 InvalidParameterValue",
        "The value /a b&c=d é for parameter MetricData.member.1.Dimensions.member.2.Value is invalid.",
    ),
    // ... both lists of statistics (spec metrics.md 8) ...
    (
        "cloudwatch.GetMetricStatistics.basic",
        "400 InvalidParameterCombination",
        "The parameters Statistics and ExtendedStatistics are mutually exclusive",
    ),
    // ... no signature ...
    (
        "logs.DescribeLogGroups.unsigned",
        "400 MissingAuthenticationTokenException",
        "Missing Authentication Token",
    ),
    // ... and names, tokens and ids that were made up.
    (
        "logs.GetQueryResults",
        "400 ResourceNotFoundException",
        "12ab3456-12ab-123a-789e-1234567890ab",
    ),
    (
        "logs.PutLogEvents.entity",
        "400 ResourceNotFoundException",
        "The specified log group does not exist.",
    ),
    (
        "sns.ConfirmSubscription",
        "400 InvalidParameter",
        "Invalid parameter: Topic",
    ),
    (
        "sns.ListTopics.presigned",
        "400 InvalidParameter",
        "Invalid parameter: NextToken",
    ),
    // What AWS offers and this server says it does not.
    (
        "cloudwatch.GetMetricData.mixed.boto3",
        "400 ValidationError",
        "Metrics Insights queries are not supported",
    ),
    (
        "cloudwatch.GetMetricData.mixed.js",
        "400 ValidationError",
        "Metrics Insights queries are not supported",
    ),
    (
        "cloudwatch.PutMetricAlarm.math",
        "400 ValidationError",
        "Alarms on anomaly detection bands are not supported",
    ),
    (
        "cloudwatch.GetMetricWidgetImage",
        "400 InvalidParameterValue",
        "GetMetricWidgetImage is not offered",
    ),
    (
        "cloudwatch.PutAnomalyDetector",
        "400 InvalidParameterValue",
        "PutAnomalyDetector is not offered",
    ),
    (
        "cloudwatch.PutCompositeAlarm",
        "400 InvalidParameterValue",
        "PutCompositeAlarm is not offered",
    ),
    (
        "logs.PutMetricFilter",
        "400 InvalidOperationException",
        "PutMetricFilter is not offered",
    ),
    (
        "logs.PutSubscriptionFilter",
        "400 InvalidOperationException",
        "PutSubscriptionFilter is not offered",
    ),
    (
        "logs.StartLiveTail",
        "400 InvalidOperationException",
        "StartLiveTail is not offered",
    ),
    ("xray.", "400 InvalidRequestException", "is not offered"),
];

fn refusal(name: &str) -> Option<(&'static str, &'static str)> {
    REFUSED
        .iter()
        .find(|(beginning, _, _)| name.starts_with(beginning))
        .map(|(_, code, part)| (*code, *part))
}

/// What came back, in short: `200`, or status, code and message.
fn summary(sample: &Sample, answer: &Answer) -> String {
    let Some((wire, service)) = sample.dialect() else {
        let kind = answer.header("x-amzn-errortype").unwrap_or("-");
        return format!("{} {kind} {}", answer.status, answer.text());
    };
    if answer.status == 200 {
        output(wire, service, sample.operation(), answer);
        return "200".to_owned();
    }
    let failure = failure(wire, service, answer);
    format!(
        "{} {} {}",
        failure.status,
        failure.code,
        failure.message.unwrap_or_default()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_is_answered_as_aws_would() {
    // Signing times are not held against a test clock.
    let server = Server::started(Setup {
        checks_signatures: true,
        test_clock: Some("2026-01-15T12:30:00Z"),
        config: "base_path = \"/tenant-a\"\n",
        credentials: Some(CREDENTIALS),
    })
    .await;
    for (beginning, _, _) in REFUSED {
        assert!(
            samples()
                .iter()
                .any(|sample| sample.name.starts_with(beginning)),
            "{beginning}"
        );
    }
    let mut wrong = BTreeMap::new();
    for sample in samples() {
        let answer = sample.request().send(server.port()).await;
        let found = summary(&sample, &answer);
        let is_right = match refusal(&sample.name) {
            Some((code, part)) => found.starts_with(&format!("{code} ")) && found.contains(part),
            None => found == "200",
        };
        if !is_right {
            wrong.insert(sample.name, found);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
