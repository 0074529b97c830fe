use serde_json::{Value, json};

use super::{START, Server};

async fn put(server: &Server, stream: &str, times: &[i64]) {
    let events: Vec<Value> = times
        .iter()
        .map(|offset| json!({"timestamp": START.0 + offset, "message": "m"}))
        .collect();
    let input = json!({"logGroupName": "g", "logStreamName": stream, "logEvents": events});
    server.logs("PutLogEvents", input).await.expect("stored");
}

/// Names and offsets of the last events, over all pages of one item.
async fn by_last_event(server: &Server, descending: bool) -> Vec<(String, Option<i64>)> {
    let mut found = Vec::new();
    let mut token = Value::Null;
    loop {
        let page = server
            .logs(
                "DescribeLogStreams",
                json!({"logGroupName": "g", "orderBy": "LastEventTime", "descending": descending,
                    "limit": 1, "nextToken": token}),
            )
            .await
            .expect("a page");
        for stream in page["logStreams"].as_array().expect("a list") {
            let name = stream["logStreamName"].as_str().expect("a name");
            let last = stream["lastEventTimestamp"].as_i64();
            found.push((name.to_owned(), last.map(|time| time - START.0)));
        }
        token = page["nextToken"].clone();
        if token.is_null() {
            return found;
        }
    }
}

/// Spec logs-semantics.md 2.3: what was put is visible at once, in the order too.
#[tokio::test]
async fn the_newest_stream_is_found_before_its_events_are_flushed() {
    let server = Server::start().await;
    let group = json!({"logGroupName": "g"});
    server.logs("CreateLogGroup", group).await.expect("group");
    for stream in ["a", "b", "c", "d"] {
        let input = json!({"logGroupName": "g", "logStreamName": stream});
        server.logs("CreateLogStream", input).await.expect(stream);
    }
    put(&server, "a", &[-50, 10]).await;
    put(&server, "b", &[20]).await;
    server.services.logs.flush().await.expect("flushed");
    put(&server, "c", &[15]).await;
    put(&server, "a", &[30]).await;

    let expected = [
        ("d", None),
        ("c", Some(15)),
        ("b", Some(20)),
        ("a", Some(30)),
    ];
    let mut expected = expected
        .map(|(name, last)| (name.to_owned(), last))
        .to_vec();
    assert_eq!(by_last_event(&server, false).await, expected);
    expected.reverse();
    assert_eq!(by_last_event(&server, true).await, expected);

    server.services.logs.flush().await.expect("flushed");
    assert_eq!(by_last_event(&server, true).await, expected);
}
