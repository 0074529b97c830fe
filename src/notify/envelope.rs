//! The JSON that endpoints receive, to the byte (spec notifications.md 3.1).

use serde_json::{Map, Value, json};

use crate::message::{ConfirmationKind, ConfirmationPayload, Message};
use crate::signature::{Signature, string_to_sign};

/// What a notification's signature covers (spec notifications.md 6).
pub fn notification_string_to_sign(message: &Message) -> String {
    let timestamp = message.timestamp.to_iso8601_millis();
    let mut pairs = vec![
        ("Message", message.message.as_str()),
        ("MessageId", message.message_id.as_str()),
    ];
    if let Some(subject) = &message.subject {
        pairs.push(("Subject", subject));
    }
    pairs.extend([
        ("Timestamp", timestamp.as_str()),
        ("TopicArn", message.topic_arn.as_str()),
        ("Type", "Notification"),
    ]);
    string_to_sign(&pairs)
}

/// The body of a notification. The message's text must be the one for the protocol.
pub fn notification(
    message: &Message,
    signature: &Signature,
    base_url: &str,
    subscription_arn: &str,
) -> String {
    let mut members = Members::default();
    members.text("Type", "Notification");
    members.text("MessageId", &message.message_id);
    members.text("TopicArn", &message.topic_arn);
    if let Some(subject) = &message.subject {
        members.text("Subject", subject);
    }
    members.text("Message", &message.message);
    members.text("Timestamp", &message.timestamp.to_iso8601_millis());
    members.signature(signature);
    members.text(
        "UnsubscribeURL",
        &unsubscribe_url(base_url, subscription_arn),
    );
    if !message.attributes.is_empty() {
        let attributes: Map<String, Value> = message
            .attributes
            .iter()
            .map(|(name, a)| {
                let shown = json!({"Type": a.data_type, "Value": a.value.to_wire()});
                (name.clone(), shown)
            })
            .collect();
        members.json("MessageAttributes", &Value::Object(attributes));
    }
    members.finish()
}

/// What a handshake message says in words. Receivers parse it.
pub fn confirmation_text(payload: &ConfirmationPayload) -> String {
    match payload.kind {
        ConfirmationKind::Subscribe => format!(
            "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the SubscribeURL included in this message.",
            payload.topic_arn
        ),
        ConfirmationKind::Unsubscribe => format!(
            "You have chosen to deactivate subscription {}.\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
            payload.subscription_arn
        ),
    }
}

pub fn confirmation_string_to_sign(payload: &ConfirmationPayload, base_url: &str) -> String {
    string_to_sign(&[
        ("Message", &confirmation_text(payload)),
        ("MessageId", &payload.message_id),
        (
            "SubscribeURL",
            &subscribe_url(base_url, &payload.topic_arn, &payload.token),
        ),
        ("Timestamp", &payload.timestamp.to_iso8601_millis()),
        ("Token", &payload.token),
        ("TopicArn", &payload.topic_arn),
        ("Type", payload.kind.type_name()),
    ])
}

/// The body of a handshake message.
pub fn confirmation(
    payload: &ConfirmationPayload,
    signature: &Signature,
    base_url: &str,
) -> String {
    let mut members = Members::default();
    members.text("Type", payload.kind.type_name());
    members.text("MessageId", &payload.message_id);
    members.text("Token", &payload.token);
    members.text("TopicArn", &payload.topic_arn);
    members.text("Message", &confirmation_text(payload));
    members.text(
        "SubscribeURL",
        &subscribe_url(base_url, &payload.topic_arn, &payload.token),
    );
    members.text("Timestamp", &payload.timestamp.to_iso8601_millis());
    members.signature(signature);
    members.finish()
}

/// ARNs are not escaped in these URLs (spec notifications.md 2.4).
pub fn subscribe_url(base_url: &str, topic_arn: &str, token: &str) -> String {
    format!("{base_url}/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}")
}

pub fn unsubscribe_url(base_url: &str, subscription_arn: &str) -> String {
    format!("{base_url}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}")
}

/// An object as AWS prints it: two blanks before each member, blanks around the colon. Naive
/// receivers search for exactly that.
#[derive(Default)]
struct Members(Vec<String>);

impl Members {
    fn json(&mut self, name: &str, value: &Value) {
        self.0.push(format!("  \"{name}\" : {value}"));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.json(name, &Value::from(text));
    }

    fn signature(&mut self, signature: &Signature) {
        self.text("SignatureVersion", signature.version.as_str());
        self.text("Signature", &signature.value);
        self.text("SigningCertURL", &signature.cert_url);
    }

    fn finish(self) -> String {
        format!("{{\n{}\n}}", self.0.join(",\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{AttributeValue, MessageAttribute, MessageAttributes, PAYLOAD_VERSION};
    use crate::signature::SignatureVersion;
    use belfry_model::TimestampMs;

    fn signature() -> Signature {
        Signature {
            version: SignatureVersion::V2,
            value: "BASE64".to_owned(),
            cert_url: "https://belfry.example.net/SimpleNotificationService-5f0e.pem".to_owned(),
        }
    }

    /// The example of spec notifications.md 3.1.
    #[test]
    fn notifications_are_exact() {
        let message = Message {
            topic_arn: "arn:aws:sns:eu-central-1:000000000042:ops".to_owned(),
            message_id: "6f0c7a52-0f0b-5a1e-9d53-2d7a3b1fd011".to_owned(),
            timestamp: TimestampMs::parse_iso8601("2026-04-02T09:15:27.114Z").expect("valid"),
            subject: Some("disk filling up".to_owned()),
            message: "volume /data on node-3 is at 91 %\n\"é\"".to_owned(),
            message_structure: None,
            attributes: MessageAttributes::from([(
                "severity".to_owned(),
                MessageAttribute {
                    data_type: "String".to_owned(),
                    value: AttributeValue::Text("warning".to_owned()),
                },
            )]),
            group_id: None,
            deduplication_id: None,
        };
        let arn = "arn:aws:sns:eu-central-1:000000000042:ops:1b0e6a11-7f7a-4f0c-8f0e-31a7f1b0c9aa";
        assert_eq!(
            notification(&message, &signature(), "https://belfry.example.net", arn),
            r#"{
  "Type" : "Notification",
  "MessageId" : "6f0c7a52-0f0b-5a1e-9d53-2d7a3b1fd011",
  "TopicArn" : "arn:aws:sns:eu-central-1:000000000042:ops",
  "Subject" : "disk filling up",
  "Message" : "volume /data on node-3 is at 91 %\n\"é\"",
  "Timestamp" : "2026-04-02T09:15:27.114Z",
  "SignatureVersion" : "2",
  "Signature" : "BASE64",
  "SigningCertURL" : "https://belfry.example.net/SimpleNotificationService-5f0e.pem",
  "UnsubscribeURL" : "https://belfry.example.net/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:eu-central-1:000000000042:ops:1b0e6a11-7f7a-4f0c-8f0e-31a7f1b0c9aa",
  "MessageAttributes" : {"severity":{"Type":"String","Value":"warning"}}
}"#
        );
        assert_eq!(
            notification_string_to_sign(&message),
            "Message\nvolume /data on node-3 is at 91 %\n\"é\"\nMessageId\n6f0c7a52-0f0b-5a1e-9d53-2d7a3b1fd011\nSubject\ndisk filling up\nTimestamp\n2026-04-02T09:15:27.114Z\nTopicArn\narn:aws:sns:eu-central-1:000000000042:ops\nType\nNotification\n"
        );
    }

    #[test]
    fn confirmations_are_exact() {
        let payload = ConfirmationPayload {
            version: PAYLOAD_VERSION,
            kind: ConfirmationKind::Subscribe,
            message_id: "id".to_owned(),
            timestamp: TimestampMs(0),
            topic_arn: "arn:aws:sns:r:a:t".to_owned(),
            subscription_arn: "arn:aws:sns:r:a:t:s".to_owned(),
            protocol: "http".to_owned(),
            endpoint: "http://127.0.0.1/".to_owned(),
            token: "abc".to_owned(),
            requested_by: None,
        };
        assert_eq!(
            confirmation(&payload, &signature(), "http://b"),
            r#"{
  "Type" : "SubscriptionConfirmation",
  "MessageId" : "id",
  "Token" : "abc",
  "TopicArn" : "arn:aws:sns:r:a:t",
  "Message" : "You have chosen to subscribe to the topic arn:aws:sns:r:a:t.\nTo confirm the subscription, visit the SubscribeURL included in this message.",
  "SubscribeURL" : "http://b/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:r:a:t&Token=abc",
  "Timestamp" : "1970-01-01T00:00:00.000Z",
  "SignatureVersion" : "2",
  "Signature" : "BASE64",
  "SigningCertURL" : "https://belfry.example.net/SimpleNotificationService-5f0e.pem"
}"#
        );
        assert_eq!(
            confirmation_string_to_sign(&payload, "http://b"),
            format!(
                "Message\n{}\nMessageId\nid\nSubscribeURL\nhttp://b/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:r:a:t&Token=abc\nTimestamp\n1970-01-01T00:00:00.000Z\nToken\nabc\nTopicArn\narn:aws:sns:r:a:t\nType\nSubscriptionConfirmation\n",
                confirmation_text(&payload)
            )
        );
    }
}
