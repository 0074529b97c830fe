//! What subscribers and owners of topics write.

use belfry_model::TimestampMs;
use belfry_notify::address::DenyList;
use belfry_notify::filter::{FilterPolicy, Scope};
use belfry_notify::message::{AttributeValue, Message, MessageAttribute, PublishPayload};
use belfry_notify::policy::{access, delivery, redrive};
use belfry_notify::topic::{Protocol, masked};

use super::checks::{Check, two_texts};

/// Every target of notifications, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("filter_policy", filter_policy),
    ("topic_policies", topic_policies),
    ("endpoint", endpoint),
];

/// The policy on the first line, the message after it.
pub fn filter_policy(data: &[u8]) {
    let Some((text, body)) = two_texts(data) else {
        return;
    };
    let attribute = |data_type: &str, text: &str| MessageAttribute {
        data_type: data_type.to_owned(),
        value: AttributeValue::Text(text.to_owned()),
    };
    let message = Message {
        topic_arn: String::new(),
        message_id: String::new(),
        timestamp: TimestampMs(0),
        subject: None,
        message: body.to_owned(),
        message_structure: None,
        attributes: [
            ("kind".to_owned(), attribute("String", body)),
            ("kinds".to_owned(), attribute("String.Array", body)),
            ("count".to_owned(), attribute("Number", body)),
        ]
        .into_iter()
        .collect(),
        group_id: None,
        deduplication_id: None,
    };
    for scope in [Scope::MessageAttributes, Scope::MessageBody] {
        for extensions in [false, true] {
            if let Ok(Some(policy)) = FilterPolicy::parse(text, scope, extensions) {
                let outcome = policy.evaluate(&message);
                assert_eq!(policy.evaluate(&message), outcome);
            }
        }
    }
}

/// Delivery, redrive and resource policies; what a topic shows of its delivery policy is a
/// delivery policy.
pub fn topic_policies(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(policy) = delivery::TopicDeliveryPolicy::parse(text) {
        let shown = policy.effective_json();
        let again = delivery::TopicDeliveryPolicy::parse(&shown);
        assert_eq!(again.map(|p| p.effective_json()), Ok(shown));
    }
    if let Ok(policy) = delivery::SubscriptionDeliveryPolicy::parse(text) {
        let topic = delivery::TopicDeliveryPolicy::default();
        let merged = delivery::EffectivePolicy::merge(&topic, &policy);
        assert!(merged.retry.total_delay_ms() >= 0);
        assert!(!merged.to_json().is_empty());
    }
    let _ = redrive::dead_letter_target(text);
    let _ = access::check_policy(text);
    let _ = access::without_statement(text, "label");
}

/// The protocol of a subscription on the first line, its endpoint after it. What is accepted is
/// shown without its password.
pub fn endpoint(data: &[u8]) {
    let Some((protocol, endpoint)) = two_texts(data) else {
        return;
    };
    if let Some(protocol) = Protocol::parse(protocol) {
        assert_eq!(Protocol::parse(protocol.as_str()), Some(protocol));
        if protocol.check_endpoint(endpoint).is_ok() {
            let shown = masked(endpoint);
            assert_eq!(masked(&shown), shown);
        }
    }
    let _ = DenyList::parse(endpoint.lines());
    // As it waits in the catalog, and as each protocol's subscribers get it.
    if let Ok(payload) = serde_json::from_str::<PublishPayload>(endpoint) {
        let _ = payload.message.text_for(protocol);
        let again = serde_json::to_value(&payload).expect("JSON");
        assert_eq!(
            serde_json::from_value::<PublishPayload>(again).ok(),
            Some(payload)
        );
    }
}
