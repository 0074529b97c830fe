use serde_json::json;

use super::Server;

/// What stands between the tags of an element that comes once.
fn text(xml: &str, element: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{element}>"))?;
    let (text, _) = rest.split_once(&format!("</{element}>"))?;
    Some(text.to_owned())
}

async fn is_refused(server: &Server, operation: &str, input: serde_json::Value) {
    let error = server.sns(operation, input).await.expect_err(operation);
    assert_eq!(
        (&*error.code, error.message.as_deref()),
        ("InvalidParameter", Some("Invalid parameter: NextToken"))
    );
}

/// Spec notifications.md 1.4 and wire-protocols.md 8.
#[tokio::test]
async fn tokens_go_on_where_they_were_given_and_nowhere_else() {
    let server = Server::start().await;
    for number in 0..101 {
        let topic = json!({"Name": format!("t{number:03}")});
        server.sns("CreateTopic", topic).await.expect("a topic");
    }
    let first = server.sns("ListTopics", json!({})).await.expect("a page");
    assert_eq!(first.matches("<TopicArn>").count(), 100);
    let token = text(&first, "NextToken").expect("more to come");
    let rest = server.sns("ListTopics", json!({"NextToken": token})).await;
    let rest = rest.expect("a page");
    assert!(rest.contains(":t100</TopicArn>"), "{rest}");
    assert_eq!(rest.matches("<TopicArn>").count(), 1);
    assert_eq!(text(&rest, "NextToken"), None);

    is_refused(&server, "ListTopics", json!({"NextToken": "Zm9v"})).await;
    is_refused(&server, "ListSubscriptions", json!({"NextToken": token})).await;
    let topic = |number: u32| format!("arn:aws:sns:eu-west-1:111122223333:t{number:03}");
    for number in 0..101 {
        let subscription = json!({"TopicArn": topic(1), "Protocol": "email",
            "Endpoint": format!("{number}@example.org")});
        let subscribed = server.sns("Subscribe", subscription).await;
        subscribed.expect("a subscription");
    }
    let of_one = json!({"TopicArn": topic(1)});
    let page = server.sns("ListSubscriptionsByTopic", of_one).await;
    let token = text(&page.expect("a page"), "NextToken").expect("more to come");
    let of = |number| json!({"TopicArn": topic(number), "NextToken": token});
    let page = server.sns("ListSubscriptionsByTopic", of(1)).await;
    assert_eq!(page.expect("a page").matches("<Endpoint>").count(), 1);
    is_refused(&server, "ListSubscriptionsByTopic", of(2)).await;
}
