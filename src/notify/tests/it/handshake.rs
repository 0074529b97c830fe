//! The handshake, the notification after it, and the signatures of both.

use base64::Engine as _;
use belfry_model::Clock;
use belfry_notify::message::AttributeValue;
use belfry_notify::topic::{AttributeInput, PublishRequest};
use indexmap::IndexMap;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use serde_json::Value;
use x509_parser::pem::parse_x509_pem;

use crate::node::{Node, PUBLIC_URL, START, tenant};
use crate::receiver::{Received, Receiver};

/// Verifies as a receiver does: certificate from its URL, string to sign from the body, other
/// people's parser and arithmetic.
async fn verify(node: &Node, envelope: &Value) {
    let text = |name: &str| envelope[name].as_str().unwrap_or_default();
    let path = text("SigningCertURL")
        .strip_prefix(PUBLIC_URL)
        .expect("our host");
    let signer = &node.notifications.signer;
    let pem = signer
        .certificate_pem(path)
        .await
        .expect("a key")
        .expect("a certificate");
    let (_, pem) = parse_x509_pem(pem.as_bytes()).expect("PEM");
    let certificate = pem.parse_x509().expect("X.509");
    certificate
        .verify_signature(None)
        .expect("signed by itself");
    let now = node.clock.now().as_secs();
    let validity = certificate.validity();
    assert!(validity.not_before.timestamp() <= now && validity.not_after.timestamp() > now);

    let names: &[&str] = match text("Type") {
        "Notification" => &[
            "Message",
            "MessageId",
            "Subject",
            "Timestamp",
            "TopicArn",
            "Type",
        ],
        _ => &[
            "Message",
            "MessageId",
            "SubscribeURL",
            "Timestamp",
            "Token",
            "TopicArn",
            "Type",
        ],
    };
    let signed: String = names
        .iter()
        .filter(|name| envelope.get(**name).is_some())
        .map(|name| format!("{name}\n{}\n", text(name)))
        .collect();
    let algorithm: &RsaParameters = match text("SignatureVersion") {
        "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        "2" => &RSA_PKCS1_2048_8192_SHA256,
        other => panic!("signature version {other}"),
    };
    let key = UnparsedPublicKey::new(algorithm, &certificate.public_key().subject_public_key.data);
    let signature = base64::engine::general_purpose::STANDARD
        .decode(text("Signature"))
        .expect("base64");
    key.verify(signed.as_bytes(), &signature)
        .expect("a valid signature");
    assert!(
        key.verify(format!("{signed}x").as_bytes(), &signature)
            .is_err()
    );
}

fn members(received: &Received) -> Vec<String> {
    received
        .json()
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
}

#[tokio::test]
async fn endpoints_confirm_then_hear() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let outcome = node
        .subscribe(&topic, "http", &receiver.url("/hooks/ops?team=a"), &[])
        .await
        .expect("subscribed");
    assert_eq!(outcome.shown(), "pending confirmation");

    // No notification before the confirmation.
    node.publish(&topic, "too early").await;
    node.run().await;
    let [asked] = &receiver.take()[..] else {
        panic!("one request");
    };
    assert_eq!(asked.request_line, "POST /hooks/ops?team=a HTTP/1.1");
    for (name, value) in [
        ("x-amz-sns-message-type", "SubscriptionConfirmation"),
        ("x-amz-sns-topic-arn", topic.as_str()),
        ("content-type", "text/plain; charset=UTF-8"),
        ("user-agent", "Amazon Simple Notification Service Agent"),
        ("accept-encoding", "gzip,deflate"),
        ("connection", "Keep-Alive"),
        ("host", receiver.address.to_string().as_str()),
    ] {
        assert_eq!(asked.header(name), Some(value), "{name}");
    }
    assert_eq!(asked.header("x-amz-sns-subscription-arn"), None);
    let envelope = asked.json();
    assert_eq!(
        asked.header("x-amz-sns-message-id"),
        envelope["MessageId"].as_str()
    );
    assert_eq!(
        members(asked),
        [
            "Type",
            "MessageId",
            "Token",
            "TopicArn",
            "Message",
            "SubscribeURL",
            "Timestamp",
            "SignatureVersion",
            "Signature",
            "SigningCertURL",
        ]
    );
    verify(&node, &envelope).await;
    let token = envelope["Token"].as_str().expect("a token");
    assert_eq!(
        envelope["SubscribeURL"],
        format!("{PUBLIC_URL}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}")
    );

    let subscription = node.confirm(&topic, token).await.expect("confirmed");
    assert_eq!(subscription, outcome.subscription_arn);
    // A token stays usable and just returns the ARN.
    assert_eq!(
        node.confirm(&topic, token).await.expect("again"),
        subscription
    );

    let request = PublishRequest {
        topic_arn: Some(topic.clone()),
        message: "volume /data on node-3 is at 91 %".to_owned(),
        subject: Some("disk filling up".to_owned()),
        attributes: IndexMap::from([(
            "severity".to_owned(),
            AttributeInput {
                data_type: Some("String".to_owned()),
                string_value: Some("warning".to_owned()),
                binary_value: None,
            },
        )]),
        ..PublishRequest::default()
    };
    let published = node
        .notifications
        .topics
        .publish(&tenant(), request)
        .await
        .expect("published");
    node.run().await;
    let [heard] = &receiver.take()[..] else {
        panic!("one request");
    };
    assert_eq!(heard.header("x-amz-sns-message-type"), Some("Notification"));
    assert_eq!(
        heard.header("x-amz-sns-subscription-arn"),
        Some(&*subscription)
    );
    assert_eq!(
        heard.header("x-amz-sns-message-id"),
        Some(&*published.message_id)
    );
    assert_eq!(heard.header("x-amz-sns-rawdelivery"), None);
    assert_eq!(
        members(heard),
        [
            "Type",
            "MessageId",
            "TopicArn",
            "Subject",
            "Message",
            "Timestamp",
            "SignatureVersion",
            "Signature",
            "SigningCertURL",
            "UnsubscribeURL",
            "MessageAttributes",
        ]
    );
    assert_eq!(heard.json()["Timestamp"], START);
    assert!(
        heard
            .body
            .starts_with("{\n  \"Type\" : \"Notification\",\n")
    );
    verify(&node, &heard.json()).await;
    assert_eq!(node.outbox_len().await, 0);
}

#[tokio::test]
async fn topics_choose_their_signature_and_restarts_keep_the_key() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic_with("ops", &[("SignatureVersion", "2")]).await;
    node.subscribe_receiver(&topic, &receiver, &[]).await;
    node.publish(&topic, "one").await;
    node.run().await;
    let first = receiver.take().pop().expect("a request").json();
    assert_eq!(first["SignatureVersion"], "2");
    verify(&node, &first).await;

    let node = node.restart().await;
    node.publish(&topic, "two").await;
    node.run().await;
    let second = receiver.take().pop().expect("a request").json();
    assert_eq!(first["SigningCertURL"], second["SigningCertURL"]);
    verify(&node, &first).await;
    verify(&node, &second).await;

    let signer = &node.notifications.signer;
    for path in ["/", "/SimpleNotificationService-00.pem", "/../etc/passwd"] {
        assert_eq!(signer.certificate_pem(path).await.expect("no error"), None);
    }
}

#[tokio::test]
async fn raw_deliveries_are_the_text_alone() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let policy = r#"{"requestPolicy":{"headerContentType":"application/json"}}"#;
    node.subscribe_receiver(
        &topic,
        &receiver,
        &[("RawMessageDelivery", "true"), ("DeliveryPolicy", policy)],
    )
    .await;
    let structured = PublishRequest {
        topic_arn: Some(topic),
        message: r#"{"default":"d","http":"{\"a\":1}","https":"no"}"#.to_owned(),
        message_structure: Some("json".to_owned()),
        subject: Some("dropped".to_owned()),
        ..PublishRequest::default()
    };
    let topics = &node.notifications.topics;
    topics
        .publish(&tenant(), structured)
        .await
        .expect("published");
    node.run().await;
    let heard = receiver.take().pop().expect("a request");
    assert_eq!(heard.body, r#"{"a":1}"#);
    assert_eq!(heard.header("x-amz-sns-rawdelivery"), Some("true"));
    assert_eq!(heard.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn binary_attributes_travel_as_base64() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    node.subscribe_receiver(&topic, &receiver, &[]).await;
    let bytes = vec![0, 255];
    let request = PublishRequest {
        topic_arn: Some(topic),
        message: "m".to_owned(),
        attributes: IndexMap::from([(
            "b".to_owned(),
            AttributeInput {
                data_type: Some("Binary".to_owned()),
                string_value: None,
                binary_value: Some(bytes.clone()),
            },
        )]),
        ..PublishRequest::default()
    };
    let topics = &node.notifications.topics;
    topics.publish(&tenant(), request).await.expect("published");
    node.run().await;
    let heard = receiver.take().pop().expect("a request").json();
    assert_eq!(heard["MessageAttributes"]["b"]["Type"], "Binary");
    assert_eq!(
        heard["MessageAttributes"]["b"]["Value"],
        AttributeValue::Binary(bytes).to_wire()
    );
}

/// In clear text the password is told only to who asks for it.
#[tokio::test]
async fn basic_authentication_waits_for_the_challenge() {
    let node = Node::start().await;
    let receiver = Receiver::start().await;
    let topic = node.topic("ops").await;
    let endpoint = format!("http://user:p%40ss@{}/hook", receiver.address);
    receiver.answer(
        "401 Unauthorized",
        "WWW-Authenticate: Basic realm=\"x\"\r\n",
    );
    node.subscribe(&topic, "http", &endpoint, &[])
        .await
        .expect("subscribed");
    node.run().await;
    let [first, second] = &receiver.take()[..] else {
        panic!("two requests");
    };
    assert_eq!(first.header("authorization"), None);
    assert_eq!(second.header("authorization"), Some("Basic dXNlcjpwQHNz"));
    let topics = &node.notifications.topics;
    let listed = topics
        .list_subscriptions(&tenant(), None)
        .await
        .expect("listed");
    assert_eq!(
        listed.items[0].endpoint,
        format!("http://user:****@{}/hook", receiver.address)
    );
}
