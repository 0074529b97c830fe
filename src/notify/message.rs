//! What the outbox carries: one payload for each kind of row.
//!
//! Rows outlive the program that wrote them, so each payload names its layout's version and
//! new fields are optional.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use belfry_catalog::outbox::{NewOutboxRow, OutboxKind};
use belfry_model::{Tenant, TimestampMs};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The layout written today. Readers refuse what is newer.
pub const PAYLOAD_VERSION: u32 = 1;

/// The `MessageStructure` that gives each protocol its own text (spec notifications.md 5.3).
pub const STRUCTURE_JSON: &str = "json";

/// The value of one message attribute (spec notifications.md 5.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAttribute {
    /// `String`, `String.Array`, `Number`, `Binary`, or one of these with a `.custom` suffix.
    pub data_type: String,
    pub value: AttributeValue,
}

/// Text, or bytes for `Binary`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeValue {
    Text(String),
    Binary(#[serde(with = "base64_bytes")] Vec<u8>),
}

impl AttributeValue {
    /// As envelopes show it: the text, or base64 of the bytes.
    pub fn to_wire(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Binary(bytes) => BASE64.encode(bytes),
        }
    }

    /// Bytes as the size limit counts them.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The attributes of a message, in the publisher's order.
pub type MessageAttributes = IndexMap<String, MessageAttribute>;

/// One message on its way to a topic's subscribers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub topic_arn: String,
    /// A UUID, the same on every retry and for every subscriber.
    pub message_id: String,
    /// When it was published.
    pub timestamp: TimestampMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text, or for `MessageStructure=json` the object of texts by protocol.
    pub message: String,
    /// `None` or `json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_structure: Option<String>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub attributes: MessageAttributes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplication_id: Option<String>,
}

impl Message {
    /// The text for one protocol: its own member of a structured message, else `default`
    /// (spec notifications.md 5.3). Unstructured messages are the same for all.
    pub fn text_for(&self, protocol: &str) -> String {
        if self.message_structure.as_deref() != Some(STRUCTURE_JSON) {
            return self.message.clone();
        }
        let texts: serde_json::Map<String, serde_json::Value> =
            match serde_json::from_str(&self.message) {
                Ok(texts) => texts,
                // Publishing checked this; whatever it is, the subscriber gets it whole.
                Err(_) => return self.message.clone(),
            };
        [protocol, "default"]
            .iter()
            .find_map(|key| texts.get(*key).and_then(|v| v.as_str()))
            .map_or_else(|| self.message.clone(), str::to_owned)
    }
}

/// The alarm action a message stems from: its outcome becomes an `Action` item of the
/// alarm's history (spec alarms.md 16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmAction {
    pub alarm_name: String,
    /// `MetricAlarm` or `CompositeAlarm`.
    pub alarm_type: String,
    /// The action as configured. Usually the topic's ARN; anything else fails with a history
    /// item, because no other target exists yet.
    pub action_arn: String,
    /// When the state changed (`stateUpdateTimestamp`).
    pub state_updated_at: TimestampMs,
}

/// [`OutboxKind::Publish`]: a message to be spread over the subscriptions of its topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishPayload {
    pub version: u32,
    #[serde(flatten)]
    pub message: Message,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<AlarmAction>,
    /// Spreading goes on after this subscription ARN: large topics take several steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl PublishPayload {
    pub fn new(message: Message) -> Self {
        Self {
            version: PAYLOAD_VERSION,
            message,
            alarm: None,
            after: None,
        }
    }

    /// A message that an alarm's action publishes.
    pub fn of_alarm(message: Message, alarm: AlarmAction) -> Self {
        Self {
            alarm: Some(alarm),
            ..Self::new(message)
        }
    }

    /// The outbox row, due at the message's own time. Two rows with one `message_id` for one
    /// action are one.
    ///
    /// # Errors
    /// None in practice: the payload has text keys and no maps that JSON cannot hold.
    pub fn into_row(self, tenant: &Tenant) -> Result<NewOutboxRow, serde_json::Error> {
        let target = self
            .alarm
            .as_ref()
            .map_or(self.message.topic_arn.as_str(), |a| a.action_arn.as_str());
        let position = self.after.as_deref().unwrap_or_default();
        Ok(NewOutboxRow {
            tenant: tenant.clone(),
            kind: OutboxKind::Publish,
            order_key: None,
            idempotency_key: format!("publish|{}|{target}|{position}", self.message.message_id),
            due_at: self.message.timestamp,
            payload: serde_json::to_value(&self)?,
        })
    }
}

/// [`OutboxKind::Delivery`]: one message for one subscription. The endpoint and the policies
/// are read from the subscription at each attempt, so that changes count at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryPayload {
    pub version: u32,
    pub subscription_arn: String,
    /// With the text already chosen for the subscription's protocol.
    #[serde(flatten)]
    pub message: Message,
    /// Attempts made by earlier rows of this delivery, which a throttle replaced.
    #[serde(default)]
    pub attempts_before: u32,
    /// How often a throttle has put this delivery off.
    #[serde(default)]
    pub deferrals: u32,
    /// The ARN of the alarm it stems from: mails of one alarm form a thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
}

impl DeliveryPayload {
    pub fn new(subscription_arn: String, message: Message) -> Self {
        Self {
            version: PAYLOAD_VERSION,
            subscription_arn,
            message,
            attempts_before: 0,
            deferrals: 0,
            thread: None,
        }
    }

    /// # Errors
    /// As [`PublishPayload::into_row`].
    pub fn into_row(
        self,
        tenant: &Tenant,
        due_at: TimestampMs,
    ) -> Result<NewOutboxRow, serde_json::Error> {
        Ok(NewOutboxRow {
            tenant: tenant.clone(),
            kind: OutboxKind::Delivery,
            order_key: None,
            idempotency_key: format!(
                "delivery|{}|{}|{}",
                self.message.message_id, self.subscription_arn, self.deferrals
            ),
            payload: serde_json::to_value(&self)?,
            due_at,
        })
    }
}

/// Which of the two handshake messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmationKind {
    Subscribe,
    Unsubscribe,
}

impl ConfirmationKind {
    /// The `Type` of the envelope.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Subscribe => "SubscriptionConfirmation",
            Self::Unsubscribe => "UnsubscribeConfirmation",
        }
    }
}

/// [`OutboxKind::Confirmation`]: the handshake message. It carries the endpoint itself,
/// because after an unsubscribe no row has it any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfirmationPayload {
    pub version: u32,
    pub kind: ConfirmationKind,
    pub message_id: String,
    pub timestamp: TimestampMs,
    pub topic_arn: String,
    pub subscription_arn: String,
    pub protocol: String,
    pub endpoint: String,
    /// The only place where the token is in clear text, gone once delivered.
    pub token: String,
    /// Who asked for the subscription, for the text of the mail.
    #[serde(default)]
    pub requested_by: Option<String>,
}

impl ConfirmationPayload {
    /// # Errors
    /// As [`PublishPayload::into_row`].
    pub fn into_row(self, tenant: &Tenant) -> Result<NewOutboxRow, serde_json::Error> {
        Ok(NewOutboxRow {
            tenant: tenant.clone(),
            kind: OutboxKind::Confirmation,
            order_key: None,
            idempotency_key: format!("confirmation|{}", self.message_id),
            due_at: self.timestamp,
            payload: serde_json::to_value(&self)?,
        })
    }
}

/// A new message id: a random UUID.
pub fn new_message_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

mod base64_bytes {
    use super::BASE64;
    use base64::Engine as _;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        BASE64.decode(text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            topic_arn: "arn:aws:sns:eu-west-1:111122223333:ops".to_owned(),
            message_id: "6f0c7a52-0f0b-5a1e-9d53-2d7a3b1fd011".to_owned(),
            timestamp: TimestampMs(1_775_121_327_114),
            subject: Some("disk".to_owned()),
            message: r#"{"default":"d","email":"e","http":7}"#.to_owned(),
            message_structure: Some(STRUCTURE_JSON.to_owned()),
            attributes: MessageAttributes::from([(
                "raw".to_owned(),
                MessageAttribute {
                    data_type: "Binary".to_owned(),
                    value: AttributeValue::Binary(vec![0, 255]),
                },
            )]),
            group_id: None,
            deduplication_id: None,
        }
    }

    #[test]
    fn payload_survives_the_outbox() {
        let payload = PublishPayload::of_alarm(
            message(),
            AlarmAction {
                alarm_name: "a".to_owned(),
                alarm_type: "MetricAlarm".to_owned(),
                action_arn: message().topic_arn,
                state_updated_at: TimestampMs(5),
            },
        );
        let tenant = Tenant::new("111122223333", "eu-west-1");
        let row = payload.clone().into_row(&tenant).expect("serialises");
        assert_eq!(row.due_at, payload.message.timestamp);
        let back: PublishPayload = serde_json::from_value(row.payload).expect("reads back");
        assert_eq!(back, payload);
    }

    #[test]
    fn protocols_get_their_text_or_the_default() {
        let message = message();
        assert_eq!(message.text_for("email"), "e");
        assert_eq!(message.text_for("sms"), "d");
        // A member that is no text is ignored (spec notifications.md 5.3).
        assert_eq!(message.text_for("http"), "d");
    }

    #[test]
    fn old_rows_without_optional_members_are_read() {
        let text = r#"{"version":1,"topic_arn":"t","message_id":"m","timestamp":1,"message":"hi"}"#;
        let payload: PublishPayload = serde_json::from_str(text).expect("optional members");
        assert_eq!(payload.message.text_for("http"), "hi");
        assert_eq!(payload.alarm, None);
    }
}
