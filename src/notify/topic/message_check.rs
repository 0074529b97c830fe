//! What may be published (spec notifications.md 5.1 to 5.5).

use indexmap::IndexMap;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::message::{AttributeValue, MessageAttribute, MessageAttributes, STRUCTURE_JSON};

const SUBJECT_CHARS_MAX: usize = 100;
const ATTRIBUTE_NAME_BYTES_MAX: usize = 256;
const NUMBER_ABS_MAX: f64 = 1e9;
const GROUP_ID_CHARS_MAX: usize = 128;

/// One message attribute as it came in: nothing of it is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeInput {
    pub data_type: Option<String>,
    pub string_value: Option<String>,
    pub binary_value: Option<Vec<u8>>,
}

/// Spec notifications.md 5.2.
pub(super) fn check_subject(subject: Option<&str>) -> Result<()> {
    let Some(subject) = subject else {
        return Ok(());
    };
    let chars = subject.chars().count();
    if chars == 0 || chars > SUBJECT_CHARS_MAX || subject.chars().any(|c| c < ' ' || c == '\u{7f}')
    {
        return Err(Error::invalid("Subject"));
    }
    Ok(())
}

/// The body and its structure (spec notifications.md 5.3). Duplicate keys are tolerated, the
/// last one counts: so the recorded service does (spec api-operations.md, SNS).
pub(super) fn check_body(message: &str, structure: Option<&str>) -> Result<()> {
    if message.is_empty() {
        return Err(Error::invalid("Empty message"));
    }
    match structure {
        None | Some("") => Ok(()),
        Some(STRUCTURE_JSON) => {
            let texts: serde_json::Map<String, Value> =
                serde_json::from_str(message).map_err(|_| {
                    Error::invalid("Message Structure - JSON message body failed to parse")
                })?;
            match texts.get("default") {
                Some(Value::String(_)) => Ok(()),
                _ => Err(Error::invalid(
                    "Message Structure - No default entry in JSON message body",
                )),
            }
        }
        Some(_) => Err(Error::invalid("MessageStructure")),
    }
}

/// Group ids are legal on standard topics, for queues with fair shares; de-duplication ids
/// are not.
pub(super) fn check_fifo_members(group: Option<&str>, deduplication: Option<&str>) -> Result<()> {
    if deduplication.is_some() {
        return Err(Error::invalid(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
        ));
    }
    let fits = |id: &str| {
        (1..=GROUP_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
    };
    match group {
        Some(id) if !fits(id) => Err(Error::invalid("MessageGroupId")),
        _ => Ok(()),
    }
}

/// Bytes of the body and of attribute names, types and values (spec notifications.md 5.5).
pub(super) fn size(message: &str, attributes: &MessageAttributes) -> usize {
    attributes
        .iter()
        .map(|(name, a)| {
            name.len()
                .saturating_add(a.data_type.len())
                .saturating_add(a.value.len())
        })
        .fold(message.len(), usize::saturating_add)
}

/// Spec notifications.md 5.4.
pub(super) fn check_attributes(
    given: IndexMap<String, AttributeInput>,
) -> Result<MessageAttributes> {
    given
        .into_iter()
        .map(|(name, input)| {
            check_attribute_name(&name)?;
            let attribute = check_attribute(&name, input)?;
            Ok((name, attribute))
        })
        .collect()
}

fn check_attribute_name(name: &str) -> Result<()> {
    let refuse = |text: String| Err(Error::ParameterValueInvalid(text));
    if name.is_empty() || name.len() > ATTRIBUTE_NAME_BYTES_MAX {
        return refuse("Length of message attribute name must be less than 256 bytes.".to_owned());
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if let Some(c) = name.chars().find(|c| !allowed(c)) {
        return refuse(format!(
            "Invalid non-alphanumeric character '#x{:X}' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
            u32::from(c)
        ));
    }
    for (found, place) in [
        (name.starts_with('.'), "starting"),
        (name.ends_with('.'), "ending"),
    ] {
        if found {
            return refuse(format!(
                "Invalid message attribute name {place} with character '.' was found."
            ));
        }
    }
    if name.contains("..") {
        return refuse("Message attribute name can not have successive '.' character.".to_owned());
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return refuse(
            "Message attribute name can not start with the reserved prefixes 'AWS.' or 'Amazon.'."
                .to_owned(),
        );
    }
    Ok(())
}

fn check_attribute(name: &str, input: AttributeInput) -> Result<MessageAttribute> {
    let refuse = |text: String| Err(Error::ParameterValueInvalid(text));
    let Some(data_type) = input.data_type.filter(|t| !t.is_empty()) else {
        return Err(Error::ValidationError(format!(
            "1 validation error detected: Value null at 'messageAttributes.{name}.member.dataType' failed to satisfy constraint: Member must not be null"
        )));
    };
    let base = data_type.split('.').next().unwrap_or_default();
    if !matches!(base, "String" | "Number" | "Binary") || data_type.ends_with('.') {
        return refuse(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
        ));
    }
    let binary = base == "Binary";
    let (wanted, other) = if binary {
        ("Binary", "String")
    } else {
        ("String", "Binary")
    };
    let wrong_field = match other {
        "String" => input.string_value.is_some() && input.binary_value.is_none(),
        _ => input.binary_value.is_some() && input.string_value.is_none(),
    };
    if wrong_field {
        return refuse(format!(
            "The message attribute '{name}' with type '{data_type}' must use field '{wanted}'."
        ));
    }
    let value = if binary {
        input.binary_value.map(AttributeValue::Binary)
    } else {
        input.string_value.map(AttributeValue::Text)
    };
    let Some(value) = value.filter(|v| !v.is_empty()) else {
        return refuse(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{data_type}'."
        ));
    };
    if base == "Number" {
        let number = match &value {
            AttributeValue::Text(text) => text.trim().parse::<f64>().ok(),
            AttributeValue::Binary(_) => None,
        };
        if number.is_none_or(|n| !n.is_finite() || n.abs() > NUMBER_ABS_MAX) {
            return refuse(format!(
                "Could not cast message attribute '{name}' value to number."
            ));
        }
    }
    Ok(MessageAttribute { data_type, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects() {
        for ok in ["a", "S é", &"é".repeat(100), " leading"] {
            assert!(check_subject(Some(ok)).is_ok(), "{ok}");
        }
        assert!(check_subject(None).is_ok());
        for bad in ["", &"x".repeat(101), "a\nb", "tab\t", "\u{7f}"] {
            let error = check_subject(Some(bad)).expect_err(bad);
            assert_eq!(error.to_string(), "Invalid parameter: Subject");
        }
    }

    #[test]
    fn structures() {
        let text = |message, structure| {
            check_body(message, structure)
                .expect_err(message)
                .to_string()
        };
        assert_eq!(text("", None), "Invalid parameter: Empty message");
        for bad in ["{}", r#"{"default":5}"#, r#"{"email":"x"}"#] {
            assert_eq!(
                text(bad, Some("json")),
                "Invalid parameter: Message Structure - No default entry in JSON message body"
            );
        }
        for bad in ["{", "[]", "text"] {
            assert_eq!(
                text(bad, Some("json")),
                "Invalid parameter: Message Structure - JSON message body failed to parse"
            );
        }
        assert!(check_body(r#"{"default":"a","x":{}}"#, Some("json")).is_ok());
        assert!(check_body("{", None).is_ok());
    }

    fn attribute(
        name: &str,
        data_type: &str,
        text: Option<&str>,
        bytes: Option<&[u8]>,
    ) -> Result<MessageAttributes> {
        check_attributes(IndexMap::from([(
            name.to_owned(),
            AttributeInput {
                data_type: (!data_type.is_empty()).then(|| data_type.to_owned()),
                string_value: text.map(str::to_owned),
                binary_value: bytes.map(<[u8]>::to_vec),
            },
        )]))
    }

    /// The texts of spec notifications.md 5.4.
    #[test]
    fn attributes_have_their_texts() {
        for (name, data_type, text, bytes, code, message) in [
            (
                "n",
                "String",
                Some(""),
                None,
                "ParameterValueInvalid",
                "The message attribute 'n' must contain non-empty message attribute value for message attribute type 'String'.",
            ),
            (
                "n",
                "Binary",
                Some("x"),
                None,
                "ParameterValueInvalid",
                "The message attribute 'n' with type 'Binary' must use field 'Binary'.",
            ),
            (
                "n",
                "Number",
                None,
                Some(&b"1"[..]),
                "ParameterValueInvalid",
                "The message attribute 'n' with type 'Number' must use field 'String'.",
            ),
            (
                "n",
                "Text",
                Some("x"),
                None,
                "ParameterValueInvalid",
                "The message attribute 'n' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
            ),
            (
                "a b",
                "String",
                Some("x"),
                None,
                "ParameterValueInvalid",
                "Invalid non-alphanumeric character '#x20' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
            ),
            (
                ".n",
                "String",
                Some("x"),
                None,
                "ParameterValueInvalid",
                "Invalid message attribute name starting with character '.' was found.",
            ),
            (
                "n.",
                "String",
                Some("x"),
                None,
                "ParameterValueInvalid",
                "Invalid message attribute name ending with character '.' was found.",
            ),
            (
                "n..m",
                "String",
                Some("x"),
                None,
                "ParameterValueInvalid",
                "Message attribute name can not have successive '.' character.",
            ),
            (
                "n",
                "",
                Some("x"),
                None,
                "ValidationError",
                "1 validation error detected: Value null at 'messageAttributes.n.member.dataType' failed to satisfy constraint: Member must not be null",
            ),
        ] {
            let error = attribute(name, data_type, text, bytes).expect_err(message);
            assert_eq!((error.code(), error.to_string().as_str()), (code, message));
        }
        assert!(attribute(&"n".repeat(257), "String", Some("x"), None).is_err());
        assert!(attribute("n", "Number", Some("1e10"), None).is_err());
        assert!(attribute("AWS.n", "String", Some("x"), None).is_err());
        for data_type in [
            "String",
            "String.Array",
            "String.custom",
            "Number",
            "Number.int",
        ] {
            assert!(
                attribute("n", data_type, Some("1"), None).is_ok(),
                "{data_type}"
            );
        }
        assert!(attribute("n", "Binary.png", None, Some(&[0])).is_ok());
    }

    #[test]
    fn sizes_count_names_types_and_values() {
        let attributes = attribute("name", "String", Some("value"), None).expect("valid");
        assert_eq!(size("body", &attributes), 4 + 4 + 6 + 5);
    }
}
