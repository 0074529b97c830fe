//! Subscriptions' lives: pending, confirmed, filtered, removed, restored.

use belfry_notify::topic::{AttributeInput, ConfirmRequest, PublishRequest, SubscribeRequest};
use indexmap::IndexMap;

use crate::node::{Node, caller, tenant};
use crate::receiver::Receiver;

#[tokio::test]
async fn repeated_subscribing_asks_again_and_only_the_newest_token_counts() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let first = node
        .subscribe(&topic, "http", &receiver.url("/"), &[])
        .await
        .expect("subscribed");
    node.run().await;
    let second = node
        .subscribe(&topic, "http", &receiver.url("/"), &[])
        .await
        .expect("subscribed");
    node.run().await;
    assert_eq!(first.subscription_arn, second.subscription_arn);
    let tokens: Vec<String> = receiver
        .take()
        .iter()
        .map(|r| r.json()["Token"].as_str().expect("a token").to_owned())
        .collect();
    assert_eq!(tokens.len(), 2);
    let error = node
        .confirm(&topic, &tokens[0])
        .await
        .expect_err("replaced");
    assert_eq!(error.to_string(), "Invalid token");
    node.confirm(&topic, &tokens[1]).await.expect("confirmed");
    let third = node
        .subscribe(&topic, "http", &receiver.url("/"), &[])
        .await
        .expect("subscribed");
    assert_eq!(third.shown(), first.subscription_arn);
}

#[tokio::test]
async fn tokens_end_after_three_days_and_so_do_pending_subscriptions() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let outcome = node
        .subscribe(&topic, "http", &receiver.url("/"), &[])
        .await
        .expect("subscribed");
    node.run().await;
    let asked = receiver.take().pop().expect("asked").json();
    let token = asked["Token"].as_str().expect("a token");
    node.advance_and_run(3 * 86_400).await;
    let error = node.confirm(&topic, token).await.expect_err("too late");
    assert_eq!(error.to_string(), "Invalid token");
    node.advance_and_run(3_600).await;
    let topics = &node.notifications.topics;
    let gone = topics
        .subscription_attributes(&tenant(), &outcome.subscription_arn)
        .await;
    assert_eq!(
        gone.expect_err("expired").to_string(),
        "Subscription does not exist"
    );
}

#[tokio::test]
async fn wrong_tokens_and_topics_have_their_texts() {
    let node = Node::start().await;
    let topic = node.topic("ops").await;
    for (arn, token, text) in [
        (topic.as_str(), "abc", "Invalid parameter: Token"),
        (topic.as_str(), &*"0".repeat(192), "Invalid token"),
        (
            "arn:aws:sns:eu-central-1:000000000042:gone",
            "abc",
            "Invalid parameter: Topic",
        ),
    ] {
        let error = node.confirm(arn, token).await.expect_err(text);
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            ("InvalidParameter", text)
        );
    }
}

fn with_attribute(topic: &str, name: &str, value: &str) -> PublishRequest {
    PublishRequest {
        topic_arn: Some(topic.to_owned()),
        message: value.to_owned(),
        attributes: IndexMap::from([(
            name.to_owned(),
            AttributeInput {
                data_type: Some("String".to_owned()),
                string_value: Some(value.to_owned()),
                binary_value: None,
            },
        )]),
        ..PublishRequest::default()
    }
}

#[tokio::test]
async fn filters_count_at_once_and_clearing_lifts_them() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let filter = [("FilterPolicy", r#"{"severity":["critical"]}"#)];
    let subscription = node.subscribe_receiver(&topic, &receiver, &filter).await;
    let topics = &node.notifications.topics;
    let heard = async |value: &str| {
        let request = with_attribute(&topic, "severity", value);
        topics.publish(&tenant(), request).await.expect("published");
        node.run().await;
        receiver.take().len()
    };
    assert_eq!(heard("critical").await, 1);
    assert_eq!(heard("warning").await, 0);
    let seen = topics
        .subscription_attributes(&tenant(), &subscription)
        .await
        .expect("there");
    assert_eq!(seen["FilterPolicyScope"], "MessageAttributes");
    let set = async |name: &str, value: &str| {
        topics
            .set_subscription_attribute(&tenant(), &subscription, name, Some(value))
            .await
    };
    set("FilterPolicy", r#"{"severity":[{"prefix":"w"}]}"#)
        .await
        .expect("set");
    assert_eq!(heard("warning").await, 1);
    assert_eq!(heard("critical").await, 0);
    set("FilterPolicy", "{}").await.expect("cleared");
    assert_eq!(heard("critical").await, 1);
    let error = set("FilterPolicy", r#"{"a":"b"}"#)
        .await
        .expect_err("invalid");
    assert_eq!(
        error.to_string(),
        "Invalid parameter: FilterPolicy: \"a\" must be an object or an array"
    );
}

#[tokio::test]
async fn http_endpoints_hear_that_they_were_removed_and_may_come_back() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let filter = [("FilterPolicy", r#"{"severity":["critical"]}"#)];
    let subscription = node.subscribe_receiver(&topic, &receiver, &filter).await;
    let topics = &node.notifications.topics;
    topics
        .unsubscribe(Some(&caller()), &subscription)
        .await
        .expect("removed");
    topics
        .unsubscribe(Some(&caller()), &subscription)
        .await
        .expect("no error");
    node.run().await;
    let [farewell] = &receiver.take()[..] else {
        panic!("one farewell");
    };
    assert_eq!(
        farewell.header("x-amz-sns-message-type"),
        Some("UnsubscribeConfirmation")
    );
    assert_eq!(
        farewell.header("x-amz-sns-subscription-arn"),
        Some(&*subscription)
    );
    assert_eq!(
        farewell.json()["Message"],
        format!(
            "You have chosen to deactivate subscription {subscription}.\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
        )
    );
    let seen = topics
        .topic_attributes(&tenant(), &topic)
        .await
        .expect("there");
    assert_eq!(
        (
            &*seen["SubscriptionsConfirmed"],
            &*seen["SubscriptionsDeleted"]
        ),
        ("0", "1")
    );
    let token = farewell.json()["Token"]
        .as_str()
        .expect("a token")
        .to_owned();
    assert_eq!(
        node.confirm(&topic, &token).await.expect("restored"),
        subscription
    );
    let seen = topics
        .subscription_attributes(&tenant(), &subscription)
        .await
        .expect("back");
    assert_eq!(seen["FilterPolicy"], r#"{"severity":["critical"]}"#);
    assert_eq!(seen["PendingConfirmation"], "false");
    node.clock.advance_ms(4 * 86_400_000);
    topics
        .unsubscribe(None, &subscription)
        .await
        .expect("removed");
    let error = node.confirm(&topic, &token).await.expect_err("too late");
    assert_eq!(error.to_string(), "Invalid token");
}

#[tokio::test]
async fn protected_subscriptions_need_a_signature_to_leave() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    node.subscribe(&topic, "http", &receiver.url("/"), &[])
        .await
        .expect("subscribed");
    node.run().await;
    let asked = receiver.take().pop().expect("asked").json();
    let request = ConfirmRequest {
        topic_arn: topic.clone(),
        token: asked["Token"].as_str().expect("a token").to_owned(),
        authenticate_on_unsubscribe: true,
    };
    let topics = &node.notifications.topics;
    let unsigned = topics.confirm_subscription(None, request.clone()).await;
    assert_eq!(unsigned.expect_err("unsigned").code(), "AuthorizationError");
    let arn = topics
        .confirm_subscription(Some(&caller()), request)
        .await
        .expect("confirmed");
    let unsigned = topics.unsubscribe(None, &arn).await;
    assert_eq!(unsigned.expect_err("unsigned").code(), "AuthorizationError");
    let seen = topics
        .subscription_attributes(&tenant(), &arn)
        .await
        .expect("there");
    assert_eq!(seen["ConfirmationWasAuthenticated"], "true");
    assert_eq!(seen["SubscriptionPrincipal"], caller().principal);
    topics
        .unsubscribe(Some(&caller()), &arn)
        .await
        .expect("removed");
}

#[tokio::test]
async fn texts_of_subscribe() {
    let node = Node::start().await;
    let topic = node.topic("ops").await;
    let http = "http://127.0.0.1:9/";
    let role = ("SubscriptionRoleArn", "arn:aws:iam::000000000042:role/r");
    for (protocol, endpoint, pairs, text) in [
        (
            "carrier-pigeon",
            "x",
            &[][..],
            "Invalid parameter: Amazon SNS does not support this protocol string: carrier-pigeon",
        ),
        (
            "https",
            http,
            &[],
            "Invalid parameter: Endpoint must match the specified protocol",
        ),
        (
            "http",
            http,
            &[("Color", "blue")],
            "Invalid parameter: Attributes Reason: AttributeName",
        ),
        (
            "http",
            http,
            &[("RawMessageDelivery", "Yes")],
            "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [Yes]. Must be true or false.",
        ),
        (
            "http",
            http,
            &[("FilterPolicy", r#"{"a":{"b":["c"]}}"#)],
            "Invalid parameter: Attributes Reason: Filter policy scope MessageAttributes does not support nested filter policy",
        ),
    ] {
        let error = node
            .subscribe(&topic, protocol, endpoint, pairs)
            .await
            .expect_err(text);
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            ("InvalidParameter", text)
        );
    }
    let stream = "arn:aws:firehose:eu-central-1:000000000042:deliverystream/d";
    let outcome = node
        .subscribe(&topic, "firehose", stream, &[role])
        .await
        .expect("accepted");
    assert_eq!(outcome.shown(), outcome.subscription_arn);
    let raw = [("RawMessageDelivery", "true")];
    node.subscribe(
        &topic,
        "sqs",
        "arn:aws:sqs:eu-central-1:000000000042:q",
        &raw,
    )
    .await
    .expect("accepted");
    let queue = "arn:aws:sqs:eu-central-1:000000000042:q";
    node.subscribe(&topic, "sqs", queue, &[])
        .await
        .expect("a subset agrees");
    let error = node
        .subscribe(&topic, "sqs", queue, &[("RawMessageDelivery", "false")])
        .await;
    assert_eq!(
        error.expect_err("differs").to_string(),
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    );
}

/// Spec notifications.md 1.4, also when the last places are asked for at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_has_200_filter_policies() {
    let node = std::sync::Arc::new(Node::start().await);
    let topic = node.topic("ops").await;
    let calls = (0..205).map(|n| {
        let (node, topic) = (std::sync::Arc::clone(&node), topic.clone());
        tokio::spawn(async move {
            let queue = format!("arn:aws:sqs:eu-central-1:000000000042:q{n}");
            let policy = [("FilterPolicy", r#"{"a":["b"]}"#)];
            node.subscribe(&topic, "sqs", &queue, &policy).await
        })
    });
    let mut refused = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        refused.extend(call.await.expect("no panic").err());
    }
    assert_eq!(refused.len(), 5);
    for error in refused {
        assert_eq!(
            (error.code(), error.to_string()),
            (
                "FilterPolicyLimitExceeded",
                "Filter policy limit exceeded for this topic".to_owned()
            )
        );
    }
}

#[tokio::test]
async fn lists_come_in_pages_and_hide_pending_arns() {
    let node = Node::start().await;
    let topic = node.topic("ops").await;
    for n in 0..150 {
        let queue = format!("arn:aws:sqs:eu-central-1:000000000042:q{n}");
        node.subscribe(&topic, "sqs", &queue, &[])
            .await
            .expect("subscribed");
    }
    let topics = &node.notifications.topics;
    let request = SubscribeRequest {
        topic_arn: topic.clone(),
        protocol: "email".to_owned(),
        endpoint: Some("a@example.org".to_owned()),
        return_subscription_arn: true,
        ..SubscribeRequest::default()
    };
    let pending = topics
        .subscribe(&caller(), request)
        .await
        .expect("subscribed");
    assert!(pending.shown().starts_with(&topic));
    let first = topics
        .list_subscriptions_by_topic(&tenant(), &topic, None)
        .await
        .expect("a page");
    assert_eq!(first.items.len(), 100);
    let rest = topics
        .list_subscriptions_by_topic(&tenant(), &topic, first.next_after.as_deref())
        .await
        .expect("a page");
    assert_eq!((rest.items.len(), rest.next_after), (51, None));
    let all: Vec<_> = first.items.iter().chain(&rest.items).collect();
    let shown: Vec<_> = all.iter().filter(|s| s.protocol == "email").collect();
    assert_eq!(shown[0].subscription_arn, "PendingConfirmation");
}

#[tokio::test]
async fn hosts_that_the_operator_vouches_for_need_no_handshake() {
    let config = belfry_notify::NotifyConfig {
        auto_confirm_hosts: vec!["127.0.0.1".to_owned()],
        ..crate::node::config()
    };
    let node = Node::with(config).await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    node.subscribe(&topic, "http", &receiver.url("/"), &[])
        .await
        .expect("subscribed");
    node.publish(&topic, "m").await;
    node.run().await;
    let [heard] = &receiver.take()[..] else {
        panic!("one request");
    };
    assert_eq!(heard.header("x-amz-sns-message-type"), Some("Notification"));
}
