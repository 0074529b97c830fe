//! What an alarm's history says about its actions (spec alarms.md 16).

use belfry_catalog::alarms::{AlarmHistoryItem, HistoryItemType};
use belfry_model::{Tenant, TimestampMs};
use serde_json::{Value, json};

use crate::message::AlarmAction;

/// `HistoryData` holds no more.
const DATA_CHARS_MAX: usize = 4_095;

/// The `Action` item for an action that was carried out, or not.
pub fn action_item(
    tenant: &Tenant,
    action: &AlarmAction,
    published: &str,
    error: Option<&str>,
    now: TimestampMs,
) -> AlarmHistoryItem {
    let arn = &action.action_arn;
    let summary = match error {
        None => format!("Successfully executed action {arn}"),
        Some(error) => format!("Failed to execute action {arn}. Received error: \"{error}\""),
    };
    AlarmHistoryItem {
        tenant: tenant.clone(),
        alarm_name: action.alarm_name.clone(),
        alarm_type: action.alarm_type.clone(),
        timestamp: now,
        item_type: HistoryItemType::Action,
        summary,
        data: action_data(action, published, error),
    }
}

fn action_data(action: &AlarmAction, published: &str, error: Option<&str>) -> String {
    let data = |published: &str| {
        json!({
            "actionState": if error.is_none() { "Succeeded" } else { "Failed" },
            "stateUpdateTimestamp": action.state_updated_at.0,
            "notificationResource": action.action_arn,
            "publishedMessage": published,
            "error": error.map_or(Value::Null, Value::from),
            "muteWindowEndTimestamp": null,
        })
        .to_string()
    };
    let whole = data(published);
    if whole.chars().count() <= DATA_CHARS_MAX {
        return whole;
    }
    // The message is cut first: to the longest beginning that fits once it is escaped.
    let chars: Vec<char> = published.chars().collect();
    let cut = |length: usize| data(&chars.iter().take(length).collect::<String>());
    let (mut fits, mut too_long) = (0, chars.len());
    while too_long.saturating_sub(fits) > 1 {
        let middle = fits.midpoint(too_long);
        if cut(middle).chars().count() <= DATA_CHARS_MAX {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    cut(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action() -> AlarmAction {
        AlarmAction {
            alarm_name: "disk".to_owned(),
            alarm_type: "MetricAlarm".to_owned(),
            action_arn: "arn:aws:sns:eu-west-1:111122223333:ops".to_owned(),
            state_updated_at: TimestampMs(1_667_756_633_496),
        }
    }

    #[test]
    fn items_say_what_happened() {
        let tenant = Tenant::new("111122223333", "eu-west-1");
        let item = action_item(
            &tenant,
            &action(),
            r#"{"default":"x"}"#,
            None,
            TimestampMs(7),
        );
        assert_eq!(
            item.summary,
            "Successfully executed action arn:aws:sns:eu-west-1:111122223333:ops"
        );
        assert_eq!(
            item.data,
            r#"{"actionState":"Succeeded","stateUpdateTimestamp":1667756633496,"notificationResource":"arn:aws:sns:eu-west-1:111122223333:ops","publishedMessage":"{\"default\":\"x\"}","error":null,"muteWindowEndTimestamp":null}"#
        );
        let item = action_item(
            &tenant,
            &action(),
            "x",
            Some("Topic does not exist"),
            TimestampMs(7),
        );
        assert_eq!(
            item.summary,
            "Failed to execute action arn:aws:sns:eu-west-1:111122223333:ops. Received error: \"Topic does not exist\""
        );
    }

    #[test]
    fn long_messages_are_cut_and_stay_json() {
        let data = action_data(&action(), &"é\"".repeat(5_000), None);
        let length = data.chars().count();
        assert!(
            (DATA_CHARS_MAX - 2..=DATA_CHARS_MAX).contains(&length),
            "{length}"
        );
        assert!(serde_json::from_str::<Value>(&data).is_ok());
    }
}
