//! Which attributes a subscription has and what they may hold (spec notifications.md 2.3).

use std::collections::BTreeMap;

use belfry_catalog::topics::{FilterPolicyLimits, SubscriptionRow, TopicRow};
use belfry_model::Tenant;
use belfry_model::arn::Arn;

use super::endpoint::{Protocol, masked};
use super::{TopicService, attributes};
use crate::error::{Error, Result};
use crate::filter::{FilterPolicy, Scope};
use crate::policy::delivery::{EffectivePolicy, SubscriptionDeliveryPolicy};
use crate::policy::redrive;

/// Spec notifications.md 1.4.
pub(super) const FILTER_POLICIES: FilterPolicyLimits = FilterPolicyLimits {
    of_topic: 200,
    of_account: 10_000,
};

/// What a delivery needs to know about a subscription, its stored texts parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveSubscription {
    pub raw_delivery: bool,
    pub filter: Option<FilterPolicy>,
    pub dead_letter_target: Option<String>,
}

impl EffectiveSubscription {
    /// Stored values were checked when they were set. A filter that no longer parses
    /// (extensions were switched off) is an error: to ignore it would deliver too much.
    ///
    /// # Errors
    /// The parser's text.
    pub fn of(row: &SubscriptionRow, extensions: bool) -> Result<Self, String> {
        let get = |name: &str| row.attributes.get(name).map(String::as_str);
        let scope = get("FilterPolicyScope")
            .and_then(Scope::parse)
            .unwrap_or_default();
        Ok(Self {
            raw_delivery: get("RawMessageDelivery") == Some("true"),
            filter: FilterPolicy::parse(
                get("FilterPolicy").unwrap_or_default(),
                scope,
                extensions,
            )?,
            dead_letter_target: get("RedrivePolicy")
                .and_then(|text| redrive::dead_letter_target(text).ok()),
        })
    }
}

/// The merged delivery policy of an http(s) subscription.
pub fn delivery_policy_of(topic: &TopicRow, row: &SubscriptionRow) -> EffectivePolicy {
    let own = row
        .attributes
        .get("DeliveryPolicy")
        .and_then(|text| SubscriptionDeliveryPolicy::parse(text).ok())
        .unwrap_or_default();
    EffectivePolicy::merge(&attributes::delivery_policy(topic), &own)
}

/// Sets `name` in `stored`, or removes it when `value` stands for nothing.
///
/// # Errors
/// The text after the prefix.
pub(super) fn apply(
    stored: &mut BTreeMap<String, String>,
    tenant: &Tenant,
    protocol: Protocol,
    name: &str,
    value: &str,
    extensions: bool,
) -> Result<(), String> {
    let unsupported = |what: &str| {
        Err(format!(
            "{name}: Delivery protocol [{}] does not support {what}.",
            protocol.as_str()
        ))
    };
    let mut clear = value.is_empty();
    match name {
        "RawMessageDelivery" => match value {
            "true" if !protocol.supports_raw_delivery() => {
                return unsupported("raw message delivery");
            }
            "true" | "false" => {}
            _ => {
                return Err(format!(
                    "RawMessageDelivery: Invalid value [{value}]. Must be true or false."
                ));
            }
        },
        "FilterPolicyScope" => {
            let scope = Scope::parse(value).ok_or_else(|| {
                format!(
                    "FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
                )
            })?;
            // The policy that is there must make sense in the new scope.
            let policy = stored.get("FilterPolicy").map(String::as_str);
            FilterPolicy::parse(policy.unwrap_or_default(), scope, extensions)?;
        }
        "FilterPolicy" => {
            let scope = stored.get("FilterPolicyScope").map(String::as_str);
            let scope = scope.and_then(Scope::parse).unwrap_or_default();
            clear = FilterPolicy::parse(value, scope, extensions)?.is_none();
        }
        "RedrivePolicy" if clear => {}
        "RedrivePolicy" => {
            let target = redrive::dead_letter_target(value)?;
            let same_place = Arn::parse(&target).is_ok_and(|arn| arn.belongs_to(tenant));
            if !same_place {
                return Err("RedrivePolicy: deadLetterTargetArn is an invalid arn".to_owned());
            }
        }
        "DeliveryPolicy" if !protocol.is_http() => return unsupported("delivery policies"),
        "DeliveryPolicy" if clear => {}
        "DeliveryPolicy" => {
            SubscriptionDeliveryPolicy::parse(value)?;
        }
        "SubscriptionRoleArn" if protocol != Protocol::Firehose => {
            return unsupported("a subscription role");
        }
        "SubscriptionRoleArn" if clear => {}
        "SubscriptionRoleArn" => {
            Arn::parse(value).map_err(|_| "SubscriptionRoleArn: Invalid arn".to_owned())?;
        }
        "ReplayPolicy" => {
            return Err("ReplayPolicy: Replay is only supported on FIFO topics".to_owned());
        }
        _ => return Err("AttributeName".to_owned()),
    }
    if clear {
        stored.remove(name);
    } else {
        stored.insert(name.to_owned(), value.to_owned());
    }
    Ok(())
}

/// Attributes of `Subscribe`, in an order in which the scope precedes the policy.
///
/// # Errors
/// The text after `Attributes Reason: `.
pub(super) fn apply_all(
    tenant: &Tenant,
    protocol: Protocol,
    given: &BTreeMap<String, String>,
    extensions: bool,
) -> Result<BTreeMap<String, String>, String> {
    let mut stored = BTreeMap::new();
    let scope_first = given
        .iter()
        .filter(|(name, _)| *name == "FilterPolicyScope")
        .chain(
            given
                .iter()
                .filter(|(name, _)| *name != "FilterPolicyScope"),
        );
    for (name, value) in scope_first {
        apply(&mut stored, tenant, protocol, name, value, extensions)?;
    }
    Ok(stored)
}

/// All attributes as `GetSubscriptionAttributes` answers them.
fn visible(topic: &TopicRow, row: &SubscriptionRow, principal: String) -> BTreeMap<String, String> {
    let mut all = row.attributes.clone();
    all.retain(|name, _| name != PRINCIPAL);
    all.entry("RawMessageDelivery".to_owned())
        .or_insert_with(|| "false".to_owned());
    if all.contains_key("FilterPolicy") {
        all.entry("FilterPolicyScope".to_owned())
            .or_insert_with(|| "MessageAttributes".to_owned());
    }
    if Protocol::parse(&row.protocol).is_some_and(Protocol::is_http) {
        let effective = delivery_policy_of(topic, row).to_json();
        all.insert("EffectiveDeliveryPolicy".to_owned(), effective);
    }
    for (name, value) in [
        ("SubscriptionArn", row.arn.clone()),
        ("TopicArn", row.topic_arn.clone()),
        ("Owner", row.tenant.account.to_string()),
        ("Endpoint", masked(&row.endpoint)),
        ("Protocol", row.protocol.clone()),
        ("PendingConfirmation", (!row.confirmed).to_string()),
        (
            "ConfirmationWasAuthenticated",
            row.confirmation_was_authenticated.to_string(),
        ),
        ("SubscriptionPrincipal", principal),
    ] {
        all.insert(name.to_owned(), value);
    }
    all
}

/// Kept among the attributes under a name that nobody can set.
pub(super) const PRINCIPAL: &str = "SubscriptionPrincipal";

impl TopicService {
    /// # Errors
    /// `NotFound`, and ARNs that name no subscription of the caller.
    pub async fn subscription_attributes(
        &self,
        tenant: &Tenant,
        arn: &str,
    ) -> Result<BTreeMap<String, String>> {
        let row = self.subscription(tenant, arn).await?;
        let topic = self.catalog.topic(&row.topic_arn).await?;
        let topic = topic.ok_or(Error::SubscriptionNotFound)?;
        let principal = row
            .attributes
            .get(PRINCIPAL)
            .cloned()
            .unwrap_or_else(|| format!("arn:aws:iam::{}:root", tenant.account));
        Ok(visible(&topic, &row, principal))
    }

    /// No value counts as an empty one.
    ///
    /// # Errors
    /// `NotFound`, `FilterPolicyLimitExceeded`; names and values that are not allowed.
    pub async fn set_subscription_attribute(
        &self,
        tenant: &Tenant,
        arn: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<()> {
        loop {
            let read = self.subscription(tenant, arn).await?;
            let protocol = Protocol::parse(&read.protocol)
                .ok_or_else(|| Error::Internal(format!("stored protocol {}", read.protocol)))?;
            let mut changed = read.clone();
            apply(
                &mut changed.attributes,
                tenant,
                protocol,
                name,
                value.unwrap_or_default(),
                self.config.filter_extensions,
            )
            .map_err(Error::invalid)?;
            let replaced =
                self.catalog
                    .replace_subscription(&read, changed, FILTER_POLICIES, Vec::new());
            match replaced.await {
                Err(belfry_catalog::Error::NotFound { .. }) => {
                    return Err(Error::SubscriptionNotFound);
                }
                // Somebody else changed it: judge anew. Each round, somebody makes progress.
                Err(belfry_catalog::Error::Conflict { .. }) => {}
                other => return Ok(other?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(
        protocol: Protocol,
        name: &str,
        value: &str,
    ) -> Result<BTreeMap<String, String>, String> {
        let given = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let tenant = Tenant::new("111122223333", "eu-west-1");
        apply_all(&tenant, protocol, &given, false)
    }

    /// The table of spec notifications.md 2.3.
    #[test]
    fn wrong_values_have_their_texts() {
        for (name, value, text) in [
            (
                "RawMessageDelivery",
                "Yes",
                "RawMessageDelivery: Invalid value [Yes]. Must be true or false.",
            ),
            (
                "FilterPolicyScope",
                "X",
                "FilterPolicyScope: Invalid value [X]. Please use either MessageBody or MessageAttributes",
            ),
            (
                "RedrivePolicy",
                r#"{"deadLetterTargetArn":"x"}"#,
                "RedrivePolicy: deadLetterTargetArn is an invalid arn",
            ),
            (
                "RedrivePolicy",
                r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:dead"}"#,
                "RedrivePolicy: deadLetterTargetArn is an invalid arn",
            ),
            ("Color", "blue", "AttributeName"),
            ("SubscriptionPrincipal", "me", "AttributeName"),
        ] {
            assert_eq!(set(Protocol::Http, name, value), Err(text.to_owned()));
        }
        for name in ["FilterPolicy", "RedrivePolicy", "DeliveryPolicy"] {
            let error = set(Protocol::Http, name, "{").expect_err("no JSON");
            assert!(
                error.starts_with(&format!("{name}: failed to parse JSON. ")),
                "{error}"
            );
        }
        assert!(set(Protocol::Email, "RawMessageDelivery", "true").is_err());
        assert!(set(Protocol::Email, "RawMessageDelivery", "false").is_ok());
    }

    #[test]
    fn empty_texts_clear() {
        for name in ["FilterPolicy", "RedrivePolicy", "DeliveryPolicy"] {
            assert_eq!(set(Protocol::Http, name, ""), Ok(BTreeMap::new()));
        }
        assert_eq!(
            set(Protocol::Http, "FilterPolicy", "{}"),
            Ok(BTreeMap::new())
        );
    }

    #[test]
    fn the_scope_is_heard_before_the_policy() {
        let given = BTreeMap::from([
            ("FilterPolicy".to_owned(), r#"{"a":{"b":["c"]}}"#.to_owned()),
            ("FilterPolicyScope".to_owned(), "MessageBody".to_owned()),
        ]);
        let tenant = Tenant::new("111122223333", "eu-west-1");
        let mut stored =
            apply_all(&tenant, Protocol::Sqs, &given, false).expect("nested in a body");
        let back = apply(
            &mut stored,
            &tenant,
            Protocol::Sqs,
            "FilterPolicyScope",
            "MessageAttributes",
            false,
        );
        assert_eq!(
            back,
            Err(
                "Filter policy scope MessageAttributes does not support nested filter policy"
                    .into()
            )
        );
    }
}
