//! The resource policy of a topic (spec notifications.md 1.3).

use belfry_model::Tenant;
use serde_json::{Map, Value, json};

/// What `ActionName` may name, without the `SNS:` prefix.
const ACTIONS: &[&str] = &[
    "*",
    "AddPermission",
    "DeleteTopic",
    "GetDataProtectionPolicy",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "ListTagsForResource",
    "Publish",
    "PutDataProtectionPolicy",
    "RemovePermission",
    "SetTopicAttributes",
    "Subscribe",
];

/// The policy of a topic that was given none.
pub fn default_policy(tenant: &Tenant, topic_arn: &str) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "SNS:GetTopicAttributes",
                "SNS:SetTopicAttributes",
                "SNS:AddPermission",
                "SNS:RemovePermission",
                "SNS:DeleteTopic",
                "SNS:Subscribe",
                "SNS:ListSubscriptionsByTopic",
                "SNS:Publish",
            ],
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": &*tenant.account}},
        }],
    })
    .to_string()
}

/// Whether `text` can be a policy: a JSON object with statements.
///
/// # Errors
/// The text after `Invalid parameter: `.
pub fn check_policy(text: &str) -> Result<(), String> {
    let policy = parse(text)?;
    match policy.get("Statement") {
        Some(Value::Array(statements))
            if !statements.is_empty() && statements.iter().all(Value::is_object) =>
        {
            Ok(())
        }
        Some(Value::Object(_)) => Ok(()),
        _ => Err("Policy Error: null".to_owned()),
    }
}

/// `policy` with one more statement.
///
/// # Errors
/// The text after `Invalid parameter: `.
pub fn with_statement(
    policy: &str,
    topic_arn: &str,
    label: &str,
    accounts: &[String],
    actions: &[String],
) -> Result<String, String> {
    if let Some(unknown) = actions.iter().find(|a| !ACTIONS.contains(&a.as_str())) {
        tracing::debug!(action = %unknown, "action of no topic");
        return Err("Policy statement action out of service scope!".to_owned());
    }
    let mut policy = parse(policy)?;
    let mut statements = take_statements(&mut policy);
    if statements.iter().any(|s| sid(s) == Some(label)) {
        return Err("Statement already exists".to_owned());
    }
    statements.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_many(accounts.iter().map(|a| format!("arn:aws:iam::{a}:root")))},
        "Action": one_or_many(actions.iter().map(|a| format!("SNS:{a}"))),
        "Resource": topic_arn,
    }));
    policy.insert("Statement".to_owned(), Value::Array(statements));
    Ok(Value::Object(policy).to_string())
}

/// `policy` without the statement of this label; unknown labels change nothing.
///
/// # Errors
/// When the stored policy is no JSON object.
pub fn without_statement(policy: &str, label: &str) -> Result<String, String> {
    let mut policy = parse(policy)?;
    let mut statements = take_statements(&mut policy);
    statements.retain(|s| sid(s) != Some(label));
    policy.insert("Statement".to_owned(), Value::Array(statements));
    Ok(Value::Object(policy).to_string())
}

fn parse(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(policy)) => Ok(policy),
        Ok(_) => Err("Policy: failed to parse JSON. Expected an object".to_owned()),
        Err(error) => Err(format!("Policy: failed to parse JSON. {error}")),
    }
}

/// A single statement may stand without its array.
fn take_statements(policy: &mut Map<String, Value>) -> Vec<Value> {
    match policy.get_mut("Statement").map(Value::take) {
        Some(Value::Array(statements)) => statements,
        Some(Value::Null) | None => Vec::new(),
        Some(statement) => vec![statement],
    }
}

fn sid(statement: &Value) -> Option<&str> {
    statement.get("Sid").and_then(Value::as_str)
}

/// Policies write a list of one as its member.
fn one_or_many(texts: impl Iterator<Item = String>) -> Value {
    let mut texts: Vec<Value> = texts.map(Value::String).collect();
    match texts.len() {
        1 => texts.remove(0),
        _ => Value::Array(texts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:ops";

    #[test]
    fn statements_come_and_go_by_label() {
        let policy = default_policy(&Tenant::new("111122223333", "eu-west-1"), TOPIC);
        assert_eq!(check_policy(&policy), Ok(()));
        let accounts = ["444455556666".to_owned()];
        let actions = ["Publish".to_owned(), "Subscribe".to_owned()];
        let more = with_statement(&policy, TOPIC, "friends", &accounts, &actions).expect("new");
        let value: Value = serde_json::from_str(&more).expect("JSON");
        assert_eq!(
            value["Statement"][1],
            json!({
                "Sid": "friends",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
                "Action": ["SNS:Publish", "SNS:Subscribe"],
                "Resource": TOPIC,
            })
        );
        assert_eq!(
            with_statement(&more, TOPIC, "friends", &accounts, &actions),
            Err("Statement already exists".to_owned())
        );
        assert_eq!(without_statement(&more, "friends").as_deref(), Ok(&*policy));
        assert_eq!(
            without_statement(&policy, "nobody").as_deref(),
            Ok(&*policy)
        );
        assert_eq!(
            with_statement(&policy, TOPIC, "x", &accounts, &["Fly".to_owned()]),
            Err("Policy statement action out of service scope!".to_owned())
        );
    }
}
