//! Topics and publishing, by their texts.

use belfry_model::Tenant;
use belfry_notify::topic::{BatchEntry, PublishRequest};

use crate::node::{Node, attributes, tenant};

#[tokio::test]
async fn creating_twice_agrees_or_says_why_not() {
    let node = Node::start().await;
    let topics = &node.notifications.topics;
    let create = async |pairs: &[(&str, &str)], tags: &[(&str, &str)]| {
        let tags = attributes(tags).into_iter().collect();
        topics
            .create_topic(&tenant(), "ops", attributes(pairs), tags)
            .await
    };
    let arn = create(&[("DisplayName", "Ops")], &[("team", "a")])
        .await
        .expect("created");
    assert_eq!(arn, "arn:aws:sns:eu-central-1:000000000042:ops");
    assert_eq!(create(&[], &[]).await.expect("agrees"), arn);
    assert_eq!(
        create(&[("DisplayName", "Ops")], &[("team", "a")])
            .await
            .expect("agrees"),
        arn
    );
    let text = |result: belfry_notify::Result<String>| result.expect_err("differs").to_string();
    assert_eq!(
        text(create(&[("DisplayName", "Dev")], &[]).await),
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
    );
    assert_eq!(
        text(create(&[], &[("team", "b")]).await),
        "Invalid parameter: Tags Reason: Topic already exists with different tags"
    );
    topics.delete_topic(&tenant(), &arn).await.expect("deleted");
    topics
        .delete_topic(&tenant(), &arn)
        .await
        .expect("no error");
    let gone = topics
        .topic_attributes(&tenant(), &arn)
        .await
        .expect_err("gone");
    assert_eq!(gone.code(), "NotFound");
    assert_eq!(gone.to_string(), "Topic does not exist");
}

#[tokio::test]
async fn attributes_change_one_by_one() {
    let node = Node::start().await;
    let topics = &node.notifications.topics;
    let arn = node.topic("ops").await;
    let set = async |name: &str, value: Option<&str>| {
        topics
            .set_topic_attribute(&tenant(), &arn, name, value)
            .await
    };
    let policy = r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":7}}}"#;
    set("DeliveryPolicy", Some(policy)).await.expect("set");
    let seen = topics
        .topic_attributes(&tenant(), &arn)
        .await
        .expect("there");
    assert_eq!(seen["DeliveryPolicy"], policy);
    assert!(seen["EffectiveDeliveryPolicy"].contains(r#""numRetries":7"#));
    set("DeliveryPolicy", Some("")).await.expect("cleared");
    let seen = topics
        .topic_attributes(&tenant(), &arn)
        .await
        .expect("there");
    assert_eq!(seen.get("DeliveryPolicy"), None);
    let error = set("Nonsense", Some("x")).await.expect_err("unknown");
    assert_eq!(error.to_string(), "Invalid parameter: AttributeName");
}

#[tokio::test]
async fn permissions_are_statements() {
    let node = Node::start().await;
    let topics = &node.notifications.topics;
    let arn = node.topic("ops").await;
    let accounts = ["444455556666".to_owned()];
    let add = async |actions: &[&str]| {
        let actions: Vec<String> = actions.iter().map(|a| (*a).to_owned()).collect();
        topics
            .add_permission(&tenant(), &arn, "friends", &accounts, &actions)
            .await
    };
    add(&["Publish"]).await.expect("added");
    let error = add(&["Publish"]).await.expect_err("taken");
    assert_eq!(
        error.to_string(),
        "Invalid parameter: Statement already exists"
    );
    let error = add(&["Fly"]).await.expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "Invalid parameter: Policy statement action out of service scope!"
    );
    topics
        .remove_permission(&tenant(), &arn, "friends")
        .await
        .expect("removed");
    topics
        .remove_permission(&tenant(), &arn, "friends")
        .await
        .expect("no error");
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_added_at_once_are_all_kept() {
    let node = Node::start().await;
    let topics = &node.notifications.topics;
    let arn = node.topic("ops").await;
    let accounts = ["444455556666".to_owned()];
    let actions = ["Publish".to_owned()];
    let labels: Vec<String> = (0..20).map(|n| format!("friend-{n}")).collect();
    let calls = labels.iter().map(|label| {
        let (topics, arn, label) = (topics.clone(), arn.clone(), label.clone());
        let (accounts, actions) = (accounts.clone(), actions.clone());
        tokio::spawn(async move {
            topics
                .add_permission(&tenant(), &arn, &label, &accounts, &actions)
                .await
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.expect("no panic").expect("added");
    }
    let attributes = topics.topic_attributes(&tenant(), &arn).await;
    let policy = attributes.expect("attributes")["Policy"].clone();
    for label in labels {
        assert!(
            policy.contains(&format!("\"{label}\"")),
            "{label}: {policy}"
        );
    }
}

#[tokio::test]
async fn tags_have_their_codes() {
    let node = Node::start().await;
    let topics = &node.notifications.topics;
    let arn = node.topic("ops").await;
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let twice = [tag("a", "1"), tag("a", "2")];
    let error = topics
        .tag_topic(&tenant(), &arn, &twice)
        .await
        .expect_err("twice");
    assert_eq!(
        error.to_string(),
        "Invalid parameter: Duplicated keys are not allowed."
    );
    let many: Vec<_> = (0..50).map(|n| tag(&n.to_string(), "x")).collect();
    topics
        .tag_topic(&tenant(), &arn, &many)
        .await
        .expect("50 fit");
    let error = topics.tag_topic(&tenant(), &arn, &[tag("more", "x")]).await;
    assert_eq!(error.expect_err("full").code(), "TagLimitExceeded");
    topics
        .untag_topic(&tenant(), &arn, &["0".to_owned()])
        .await
        .expect("removed");
    assert_eq!(
        topics
            .topic_tags(&tenant(), &arn)
            .await
            .expect("there")
            .len(),
        49
    );
    let gone = topics
        .topic_tags(&tenant(), &format!("{arn}x"))
        .await
        .expect_err("gone");
    assert_eq!(gone.code(), "ResourceNotFound");
}

#[tokio::test]
async fn accounts_and_regions_do_not_mix() {
    let node = Node::start().await;
    let topics = &node.notifications.topics;
    let arn = node.topic("ops").await;
    let elsewhere = Tenant::new("000000000042", "us-east-1");
    let request = PublishRequest {
        topic_arn: Some(arn.clone()),
        message: "m".to_owned(),
        ..PublishRequest::default()
    };
    let error = topics
        .publish(&elsewhere, request.clone())
        .await
        .expect_err("region");
    assert_eq!(error.to_string(), "Invalid parameter: TopicArn");
    let stranger = Tenant::new("000000000043", "eu-central-1");
    let error = topics
        .publish(&stranger, request)
        .await
        .expect_err("account");
    assert_eq!(error.code(), "AuthorizationError");
    let listed = topics.list_topics(&stranger, None).await.expect("a page");
    assert_eq!(listed.items, Vec::<String>::new());
}

/// The table of spec notifications.md 5.1.
#[tokio::test]
async fn texts_of_publish() {
    let node = Node::start().await;
    let topics = &node.notifications.topics;
    let arn = node.topic("ops").await;
    let to_topic = |message: &str| PublishRequest {
        topic_arn: Some(arn.clone()),
        message: message.to_owned(),
        ..PublishRequest::default()
    };
    let to_phone = |number: &str| PublishRequest {
        phone_number: Some(number.to_owned()),
        message: "m".to_owned(),
        ..PublishRequest::default()
    };
    let to_target = |target: &str| PublishRequest {
        target_arn: Some(target.to_owned()),
        message: "m".to_owned(),
        ..PublishRequest::default()
    };
    for (request, text) in [
        (to_topic(""), "Invalid parameter: Empty message"),
        (
            to_topic(&"x".repeat(262_145)),
            "Invalid parameter: Message too long",
        ),
        (
            PublishRequest {
                subject: Some(String::new()),
                ..to_topic("m")
            },
            "Invalid parameter: Subject",
        ),
        (
            PublishRequest {
                deduplication_id: Some("d".to_owned()),
                ..to_topic("m")
            },
            "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
        ),
        (
            to_target("arn:aws:sns:eu-central-1:000000000042:endpoint/GCM/app/1"),
            "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified",
        ),
        (
            PublishRequest {
                message: "m".to_owned(),
                ..PublishRequest::default()
            },
            "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter",
        ),
        (
            to_phone("12ab"),
            "Invalid parameter: PhoneNumber Reason: 12ab is not valid to publish to",
        ),
        (
            to_target("arn:aws:sns:eu-central-1:000000000042:gone"),
            "Topic does not exist",
        ),
    ] {
        let error = topics.publish(&tenant(), request).await.expect_err(text);
        assert_eq!(error.to_string(), text);
    }
    topics
        .publish(&tenant(), to_topic(&"x".repeat(262_144)))
        .await
        .expect("just fits");
    topics
        .publish(&tenant(), to_target(&arn))
        .await
        .expect("a topic is a target");
}

#[tokio::test]
async fn large_messages_need_a_topic_for_them() {
    let node = Node::start().await;
    let topics = &node.notifications.topics;
    let arn = node
        .topic_with("ops", &[("MaximumMessageSize", "1048576")])
        .await;
    let request = PublishRequest {
        topic_arn: Some(arn.clone()),
        message: "x".repeat(300_000),
        ..PublishRequest::default()
    };
    topics
        .publish(&tenant(), request.clone())
        .await
        .expect("fits");
    let queue = "arn:aws:sqs:eu-central-1:000000000042:q";
    node.subscribe(&arn, "sqs", queue, &[])
        .await
        .expect("subscribed");
    topics
        .publish(&tenant(), request.clone())
        .await
        .expect("queues take it");
    node.subscribe(&arn, "http", "http://127.0.0.1:9/", &[])
        .await
        .expect("subscribed");
    let error = topics
        .publish(&tenant(), request)
        .await
        .expect_err("http does not");
    assert_eq!(error.code(), "InvalidParameter");
    // In a batch, each message is measured by itself.
    let entry = |id: &str, bytes: usize| BatchEntry {
        id: id.to_owned(),
        message: "x".repeat(bytes),
        ..BatchEntry::default()
    };
    let entries = vec![
        entry("a", 200_000),
        entry("b", 200_000),
        entry("c", 300_000),
    ];
    let outcome = topics
        .publish_batch(&tenant(), &arn, entries)
        .await
        .expect("partly");
    assert_eq!(outcome.successful.len(), 2);
    assert_eq!(outcome.failed[0].id, "c");
}

#[tokio::test]
async fn batches_fail_in_part() {
    let node = Node::start().await;
    let topics = &node.notifications.topics;
    let arn = node.topic("ops").await;
    let queue = "arn:aws:sqs:eu-central-1:000000000042:q";
    node.subscribe(&arn, "sqs", queue, &[])
        .await
        .expect("subscribed");
    let entry = |id: &str, message: &str| BatchEntry {
        id: id.to_owned(),
        message: message.to_owned(),
        ..BatchEntry::default()
    };
    let entries = vec![entry("a", "one"), entry("b", ""), entry("c", "three")];
    let outcome = topics
        .publish_batch(&tenant(), &arn, entries)
        .await
        .expect("partly");
    let ids: Vec<_> = outcome.successful.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["a", "c"]);
    let [failed] = &outcome.failed[..] else {
        panic!("one failure");
    };
    assert_eq!(
        (
            failed.id.as_str(),
            failed.code,
            failed.message.as_str(),
            failed.sender_fault
        ),
        (
            "b",
            "InvalidParameter",
            "Invalid parameter: Empty message",
            true
        )
    );
    assert_eq!(node.outbox_len().await, 2);
    let too_long = vec![
        entry("a", &"x".repeat(200_000)),
        entry("b", &"x".repeat(100_000)),
    ];
    let error = topics
        .publish_batch(&tenant(), &arn, too_long)
        .await
        .expect_err("too long");
    assert_eq!(error.code(), "BatchRequestTooLong");
    assert_eq!(
        error.to_string(),
        "The length of all the messages put together is more than the limit."
    );
}
