//! Action ARNs: what they stand for, and which an alarm may have (spec alarms.md 2 and 20).

use belfry_model::alarm::{AlarmState, MetricAlarm};
use belfry_model::arn::Arn;

/// Actions for each state (spec alarms.md 2).
pub const ACTIONS_PER_STATE_MAX: usize = 5;

/// What an action ARN asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Publish to a topic.
    Sns,
    Lambda,
    /// Stop, terminate, reboot or recover an instance.
    Ec2,
    AutoScaling,
    OpsItem,
    Incident,
    Investigation,
}

impl ActionKind {
    /// `None` if the text has none of the forms of spec alarms.md 20.
    pub fn of(text: &str) -> Option<Self> {
        let arn = Arn::parse(text).ok()?;
        if arn.partition != "aws" && !arn.partition.starts_with("aws-") {
            return None;
        }
        let regional = !arn.region.is_empty();
        let owned = belfry_model::tenant::is_account_id(arn.account);
        let after = |prefix: &str| {
            arn.resource
                .strip_prefix(prefix)
                .filter(|rest| !rest.is_empty())
        };
        let named = |prefix: &str| after(prefix).is_some();
        let (fits, kind) = match arn.service {
            "sns" => (regional && owned && is_topic_name(arn.resource), Self::Sns),
            "lambda" => (regional && owned && named("function:"), Self::Lambda),
            "automate" => {
                let ec2 = arn.account == "ec2" && is_ec2_verb(arn.resource);
                (regional && ec2, Self::Ec2)
            }
            "swf" => {
                let verb = after("action/actions/AWS_EC2.InstanceId.")
                    .and_then(|rest| rest.strip_suffix("/1.0"))
                    .map(str::to_ascii_lowercase);
                let ec2 = verb.is_some_and(|verb| is_ec2_verb(&verb));
                (regional && owned && ec2, Self::Ec2)
            }
            "autoscaling" => (
                regional && owned && named("scalingPolicy:"),
                Self::AutoScaling,
            ),
            "ssm" => (regional && owned && named("opsitem:"), Self::OpsItem),
            "ssm-incidents" => (owned && named("responseplan/"), Self::Incident),
            "aiops" => {
                let group = named("investigation-group:");
                (regional && owned && group, Self::Investigation)
            }
            _ => return None,
        };
        fits.then_some(kind)
    }

    /// OpsItems, incidents and investigations are opened by ALARM only (spec alarms.md 7).
    pub fn runs_in(self, state: AlarmState) -> bool {
        match self {
            Self::OpsItem | Self::Incident | Self::Investigation => state == AlarmState::Alarm,
            Self::Sns | Self::Lambda | Self::Ec2 | Self::AutoScaling => true,
        }
    }
}

/// Names of topics: letters, digits, `-`, `_`, and `.fifo` at the end (spec notifications.md 1).
fn is_topic_name(text: &str) -> bool {
    let stem = text.strip_suffix(".fifo").unwrap_or(text);
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !stem.is_empty() && stem.bytes().all(allowed)
}

fn is_ec2_verb(text: &str) -> bool {
    matches!(text, "stop" | "terminate" | "reboot" | "recover")
}

/// Why an alarm's actions are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    #[error("Invalid arn syntax: {0}")]
    Syntax(String),
    #[error("an alarm can have at most {ACTIONS_PER_STATE_MAX} actions for each state")]
    TooMany,
    #[error("{0} needs a metric of AWS/EC2 with the dimension InstanceId")]
    NotAnInstance(String),
    #[error("{0} can only be an action of the ALARM state")]
    AlarmOnly(String),
}

/// Checks the actions of all three states. That their targets exist is never checked
/// (spec alarms.md 7).
///
/// # Errors
/// The first action that is refused.
pub fn validate(alarm: &MetricAlarm) -> Result<(), ActionError> {
    let instance =
        &*alarm.metric.namespace == "AWS/EC2" && alarm.metric.dimension("InstanceId").is_some();
    for state in [
        AlarmState::Ok,
        AlarmState::Alarm,
        AlarmState::InsufficientData,
    ] {
        let arns = actions_of(alarm, state);
        if arns.len() > ACTIONS_PER_STATE_MAX {
            return Err(ActionError::TooMany);
        }
        for arn in arns {
            let kind = ActionKind::of(arn).ok_or_else(|| ActionError::Syntax(arn.clone()))?;
            if kind == ActionKind::Ec2 && !instance {
                return Err(ActionError::NotAnInstance(arn.clone()));
            }
            if kind == ActionKind::Investigation && state != AlarmState::Alarm {
                return Err(ActionError::AlarmOnly(arn.clone()));
            }
        }
    }
    Ok(())
}

/// The actions that coming to `state` runs.
pub fn actions_of(alarm: &MetricAlarm, state: AlarmState) -> &[String] {
    match state {
        AlarmState::Ok => &alarm.ok_actions,
        AlarmState::Alarm => &alarm.alarm_actions,
        AlarmState::InsufficientData => &alarm.insufficient_data_actions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use belfry_model::{Dimension, MetricId};

    #[test]
    fn all_documented_forms_are_known() {
        use ActionKind::*;
        for (arn, kind) in [
            ("arn:aws:sns:eu-west-1:111122223333:ops", Sns),
            ("arn:aws:sns:eu-west-1:111122223333:ops.fifo", Sns),
            ("arn:aws-cn:sns:cn-north-1:111122223333:ops", Sns),
            (
                "arn:aws:lambda:eu-west-1:111122223333:function:fix:7",
                Lambda,
            ),
            ("arn:aws:automate:eu-west-1:ec2:recover", Ec2),
            (
                "arn:aws:swf:eu-west-1:111122223333:action/actions/AWS_EC2.InstanceId.Stop/1.0",
                Ec2,
            ),
            (
                "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:u:autoScalingGroupName/g:policyName/p",
                AutoScaling,
            ),
            (
                "arn:aws:ssm:eu-west-1:111122223333:opsitem:3#CATEGORY=Security",
                OpsItem,
            ),
            (
                "arn:aws:ssm-incidents::111122223333:responseplan/plan",
                Incident,
            ),
            (
                "arn:aws:aiops:eu-west-1:111122223333:investigation-group:g",
                Investigation,
            ),
        ] {
            assert_eq!(ActionKind::of(arn), Some(kind), "{arn}");
        }
    }

    #[test]
    fn other_texts_are_no_actions() {
        for text in [
            "",
            "ops",
            "arn:aws:sns:eu-west-1:111122223333",
            "arn:aws:sns:eu-west-1:111122223333:",
            "arn:aws:sns:eu-west-1:1111:ops",
            "arn:aws:sns::111122223333:ops",
            "arn:aws:sns:eu-west-1:111122223333:ops:2f0b",
            "arn:aws:lambda:eu-west-1:111122223333:function:",
            "arn:aws:automate:eu-west-1:ec2:explode",
            "arn:aws:sqs:eu-west-1:111122223333:queue",
            "arn:awsome:sns:eu-west-1:111122223333:ops",
        ] {
            assert_eq!(ActionKind::of(text), None, "{text}");
        }
    }

    #[test]
    fn instances_are_needed_to_stop_one() {
        let mut alarm = sample::alarm();
        alarm.alarm_actions = vec!["arn:aws:automate:eu-west-1:ec2:stop".to_owned()];
        assert!(matches!(
            validate(&alarm),
            Err(ActionError::NotAnInstance(_))
        ));
        let dimensions = vec![Dimension::new("InstanceId", "i-0123")];
        alarm.metric = MetricId::new("AWS/EC2", "CPUUtilization", dimensions);
        assert_eq!(validate(&alarm), Ok(()));
    }

    #[test]
    fn five_actions_are_enough() {
        let mut alarm = sample::alarm();
        alarm.ok_actions = vec![sample::TOPIC.to_owned(); 5];
        assert_eq!(validate(&alarm), Ok(()));
        alarm.ok_actions.push(sample::TOPIC.to_owned());
        assert_eq!(validate(&alarm), Err(ActionError::TooMany));
        alarm.ok_actions = vec!["nonsense".to_owned()];
        assert_eq!(
            validate(&alarm),
            Err(ActionError::Syntax("nonsense".to_owned()))
        );
    }
}
