use serde_json::{Value, json};

use super::{PROTOCOLS, Server};

const ALARM: &str = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a:b";
const DASHBOARD: &str = "arn:aws:cloudwatch::111122223333:dashboard/main";

async fn server() -> Server {
    let server = Server::start().await;
    let alarm = json!({"AlarmName": "a:b", "Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
        "Tags": [{"Key": "team", "Value": "ops"}]});
    server.ask("PutMetricAlarm", alarm).await;
    let dashboard = json!({"DashboardName": "main", "DashboardBody": "{\"widgets\":[]}", "Tags": [{"Key": "z", "Value": ""}]});
    server.ask("PutDashboard", dashboard).await;
    server
}

#[tokio::test]
async fn tags_of_alarms_and_dashboards() {
    let server = server().await;
    let tags = async |arn: &str| {
        server
            .ask("ListTagsForResource", json!({"ResourceARN": arn}))
            .await["Tags"]
            .clone()
    };
    assert_eq!(tags(ALARM).await, json!([{"Key": "team", "Value": "ops"}]));
    assert_eq!(tags(DASHBOARD).await, json!([{"Key": "z", "Value": ""}]));
    server
        .ask(
            "TagResource",
            json!({"ResourceARN": ALARM, "Tags": [{"Key": "tier", "Value": "1"}]}),
        )
        .await;
    server
        .ask(
            "UntagResource",
            json!({"ResourceARN": ALARM, "TagKeys": ["team", "nothing"]}),
        )
        .await;
    assert_eq!(tags(ALARM).await, json!([{"Key": "tier", "Value": "1"}]));
}

#[tokio::test]
async fn refusals() {
    let server = server().await;
    let tagged = |arn: &str, tags: Value| json!({"ResourceARN": arn, "Tags": tags});
    let many = |count: usize| {
        Value::from_iter((0..count).map(|i| json!({"Key": i.to_string(), "Value": ""})))
    };
    let (code, text) = server.refusal("TagResource", tagged(ALARM, many(51))).await;
    assert_eq!(
        (&*code, &*text),
        ("InvalidParameterValue", "tags are invalid.")
    );
    let (code, text) = server.refusal("TagResource", tagged(ALARM, many(50))).await;
    assert_eq!(
        (&*code, &*text),
        (
            "ValidationError",
            "The resultant tag set must not have more than 50 user tags."
        )
    );
    let (code, _) = server
        .refusal(
            "TagResource",
            tagged(ALARM, json!([{"Key": "aws:x", "Value": ""}])),
        )
        .await;
    assert_eq!(code, "AccessDenied");
    for arn in [
        "nonsense",
        "arn:aws:sns:eu-west-1:111122223333:t",
        "arn:aws:cloudwatch:eu-west-1:111122223333:cat:x",
    ] {
        let (code, _) = server
            .refusal("ListTagsForResource", json!({"ResourceARN": arn}))
            .await;
        assert_eq!(code, "InvalidParameterValue", "{arn}");
    }
    // Unknown, or of another account or region: without a message.
    for arn in [
        "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:nobody",
        "arn:aws:cloudwatch:eu-west-2:111122223333:alarm:a:b",
        "arn:aws:cloudwatch:eu-west-1:444455556666:alarm:a:b",
        "arn:aws:cloudwatch::111122223333:dashboard/nobody",
    ] {
        for protocol in PROTOCOLS {
            let input = json!({"ResourceARN": arn});
            let error = server
                .send(protocol, "ListTagsForResource", &input)
                .await
                .expect_err(arn);
            assert_eq!(
                (&*error.code, error.status.as_u16(), error.message),
                ("ResourceNotFoundException", 404, None)
            );
        }
    }
}
