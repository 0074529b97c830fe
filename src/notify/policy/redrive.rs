//! Where deliveries go that cannot be made (spec notifications.md 10).

use belfry_model::arn::Arn;
use serde_json::Value;

const INVALID_ARN: &str = "RedrivePolicy: deadLetterTargetArn is an invalid arn";

/// The queue named by a `RedrivePolicy`.
///
/// # Errors
/// The text after `Invalid parameter: `.
pub fn dead_letter_target(text: &str) -> Result<String, String> {
    let policy: Value = serde_json::from_str(text)
        .map_err(|error| format!("RedrivePolicy: failed to parse JSON. {error}"))?;
    let Value::Object(policy) = policy else {
        return Err("RedrivePolicy: failed to parse JSON. Expected an object".to_owned());
    };
    let target = policy
        .get("deadLetterTargetArn")
        .and_then(Value::as_str)
        .ok_or(INVALID_ARN)?;
    match Arn::parse(target) {
        Ok(arn) if arn.service == "sqs" && !arn.resource.is_empty() => Ok(target.to_owned()),
        _ => Err(INVALID_ARN.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_queues_are_targets() {
        let target = r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:dead"}"#;
        assert_eq!(
            dead_letter_target(target).as_deref(),
            Ok("arn:aws:sqs:eu-west-1:111122223333:dead")
        );
        for bad in [
            r#"{"deadLetterTargetArn":"dead"}"#,
            r#"{"deadLetterTargetArn":"arn:aws:sns:eu-west-1:111122223333:dead"}"#,
            "{}",
        ] {
            assert_eq!(dead_letter_target(bad), Err(INVALID_ARN.to_owned()));
        }
        let error = dead_letter_target("{").expect_err("no JSON");
        assert!(error.starts_with("RedrivePolicy: failed to parse JSON. "));
    }
}
