//! Deliveries by mail, and the links in them.

use std::collections::BTreeMap;

use belfry_notify::observer::DeliveryStatus;
use belfry_notify::topic::PublishRequest;
use belfry_notify::{NotifyConfig, SmtpConfig, SmtpTls};
use url::Url;

use crate::node::{Node, START, caller, config, tenant};
use crate::relay::Relay;

const ADDRESS: &str = "ops@example.org";

async fn node_with(relay: &Relay) -> Node {
    let smtp = SmtpConfig {
        host: relay.address.ip().to_string(),
        port: relay.address.port(),
        tls: SmtpTls::None,
        username: None,
        password: None,
        from: "belfry@example.net".to_owned(),
    };
    Node::with(NotifyConfig {
        smtp: Some(smtp),
        ..config()
    })
    .await
}

fn query(link: &Url) -> BTreeMap<String, String> {
    link.query_pairs().into_owned().collect()
}

/// Follows the link of a confirmation mail and presses the button.
async fn press_confirm(node: &Node, link: &Url) -> String {
    assert_eq!(link.path(), "/confirmation.html");
    let query = query(link);
    node.confirm(&query["TopicArn"], &query["Token"])
        .await
        .expect("confirmed")
}

#[tokio::test]
async fn addresses_agree_then_get_mail_then_leave() {
    let relay = Relay::start().await;
    let node = node_with(&relay).await;
    let topic = node
        .topic_with("ops", &[("DisplayName", "Ops – alarms")])
        .await;
    node.subscribe(&topic, "email", ADDRESS, &[])
        .await
        .expect("subscribed");
    node.run().await;
    let asked = relay.take().pop().expect("a mail");
    assert_eq!(asked.to, format!("RCPT TO:<{ADDRESS}>"));
    assert_eq!(
        asked.header("Subject"),
        Some("Confirm your subscription to ops")
    );
    assert!(asked.body.contains(&topic) && asked.body.contains(&caller().principal));
    assert_eq!(asked.header("List-Unsubscribe"), None);
    let subscription = press_confirm(&node, &asked.link()).await;

    let request = PublishRequest {
        topic_arn: Some(topic.clone()),
        message: r#"{"default":"d","email":"Zeile eins é\n.Punkt"}"#.to_owned(),
        message_structure: Some("json".to_owned()),
        subject: Some("disk filling up".to_owned()),
        ..PublishRequest::default()
    };
    let topics = &node.notifications.topics;
    let published = topics.publish(&tenant(), request).await.expect("published");
    node.run().await;
    let mail = relay.take().pop().expect("a mail");
    assert_eq!(mail.from, "MAIL FROM:<belfry@example.net>");
    assert_eq!(mail.header("Subject"), Some("disk filling up"));
    assert!(
        mail.body.starts_with("Zeile eins é\n.Punkt\n\n--\n"),
        "{}",
        mail.body
    );
    assert_eq!(
        mail.header("Message-ID"),
        Some(&*format!("<{}@belfry.example.net>", published.message_id))
    );
    assert_eq!(mail.header("Date"), Some("Thu, 02 Apr 2026 09:15:27 +0000"));
    assert_eq!(mail.header("X-Belfry-Topic"), Some(&*topic));

    // The link is signed for this address alone, and acts.
    let listed = mail.header("List-Unsubscribe").expect("a way out");
    assert_eq!(listed, format!("<{}>", mail.link()));
    let query = query(&mail.link());
    assert_eq!(query["SubscriptionArn"], subscription);
    let forged = topics.unsubscribe_by_link(&subscription, "you@example.org", &query["Signature"]);
    assert_eq!(
        forged.await.expect_err("forged").code(),
        "AuthorizationError"
    );
    topics
        .unsubscribe_by_link(&subscription, &query["Endpoint"], &query["Signature"])
        .await
        .expect("unsubscribed");
    node.run().await;
    let farewell = relay.take().pop().expect("a mail");
    assert_eq!(farewell.header("Subject"), Some("Unsubscribed from ops"));
    node.publish(&topic, "nobody hears").await;
    node.run().await;
    assert!(relay.take().is_empty());

    // And the farewell leads back.
    assert_eq!(press_confirm(&node, &farewell.link()).await, subscription);
    node.publish(&topic, "heard again").await;
    node.run().await;
    let mail = relay.take().pop().expect("a mail");
    assert_eq!(mail.header("Subject"), Some("Notification from ops"));
}

#[tokio::test]
async fn mails_in_json_are_the_envelope() {
    let relay = Relay::start().await;
    let node = node_with(&relay).await;
    let topic = node.topic("ops").await;
    node.subscribe(&topic, "email-json", ADDRESS, &[])
        .await
        .expect("subscribed");
    node.run().await;
    let asked = relay.take().pop().expect("a mail");
    press_confirm(&node, &asked.link()).await;
    node.publish(&topic, "text").await;
    node.run().await;
    let mail = relay.take().pop().expect("a mail");
    let envelope: serde_json::Value = serde_json::from_str(&mail.body).expect("JSON");
    assert_eq!(envelope["Message"], "text");
    assert_eq!(envelope["Timestamp"], START);
    assert_eq!(
        mail.header("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn replies_of_the_relay_decide() {
    let relay = Relay::start().await;
    let node = node_with(&relay).await;
    let topic = node.topic("ops").await;
    relay.answer_recipient("451 try later");
    let outcome = node
        .subscribe(&topic, "email", ADDRESS, &[])
        .await
        .expect("subscribed");
    node.run().await;
    assert_eq!(node.next_due_s().await, Some(10.0));
    relay.answer_recipient("550 no such user");
    node.advance_and_run(10).await;
    assert_eq!(node.outbox_len().await, 0);
    let reports = node.reports(&outcome.subscription_arn);
    let seen: Vec<_> = reports.iter().map(|r| (r.status, r.status_code)).collect();
    assert_eq!(
        seen,
        [
            (DeliveryStatus::Retrying, Some(451)),
            (DeliveryStatus::Failed, Some(550)),
        ]
    );
    assert!(relay.take().is_empty());
}

#[tokio::test]
async fn relays_may_want_a_password() {
    let relay = Relay::start().await;
    let smtp = SmtpConfig {
        host: relay.address.ip().to_string(),
        port: relay.address.port(),
        tls: SmtpTls::None,
        username: Some("u".to_owned()),
        password: Some("p".to_owned()),
        from: "belfry@example.net".to_owned(),
    };
    let node = Node::with(NotifyConfig {
        smtp: Some(smtp),
        ..config()
    })
    .await;
    let topic = node.topic("ops").await;
    node.subscribe(&topic, "email", ADDRESS, &[])
        .await
        .expect("subscribed");
    node.run().await;
    let mail = relay.take().pop().expect("a mail");
    assert_eq!(mail.auth.as_deref(), Some("AUTH PLAIN AHUAcA=="));
}

#[tokio::test]
async fn without_a_relay_mails_fail_on_record() {
    let node = Node::start().await;
    let topic = node.topic("ops").await;
    let outcome = node
        .subscribe(&topic, "email", ADDRESS, &[])
        .await
        .expect("subscribed");
    node.run().await;
    let report = node
        .reports(&outcome.subscription_arn)
        .pop()
        .expect("a report");
    assert_eq!(report.status, DeliveryStatus::Failed);
    assert_eq!(report.detail, "no transport configured");
    assert_eq!(node.outbox_len().await, 0);
}

/// A relay that offers no STARTTLS (or somebody between who hides it) hears neither the
/// password nor the mail.
#[tokio::test]
async fn nothing_is_said_in_clear_text_where_tls_is_due() {
    let relay = Relay::start().await;
    let smtp = SmtpConfig {
        host: relay.address.ip().to_string(),
        port: relay.address.port(),
        tls: SmtpTls::StartTls,
        username: Some("u".to_owned()),
        password: Some("p".to_owned()),
        from: "belfry@example.net".to_owned(),
    };
    let node = Node::with(NotifyConfig {
        smtp: Some(smtp),
        ..config()
    })
    .await;
    let topic = node.topic("ops").await;
    let outcome = node
        .subscribe(&topic, "email", ADDRESS, &[])
        .await
        .expect("subscribed");
    node.run().await;
    assert!(relay.take().is_empty());
    assert!(!relay.words().iter().any(|word| word == "AUTH"));
    let report = node
        .reports(&outcome.subscription_arn)
        .pop()
        .expect("a report");
    assert_eq!(report.status, DeliveryStatus::Retrying);
}
