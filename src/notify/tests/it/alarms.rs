//! Messages of alarms: history, once per action, and delivery.

use belfry_catalog::alarms::{AlarmCatalog, AlarmHistoryItem, HistoryFilter};
use belfry_catalog::outbox::OutboxCatalog;
use belfry_model::Clock;
use belfry_notify::message::{
    AlarmAction, Message, MessageAttributes, PublishPayload, new_message_id,
};

use crate::node::{Node, tenant};
use crate::receiver::Receiver;

async fn act(node: &Node, action_arn: &str, message: &str) {
    let message = Message {
        topic_arn: action_arn.to_owned(),
        message_id: new_message_id(),
        timestamp: node.clock.now(),
        subject: Some("ALARM: \"disk\"".to_owned()),
        message: message.to_owned(),
        message_structure: Some("json".to_owned()),
        attributes: MessageAttributes::new(),
        group_id: None,
        deduplication_id: None,
    };
    let action = AlarmAction {
        alarm_name: "disk".to_owned(),
        alarm_type: "MetricAlarm".to_owned(),
        action_arn: action_arn.to_owned(),
        state_updated_at: node.clock.now(),
    };
    let row = PublishPayload::of_alarm(message, action)
        .into_row(&tenant())
        .expect("a row");
    let now = node.clock.now();
    node.catalog
        .enqueue_outbox(vec![row], now)
        .await
        .expect("the outbox");
}

async fn history(node: &Node) -> Vec<AlarmHistoryItem> {
    let filter = HistoryFilter {
        ascending: true,
        ..HistoryFilter::default()
    };
    let page = node
        .catalog
        .alarm_history(&tenant(), &filter, None, 100)
        .await;
    page.expect("history").items
}

const STRUCTURED: &str = r#"{"default":"{\"NewStateValue\":\"ALARM\"}","email":"text"}"#;

#[tokio::test]
async fn actions_reach_subscribers_and_history() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let filter = [
        ("FilterPolicyScope", "MessageBody"),
        ("FilterPolicy", r#"{"NewStateValue":["ALARM"]}"#),
    ];
    node.subscribe_receiver(&topic, &receiver, &filter).await;
    act(&node, &topic, STRUCTURED).await;
    // The row written with the transition survives the process.
    let node = node.restart().await;
    node.run().await;
    let heard = receiver.take().pop().expect("delivered").json();
    assert_eq!(heard["Message"], r#"{"NewStateValue":"ALARM"}"#);
    assert_eq!(heard["Subject"], "ALARM: \"disk\"");
    let [item] = &history(&node).await[..] else {
        panic!("one item");
    };
    assert_eq!(
        item.summary,
        format!("Successfully executed action {topic}")
    );
    let data: serde_json::Value = serde_json::from_str(&item.data).expect("JSON");
    assert_eq!(data["actionState"], "Succeeded");
    assert_eq!(data["publishedMessage"], STRUCTURED);

    act(&node, &topic, r#"{"default":"{\"NewStateValue\":\"OK\"}"}"#).await;
    node.run().await;
    assert!(receiver.take().is_empty(), "the filter wants ALARM");
    assert_eq!(history(&node).await.len(), 2);
}

#[tokio::test]
async fn actions_that_cannot_be_carried_out_say_so() {
    let node = Node::start().await;
    for (arn, error) in [
        (
            "arn:aws:sns:eu-central-1:000000000042:gone",
            "Topic does not exist",
        ),
        (
            "arn:aws:lambda:eu-central-1:000000000042:function:f",
            "No handler is configured for this action",
        ),
        (
            "arn:aws:sns:eu-central-1:000000000043:ops",
            "Not authorized to publish to a topic of another account",
        ),
    ] {
        act(&node, arn, STRUCTURED).await;
        node.run().await;
        let item = history(&node).await.pop().expect("an item");
        assert_eq!(
            item.summary,
            format!("Failed to execute action {arn}. Received error: \"{error}\"")
        );
    }
    assert_eq!(node.outbox_len().await, 0);
}

/// Fan-out takes several steps; history is written once, each subscriber hears once.
#[tokio::test]
async fn large_topics_are_reached_in_steps() {
    let node = Node::start().await;
    let topic = node.topic("ops").await;
    let mut arns = Vec::new();
    for n in 0..50 {
        let queue = format!("arn:aws:sqs:eu-central-1:000000000042:q{n}");
        let outcome = node
            .subscribe(&topic, "sqs", &queue, &[])
            .await
            .expect("subscribed");
        arns.push(outcome.subscription_arn);
    }
    let text = serde_json::json!({"default": "x".repeat(200_000)}).to_string();
    act(&node, &topic, &text).await;
    // Three steps of 20 subscriptions, then the deliveries.
    assert_eq!(node.run().await, 3 + 50);
    assert_eq!(history(&node).await.len(), 1);
    for arn in &arns {
        let reports = node.reports(arn);
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0].detail, "no transport configured");
    }
    node.publish(&topic, &"x".repeat(200_000)).await;
    assert_eq!(node.run().await, 2 + 50);
    assert_eq!(node.outbox_len().await, 0);
}
