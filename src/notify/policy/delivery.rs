//! Delivery policies of topics and http(s) subscriptions (spec notifications.md 9, 1.2, 2.3).

use serde::Serialize;
use serde_json::{Map, Value};

use super::backoff::{BackoffFunction, RetryPolicy};

/// What http(s) requests carry unless a policy says otherwise.
pub const DEFAULT_CONTENT_TYPE: &str = "text/plain; charset=UTF-8";

/// All retries of a policy must fit into this, "hard" (spec notifications.md 9).
const TOTAL_DELAY_MS_MAX: i64 = 3_600_000;
const DELAY_TARGET_S_MAX: u32 = 3_600;
const RETRIES_MAX: u32 = 100;

const CONTENT_TYPES: &[&str] = &[
    "application/atom+xml",
    "application/json",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/plain",
    "text/xml",
];

/// The `http` part of a topic's policy. What is `None` was not given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicDeliveryPolicy {
    pub retry: Option<RetryPolicy>,
    pub disable_subscription_overrides: bool,
    pub max_receives_per_second: Option<u32>,
    pub content_type: Option<String>,
}

/// A subscription's policy. What is `None` was not given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubscriptionDeliveryPolicy {
    pub retry: Option<RetryPolicy>,
    pub max_receives_per_second: Option<u32>,
    pub content_type: Option<String>,
    /// Deprecated, kept as given.
    pub sickly_retry_policy: Value,
    /// Deprecated, kept as given.
    pub guaranteed: bool,
}

/// What counts for one http(s) subscription after merging.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectivePolicy {
    pub retry: RetryPolicy,
    pub max_receives_per_second: Option<u32>,
    pub content_type: String,
    sickly_retry_policy: Value,
    guaranteed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Throttle {
    max_receives_per_second: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    header_content_type: &'a str,
}

impl TopicDeliveryPolicy {
    /// # Errors
    /// The text after `Invalid parameter: `.
    pub fn parse(text: &str) -> Result<Self, String> {
        let root = parse_object(text)?;
        only_members(&root, "", &["http"])?;
        let Some(http) = object(&root, "", "http")? else {
            return Ok(Self::default());
        };
        only_members(
            http,
            "http.",
            &[
                "defaultHealthyRetryPolicy",
                "disableSubscriptionOverrides",
                "defaultThrottlePolicy",
                "defaultRequestPolicy",
                "defaultSicklyRetryPolicy",
            ],
        )?;
        Ok(Self {
            retry: retry_policy(http, "http.", "defaultHealthyRetryPolicy")?,
            disable_subscription_overrides: boolean(http, "http.", "disableSubscriptionOverrides")?
                .unwrap_or(false),
            max_receives_per_second: throttle(http, "http.", "defaultThrottlePolicy")?,
            content_type: content_type(http, "http.", "defaultRequestPolicy")?,
        })
    }

    /// As `EffectiveDeliveryPolicy` of the topic shows it.
    pub fn effective_json(&self) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Http<'a> {
            default_healthy_retry_policy: &'a RetryPolicy,
            disable_subscription_overrides: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            default_throttle_policy: Option<Throttle>,
            default_request_policy: Request<'a>,
        }
        #[derive(Serialize)]
        struct Root<'a> {
            http: Http<'a>,
        }
        to_json(&Root {
            http: Http {
                default_healthy_retry_policy: self.retry.as_ref().unwrap_or(&RetryPolicy::HTTP),
                disable_subscription_overrides: self.disable_subscription_overrides,
                default_throttle_policy: self.max_receives_per_second.map(|n| Throttle {
                    max_receives_per_second: n,
                }),
                default_request_policy: Request {
                    header_content_type: self
                        .content_type
                        .as_deref()
                        .unwrap_or(DEFAULT_CONTENT_TYPE),
                },
            },
        })
    }
}

impl SubscriptionDeliveryPolicy {
    /// # Errors
    /// The text after `Invalid parameter: `.
    pub fn parse(text: &str) -> Result<Self, String> {
        let root = parse_object(text)?;
        only_members(
            &root,
            "",
            &[
                "healthyRetryPolicy",
                "sicklyRetryPolicy",
                "throttlePolicy",
                "requestPolicy",
                "guaranteed",
            ],
        )?;
        Ok(Self {
            retry: retry_policy(&root, "", "healthyRetryPolicy")?,
            max_receives_per_second: throttle(&root, "", "throttlePolicy")?,
            content_type: content_type(&root, "", "requestPolicy")?,
            sickly_retry_policy: root.get("sicklyRetryPolicy").cloned().unwrap_or_default(),
            guaranteed: boolean(&root, "", "guaranteed")?.unwrap_or(false),
        })
    }
}

impl EffectivePolicy {
    /// Subscription values win over topic values, unless the topic forbids it.
    pub fn merge(topic: &TopicDeliveryPolicy, subscription: &SubscriptionDeliveryPolicy) -> Self {
        let own = if topic.disable_subscription_overrides {
            &SubscriptionDeliveryPolicy::default()
        } else {
            subscription
        };
        Self {
            retry: own
                .retry
                .clone()
                .or_else(|| topic.retry.clone())
                .unwrap_or(RetryPolicy::HTTP),
            max_receives_per_second: own
                .max_receives_per_second
                .or(topic.max_receives_per_second),
            content_type: own
                .content_type
                .clone()
                .or_else(|| topic.content_type.clone())
                .unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned()),
            sickly_retry_policy: own.sickly_retry_policy.clone(),
            guaranteed: own.guaranteed,
        }
    }

    /// As `EffectiveDeliveryPolicy` of the subscription shows it.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Root<'a> {
            healthy_retry_policy: &'a RetryPolicy,
            sickly_retry_policy: &'a Value,
            throttle_policy: Option<Throttle>,
            request_policy: Request<'a>,
            guaranteed: bool,
        }
        to_json(&Root {
            healthy_retry_policy: &self.retry,
            sickly_retry_policy: &self.sickly_retry_policy,
            throttle_policy: self.max_receives_per_second.map(|n| Throttle {
                max_receives_per_second: n,
            }),
            request_policy: Request {
                header_content_type: &self.content_type,
            },
            guaranteed: self.guaranteed,
        })
    }
}

/// The structures above hold nothing that JSON cannot: an empty text never happens.
fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn parse_object(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(root)) => Ok(root),
        Ok(_) => Err("DeliveryPolicy: failed to parse JSON. Expected an object".to_owned()),
        Err(error) => Err(format!("DeliveryPolicy: failed to parse JSON. {error}")),
    }
}

fn only_members(object: &Map<String, Value>, path: &str, known: &[&str]) -> Result<(), String> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(format!(
            "DeliveryPolicy: unexpected JSON member: {path}{key}"
        )),
    }
}

/// `null` counts as absent.
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn object<'a>(
    parent: &'a Map<String, Value>,
    path: &str,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, String> {
    match member(parent, name) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(format!("DeliveryPolicy: {path}{name} must be an object")),
    }
}

fn boolean(parent: &Map<String, Value>, path: &str, name: &str) -> Result<Option<bool>, String> {
    match member(parent, name) {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(format!("DeliveryPolicy: {path}{name} must be a boolean")),
    }
}

fn integer(
    parent: &Map<String, Value>,
    path: &str,
    name: &str,
    allowed: std::ops::RangeInclusive<u32>,
) -> Result<Option<u32>, String> {
    let Some(value) = member(parent, name) else {
        return Ok(None);
    };
    let Some(number) = value.as_i64() else {
        return Err(format!("DeliveryPolicy: {path}.{name} must be an integer"));
    };
    match u32::try_from(number) {
        Ok(n) if allowed.contains(&n) => Ok(Some(n)),
        Ok(n) if n > *allowed.end() => Err(format!(
            "DeliveryPolicy: {path}.{name} must be less than or equal to {}",
            allowed.end()
        )),
        _ => Err(format!(
            "DeliveryPolicy: {path}.{name} must be greater than or equal to {}",
            allowed.start()
        )),
    }
}

/// Members that are missing get the defaults of http.
fn retry_policy(
    parent: &Map<String, Value>,
    path: &str,
    name: &str,
) -> Result<Option<RetryPolicy>, String> {
    let Some(given) = object(parent, path, name)? else {
        return Ok(None);
    };
    let path = format!("{path}{name}");
    only_members(
        given,
        &format!("{path}."),
        &[
            "minDelayTarget",
            "maxDelayTarget",
            "numRetries",
            "numMaxDelayRetries",
            "numNoDelayRetries",
            "numMinDelayRetries",
            "backoffFunction",
        ],
    )?;
    let default = RetryPolicy::HTTP;
    let count = |member: &str, default: u32| {
        integer(given, &path, member, 0..=RETRIES_MAX).map(|n| n.unwrap_or(default))
    };
    let delay = |member: &str, default: u32| {
        integer(given, &path, member, 1..=DELAY_TARGET_S_MAX).map(|n| n.unwrap_or(default))
    };
    let backoff_function = match member(given, "backoffFunction") {
        None => default.backoff_function,
        Some(value) => value
            .as_str()
            .and_then(BackoffFunction::parse)
            .ok_or_else(|| {
                format!(
                    "DeliveryPolicy: {path}.backoffFunction must be one of linear, arithmetic, geometric or exponential"
                )
            })?,
    };
    let policy = RetryPolicy {
        min_delay_target: delay("minDelayTarget", default.min_delay_target)?,
        max_delay_target: delay("maxDelayTarget", default.max_delay_target)?,
        num_retries: count("numRetries", default.num_retries)?,
        num_max_delay_retries: count("numMaxDelayRetries", default.num_max_delay_retries)?,
        num_no_delay_retries: count("numNoDelayRetries", default.num_no_delay_retries)?,
        num_min_delay_retries: count("numMinDelayRetries", default.num_min_delay_retries)?,
        backoff_function,
    };
    if policy.min_delay_target > policy.max_delay_target {
        return Err(format!(
            "DeliveryPolicy: {path}.maxDelayTarget must be greater than or equal to minDelayTarget"
        ));
    }
    let phases = policy
        .num_no_delay_retries
        .saturating_add(policy.num_min_delay_retries)
        .saturating_add(policy.num_max_delay_retries);
    if phases > policy.num_retries {
        return Err(format!(
            "DeliveryPolicy: {path}.numRetries must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries"
        ));
    }
    if policy.total_delay_ms() > TOTAL_DELAY_MS_MAX {
        return Err(format!(
            "DeliveryPolicy: {path} total retry time must not exceed 3600 seconds"
        ));
    }
    Ok(Some(policy))
}

fn throttle(parent: &Map<String, Value>, path: &str, name: &str) -> Result<Option<u32>, String> {
    let Some(given) = object(parent, path, name)? else {
        return Ok(None);
    };
    let path = format!("{path}{name}");
    only_members(given, &format!("{path}."), &["maxReceivesPerSecond"])?;
    integer(given, &path, "maxReceivesPerSecond", 1..=u32::MAX)
}

fn content_type(
    parent: &Map<String, Value>,
    path: &str,
    name: &str,
) -> Result<Option<String>, String> {
    let Some(given) = object(parent, path, name)? else {
        return Ok(None);
    };
    only_members(given, &format!("{path}{name}."), &["headerContentType"])?;
    match member(given, "headerContentType") {
        None => Ok(None),
        Some(Value::String(text)) if is_content_type(text) => Ok(Some(text.clone())),
        Some(other) => Err(format!(
            "DeliveryPolicy: {path}{name}.headerContentType {} is not a supported content type",
            other.as_str().unwrap_or("value")
        )),
    }
}

fn is_content_type(text: &str) -> bool {
    let (media, parameter) = match text.split_once(';') {
        Some((media, parameter)) => (media.trim(), Some(parameter.trim())),
        None => (text, None),
    };
    CONTENT_TYPES.contains(&media)
        && parameter.is_none_or(|p| p.eq_ignore_ascii_case("charset=utf-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effective_forms_with_nothing_configured_are_exact() {
        assert_eq!(
            TopicDeliveryPolicy::default().effective_json(),
            concat!(
                r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"#,
                r#""numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"#,
                r#""disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}"#,
            )
        );
        assert_eq!(
            EffectivePolicy::merge(&Default::default(), &Default::default()).to_json(),
            concat!(
                r#"{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"#,
                r#""numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"#,
                r#""throttlePolicy":null,"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}"#,
            )
        );
    }

    #[test]
    fn subscriptions_override_topics_unless_forbidden() {
        let topic = TopicDeliveryPolicy::parse(
            r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":5},"defaultRequestPolicy":{"headerContentType":"application/json"}}}"#,
        )
        .expect("valid");
        let own = SubscriptionDeliveryPolicy::parse(
            r#"{"healthyRetryPolicy":{"numRetries":1},"throttlePolicy":{"maxReceivesPerSecond":2}}"#,
        )
        .expect("valid");
        let merged = EffectivePolicy::merge(&topic, &own);
        assert_eq!(merged.retry.num_retries, 1);
        assert_eq!(merged.max_receives_per_second, Some(2));
        assert_eq!(merged.content_type, "application/json");

        let forbidding = TopicDeliveryPolicy {
            disable_subscription_overrides: true,
            ..topic
        };
        let merged = EffectivePolicy::merge(&forbidding, &own);
        assert_eq!(merged.retry.num_retries, 5);
        assert_eq!(merged.max_receives_per_second, None);
    }

    #[test]
    fn what_breaks_a_limit_is_refused_with_its_name() {
        for (policy, part) in [
            ("x", "failed to parse JSON"),
            (
                r#"{"healthyRetryPolicy":{"numRetries":101}}"#,
                "numRetries must be less",
            ),
            (
                r#"{"healthyRetryPolicy":{"numRetries":1.5}}"#,
                "must be an integer",
            ),
            (
                r#"{"healthyRetryPolicy":{"minDelayTarget":0}}"#,
                "minDelayTarget must be greater",
            ),
            (
                r#"{"healthyRetryPolicy":{"minDelayTarget":30}}"#,
                "maxDelayTarget must be greater",
            ),
            (
                r#"{"healthyRetryPolicy":{"maxDelayTarget":3601}}"#,
                "maxDelayTarget must be less",
            ),
            (
                r#"{"healthyRetryPolicy":{"numRetries":1,"numMinDelayRetries":1,"numNoDelayRetries":1}}"#,
                "total of",
            ),
            (
                r#"{"healthyRetryPolicy":{"numRetries":100,"minDelayTarget":40,"maxDelayTarget":40}}"#,
                "3600 seconds",
            ),
            (
                r#"{"healthyRetryPolicy":{"backoffFunction":"cubic"}}"#,
                "backoffFunction",
            ),
            (
                r#"{"throttlePolicy":{"maxReceivesPerSecond":0}}"#,
                "maxReceivesPerSecond",
            ),
            (
                r#"{"requestPolicy":{"headerContentType":"image/png"}}"#,
                "headerContentType",
            ),
            (r#"{"retries":1}"#, "unexpected JSON member: retries"),
        ] {
            let error = SubscriptionDeliveryPolicy::parse(policy).expect_err(policy);
            assert!(
                error.starts_with("DeliveryPolicy: ") && error.contains(part),
                "{error}"
            );
        }
    }
}
