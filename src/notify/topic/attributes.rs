//! Which attributes a topic has and what they may hold (spec notifications.md 1.2).

use std::collections::BTreeMap;

use belfry_catalog::topics::{SubscriptionCounts, TopicRow};

use crate::policy::access;
use crate::policy::delivery::TopicDeliveryPolicy;

const DISPLAY_NAME_CHARS_MAX: usize = 100;
/// As AWS documents for resource policies of topics.
const POLICY_BYTES_MAX: usize = 30_720;
const KEY_ID_CHARS_MAX: usize = 2_048;
const MESSAGE_BYTES_MIN: usize = 1_024;
/// What `MaximumMessageSize` may be raised to (spec notifications.md 5.5).
pub(super) const MESSAGE_BYTES_MAX: usize = 1_048_576;
/// Without `MaximumMessageSize`.
pub(super) const MESSAGE_BYTES_DEFAULT: usize = 262_144;

const FEEDBACK_PREFIXES: &[&str] = &["HTTP", "Firehose", "Lambda", "Application", "SQS"];

/// What a valid value means for the row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Keep(String),
    /// Back to the default.
    Clear,
}

/// Judges one attribute of `CreateTopic` or `SetTopicAttributes`.
///
/// # Errors
/// The text after `Invalid parameter: `.
pub(super) fn check(name: &str, value: &str) -> Result<Setting, String> {
    let keep = || Ok(Setting::Keep(value.to_owned()));
    match name {
        "DisplayName" if value.chars().count() > DISPLAY_NAME_CHARS_MAX => {
            Err("DisplayName".to_owned())
        }
        "DisplayName" if value.is_empty() => Ok(Setting::Clear),
        "DisplayName" => keep(),
        "Policy" | "DeliveryPolicy" | "KmsMasterKeyId" if value.is_empty() => Ok(Setting::Clear),
        "Policy" if value.len() > POLICY_BYTES_MAX => {
            Err("Policy Reason: Policy is too long".to_owned())
        }
        "Policy" => access::check_policy(value).and_then(|()| keep()),
        "DeliveryPolicy" => TopicDeliveryPolicy::parse(value).and_then(|_| keep()),
        "KmsMasterKeyId" if value.len() > KEY_ID_CHARS_MAX => Err("KmsMasterKeyId".to_owned()),
        "KmsMasterKeyId" => keep(),
        "TracingConfig" => one_of(name, value, &["PassThrough", "Active"]),
        "SignatureVersion" => one_of(name, value, &["1", "2"]),
        "MaximumMessageSize" => match value.parse::<usize>() {
            Ok(bytes) if (MESSAGE_BYTES_MIN..=MESSAGE_BYTES_MAX).contains(&bytes) => keep(),
            _ => Err(format!(
                "MaximumMessageSize: Invalid value [{value}]. Must be an integer between {MESSAGE_BYTES_MIN} and {MESSAGE_BYTES_MAX}."
            )),
        },
        "FifoThroughputScope" | "ArchivePolicy" | "ContentBasedDeduplication" => Err(format!(
            "{name} Reason: The attribute can only be set on FIFO topics"
        )),
        _ => feedback(name, value),
    }
}

/// `<P>SuccessFeedbackRoleArn`, `<P>SuccessFeedbackSampleRate`, `<P>FailureFeedbackRoleArn`.
fn feedback(name: &str, value: &str) -> Result<Setting, String> {
    let rest = FEEDBACK_PREFIXES
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    match rest {
        Some("SuccessFeedbackRoleArn" | "FailureFeedbackRoleArn") if value.is_empty() => {
            Ok(Setting::Clear)
        }
        Some("SuccessFeedbackRoleArn" | "FailureFeedbackRoleArn")
            if belfry_model::arn::Arn::parse(value).is_ok() =>
        {
            Ok(Setting::Keep(value.to_owned()))
        }
        Some("SuccessFeedbackRoleArn" | "FailureFeedbackRoleArn") => {
            Err(format!("{name} Reason: Invalid arn"))
        }
        Some("SuccessFeedbackSampleRate") => match value.parse::<u8>() {
            Ok(rate) if rate <= 100 => Ok(Setting::Keep(value.to_owned())),
            _ => Err(format!(
                "{name}: Invalid value [{value}]. Must be an integer between 0 and 100."
            )),
        },
        _ => Err("AttributeName".to_owned()),
    }
}

fn one_of(name: &str, value: &str, allowed: &[&str]) -> Result<Setting, String> {
    if allowed.contains(&value) {
        return Ok(Setting::Keep(value.to_owned()));
    }
    Err(format!(
        "{name}: Invalid value [{value}]. Must be {}.",
        allowed.join(" or ")
    ))
}

/// All attributes as `GetTopicAttributes` answers them.
pub(super) fn visible(topic: &TopicRow, counts: SubscriptionCounts) -> BTreeMap<String, String> {
    let mut all = topic.attributes.clone();
    let mut default = |name: &str, value: String| {
        all.entry(name.to_owned()).or_insert(value);
    };
    default("DisplayName", String::new());
    default("Policy", access::default_policy(&topic.tenant, &topic.arn));
    let effective = delivery_policy(topic).effective_json();
    for (name, value) in [
        ("EffectiveDeliveryPolicy", effective),
        ("Owner", topic.tenant.account.to_string()),
        ("TopicArn", topic.arn.clone()),
        ("SubscriptionsConfirmed", counts.confirmed.to_string()),
        ("SubscriptionsPending", counts.pending.to_string()),
        (
            "SubscriptionsDeleted",
            topic.subscriptions_deleted.to_string(),
        ),
    ] {
        all.insert(name.to_owned(), value);
    }
    all
}

/// Whether `given` is what the topic has already, defaults included. JSON compares by value.
pub(super) fn agree(topic: &TopicRow, given: &BTreeMap<String, String>) -> bool {
    let stored = visible(topic, SubscriptionCounts::default());
    given.iter().all(|(name, value)| {
        let stored = match (name.as_str(), stored.get(name)) {
            (_, Some(stored)) => stored.as_str(),
            ("TracingConfig", None) => "PassThrough",
            ("SignatureVersion", None) => "1",
            (_, None) => "",
        };
        stored == value || same_json(stored, value)
    })
}

fn same_json(a: &str, b: &str) -> bool {
    use serde_json::Value;
    let parse = |text| {
        serde_json::from_str::<Value>(text)
            .ok()
            .filter(Value::is_object)
    };
    parse(a).is_some_and(|a| parse(b) == Some(a))
}

/// The stored policy was checked when it was set; one that no longer parses counts as none.
pub(crate) fn delivery_policy(topic: &TopicRow) -> TopicDeliveryPolicy {
    topic
        .attributes
        .get("DeliveryPolicy")
        .and_then(|text| TopicDeliveryPolicy::parse(text).ok())
        .unwrap_or_default()
}

/// Bytes that body and attributes of one message may have.
pub(super) fn message_bytes_max(topic: &TopicRow) -> usize {
    topic
        .attributes
        .get("MaximumMessageSize")
        .and_then(|text| text.parse().ok())
        .unwrap_or(MESSAGE_BYTES_DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use belfry_model::{Tenant, TimestampMs};

    fn topic() -> TopicRow {
        let tenant = Tenant::new("111122223333", "eu-west-1");
        TopicRow {
            arn: belfry_model::arn::topic(&tenant, "ops"),
            tenant,
            name: "ops".to_owned(),
            attributes: BTreeMap::new(),
            created_at: TimestampMs(0),
            subscriptions_deleted: 3,
        }
    }

    #[test]
    fn a_plain_topic_shows_what_is_always_there() {
        let counts = SubscriptionCounts {
            confirmed: 1,
            pending: 2,
        };
        let all = visible(&topic(), counts);
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "DisplayName",
                "EffectiveDeliveryPolicy",
                "Owner",
                "Policy",
                "SubscriptionsConfirmed",
                "SubscriptionsDeleted",
                "SubscriptionsPending",
                "TopicArn",
            ]
        );
        assert_eq!(all["SubscriptionsDeleted"], "3");
    }

    #[test]
    fn values_are_checked() {
        for (name, value) in [
            ("Nonsense", "x"),
            ("Owner", "x"),
            ("SignatureVersion", "3"),
            ("TracingConfig", "passthrough"),
            ("MaximumMessageSize", "1023"),
            ("MaximumMessageSize", "1048577"),
            ("HTTPSuccessFeedbackSampleRate", "101"),
            ("Policy", "{"),
            ("Policy", "{}"),
            ("DeliveryPolicy", r#"{"http":{"x":1}}"#),
            ("ContentBasedDeduplication", "true"),
        ] {
            assert!(check(name, value).is_err(), "{name} {value}");
        }
        assert_eq!(check("Nonsense", "x"), Err("AttributeName".to_owned()));
        assert_eq!(check("DeliveryPolicy", ""), Ok(Setting::Clear));
        assert!(check("DisplayName", &"é".repeat(100)).is_ok());
        assert!(check("DisplayName", &"é".repeat(101)).is_err());
    }

    #[test]
    fn repeated_creation_compares_with_defaults() {
        let given = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert!(agree(&topic(), &given("DisplayName", "")));
        assert!(agree(&topic(), &given("SignatureVersion", "1")));
        assert!(!agree(&topic(), &given("SignatureVersion", "2")));
        let policy = access::default_policy(&topic().tenant, &topic().arn);
        let spaced = policy
            .replace(':', ": ")
            .replace("arn: aws: sns: ", "arn:aws:sns:");
        assert!(!spaced.is_empty() && agree(&topic(), &given("Policy", &policy)));
    }
}
