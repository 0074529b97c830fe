//! Callers that go away in the middle of a call: what it began is done to the end.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::Request;
use crate::process::{Server, Setup};

const NOW_MS: i64 = 1_772_366_400_000;

fn logs(operation: &str, input: &Value) -> Request {
    let credential = "AWS4-HMAC-SHA256 Credential=333333333333/20260301/us-east-1/logs/aws4_request, \
                      SignedHeaders=host, Signature=00";
    Request::post(
        "/",
        &[
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", &format!("Logs_20140328.{operation}")),
            ("authorization", credential),
        ],
        input.to_string(),
    )
}

/// The catalog forgets a group, and only then the names that puts look up: cut in between, events
/// of a new group of that name would be acknowledged for the old one.
#[tokio::test]
async fn a_log_group_is_deleted_to_the_end() {
    let server = Server::started(Setup {
        test_clock: Some("2026-03-01T12:00:00Z"),
        ..Setup::default()
    })
    .await;
    let port = server.port();
    let mut left_in_time = 0;
    for round in 0..60 {
        let group = format!("g{round}");
        let name = json!({"logGroupName": group});
        let stream = json!({"logGroupName": group, "logStreamName": "s"});
        let put = |message: &str| {
            logs(
                "PutLogEvents",
                &json!({"logGroupName": group, "logStreamName": "s",
                        "logEvents": [{"timestamp": NOW_MS, "message": message}]}),
            )
        };
        for call in [
            logs("CreateLogGroup", &name),
            logs("CreateLogStream", &stream),
            put("one"),
        ] {
            let answer = call.send(port).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let patience = Duration::from_micros(300 + 100 * (round % 40));
        let delete = logs("DeleteLogGroup", &name);
        delete.send_and_leave(port, patience).await;
        tokio::time::sleep(Duration::from_millis(15)).await;
        if logs("CreateLogGroup", &name).send(port).await.status != 200 {
            // The server never saw the request.
            continue;
        }
        left_in_time += 1;
        for call in [logs("CreateLogStream", &stream), put("two")] {
            let answer = call.send(port).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let found = logs("FilterLogEvents", &name).send(port).await;
        let found: Value = serde_json::from_slice(&found.body).unwrap();
        let messages: Vec<&Value> = found["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| &event["message"])
            .collect();
        assert_eq!(messages, ["two"], "round {round}");
    }
    assert!(left_in_time > 5, "{left_in_time} deletions were begun");
}
