use serde_json::{Value, json};

use super::{Server, refusal};

const TOO_LONG: &str =
    "Invalid LogGroup or LogStream, both must have length less than or equal to 512.";

async fn names(server: &Server, input: Value) -> Vec<String> {
    let answer = server.logs("DescribeLogGroups", input).await;
    let answer = answer.expect("DescribeLogGroups");
    let groups = answer["logGroups"].as_array().expect("a list");
    let names = groups.iter().map(|group| group["logGroupName"].as_str());
    names.map(|name| name.expect("a name").to_owned()).collect()
}

/// Spec logs-semantics.md 1, observed.
#[tokio::test]
async fn a_name_that_is_too_long_has_a_text_of_its_own() {
    let server = Server::start().await;
    let name = |length| "n".repeat(length);
    let group = json!({"logGroupName": name(512)});
    server.logs("CreateLogGroup", group).await.expect("group");
    for (operation, input) in [
        ("CreateLogGroup", json!({"logGroupName": name(513)})),
        // Whatever else is wrong.
        (
            "CreateLogGroup",
            json!({"logGroupName": name(513), "logGroupClass": "X"}),
        ),
        (
            "CreateLogStream",
            json!({"logGroupName": name(512), "logStreamName": "ä".repeat(513)}),
        ),
        (
            "DescribeLogStreams",
            json!({"logGroupName": name(512), "logStreamNamePrefix": name(513)}),
        ),
    ] {
        let expected = ("InvalidParameterException".to_owned(), TOO_LONG.to_owned());
        assert_eq!(refusal(&server, operation, input).await, expected);
    }
}

#[tokio::test]
async fn other_accounts_have_no_groups_to_show() {
    let server = Server::start().await;
    let group = json!({"logGroupName": "g"});
    server.logs("CreateLogGroup", group).await.expect("group");
    let own = &*server.tenant.account;
    for (accounts, expected) in [
        (json!([]), &["g"][..]),
        (json!([own]), &["g"]),
        (json!(["444455556666", own]), &["g"]),
        (json!(["444455556666"]), &[]),
    ] {
        let input = json!({"accountIdentifiers": accounts, "includeLinkedAccounts": true});
        assert_eq!(names(&server, input).await, expected, "{accounts}");
    }
}

/// Spec logs-semantics.md 1.1.
#[tokio::test]
async fn delivered_logs_are_kept_two_days() {
    let server = Server::start().await;
    let group = json!({"logGroupName": "g", "logGroupClass": "DELIVERY"});
    server.logs("CreateLogGroup", group).await.expect("group");
    for (operation, input) in [
        (
            "PutRetentionPolicy",
            json!({"logGroupName": "g", "retentionInDays": 7}),
        ),
        ("DeleteRetentionPolicy", json!({"logGroupName": "g"})),
    ] {
        let (code, text) = refusal(&server, operation, input).await;
        assert_eq!(code, "InvalidParameterException");
        assert_eq!(
            text,
            "The retention of log groups of class DELIVERY cannot be changed."
        );
    }
    let answer = server.logs("DescribeLogGroups", json!({})).await;
    let answer = answer.expect("DescribeLogGroups");
    assert_eq!(answer["logGroups"][0]["retentionInDays"], 2);
}
