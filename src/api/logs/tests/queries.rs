//! Queries from StartQuery to the last page of their result.

use serde_json::{Value, json};

use super::{START, Server, refusal};

const EVENTS: i64 = 2_500;

/// A query over events whose messages count from 0, once it has ended.
async fn ended(server: &Server) -> String {
    for (operation, input) in [
        ("CreateLogGroup", json!({"logGroupName": "g"})),
        (
            "CreateLogStream",
            json!({"logGroupName": "g", "logStreamName": "s"}),
        ),
    ] {
        server.logs(operation, input).await.expect(operation);
    }
    let events: Vec<Value> = (0..EVENTS)
        .map(|n| json!({"timestamp": START.0 + n, "message": n.to_string()}))
        .collect();
    let input = json!({"logGroupName": "g", "logStreamName": "s", "logEvents": events});
    server.logs("PutLogEvents", input).await.expect("stored");
    let input = json!({
        "logGroupNames": ["g", "g"],
        "startTime": START.as_secs() - 1,
        "endTime": START.as_secs() + 60,
        "queryString": "fields @message | sort @timestamp asc | limit 10000",
    });
    let started = server.logs("StartQuery", input).await.expect("started");
    let id = started["queryId"].as_str().expect("an id").to_owned();
    loop {
        let answer = results(server, json!({"queryId": id})).await;
        match answer["status"].as_str() {
            Some("Scheduled" | "Running") => tokio::task::yield_now().await,
            other => {
                assert_eq!(other, Some("Complete"));
                return id;
            }
        }
    }
}

async fn results(server: &Server, input: Value) -> Value {
    let answer = server.logs("GetQueryResults", input).await;
    answer.expect("GetQueryResults")
}

fn messages(answer: &Value) -> Vec<String> {
    let rows = answer["results"].as_array().expect("rows").iter();
    let of_row = |row: &Value| row[0]["value"].as_str().expect("a message").to_owned();
    rows.map(of_row).collect()
}

#[tokio::test]
async fn pages_go_through_a_result() {
    let server = Server::start().await;
    let id = ended(&server).await;
    let expected: Vec<String> = (0..EVENTS).map(|n| n.to_string()).collect();
    // Without a number of rows, and with that which asks for none.
    for input in [
        json!({"queryId": id}),
        json!({"queryId": id, "maxItems": 0}),
        json!({"queryId": id, "maxItems": EVENTS}),
    ] {
        let all = results(&server, input).await;
        assert_eq!(messages(&all), expected);
        assert_eq!(all.get("nextToken"), None);
        assert_eq!(all["statistics"]["resultCount"], json!(EVENTS as f64));
    }
    // Neither a divisor of what is stored together nor of the whole.
    let mut seen = Vec::new();
    let mut token = Value::Null;
    loop {
        let input = match &token {
            Value::Null => json!({"queryId": id, "maxItems": 700}),
            token => json!({"queryId": id, "maxItems": 700, "nextToken": token}),
        };
        let page = results(&server, input).await;
        seen.push(messages(&page));
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    let lengths: Vec<usize> = seen.iter().map(Vec::len).collect();
    assert_eq!(lengths, [700, 700, 700, 400]);
    assert_eq!(seen.concat(), expected);
}

/// Spec logs-semantics.md 1.1.
#[tokio::test]
async fn delivered_logs_have_no_queries() {
    let server = Server::start().await;
    for (name, class) in [
        ("s", "STANDARD"),
        ("i", "INFREQUENT_ACCESS"),
        ("e", "ESSENTIALS"),
        ("d", "DELIVERY"),
    ] {
        let group = json!({"logGroupName": name, "logGroupClass": class});
        server.logs("CreateLogGroup", group).await.expect(class);
    }
    let query = |names: &[&str]| {
        json!({
            "logGroupNames": names,
            "startTime": START.as_secs() - 1,
            "endTime": START.as_secs(),
            "queryString": "fields @message",
        })
    };
    for names in [&["d"][..], &["s", "d"]] {
        let (code, text) = refusal(&server, "StartQuery", query(names)).await;
        assert_eq!(code, "InvalidParameterException");
        assert_eq!(
            text,
            "StartQuery is not supported for log groups of class DELIVERY."
        );
    }
    let queries = async || {
        let answer = server.logs("DescribeQueries", json!({})).await;
        let answer = answer.expect("DescribeQueries");
        answer["queries"].as_array().expect("queries").len()
    };
    assert_eq!(queries().await, 0);
    let started = server.logs("StartQuery", query(&["s", "i", "e"])).await;
    started.expect("started");
    assert_eq!(queries().await, 1);
}
