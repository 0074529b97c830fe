//! Entities beside metrics (spec metrics.md 2): what a datum was measured on. They never change
//! what is stored of the metrics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names that key attributes may have.
const KEYS: &[&str] = &["Type", "ResourceType", "Identifier", "Name", "Environment"];
const SERVICE_TYPES: &[&str] = &["Service", "RemoteService", "AWS::Service"];
const RESOURCE_TYPES: &[&str] = &["Resource", "AWS::Resource"];
const KEY_ATTRIBUTES: std::ops::RangeInclusive<usize> = 2..=4;
const ATTRIBUTES_MAX: usize = 10;
const ATTRIBUTE_NAME_CHARS_MAX: usize = 256;
const VALUE_CHARS_MAX: usize = 2_048;
/// Names and values together; ours.
const BYTES_MAX: usize = 16 * 1_024;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Entity {
    pub key_attributes: Option<BTreeMap<String, String>>,
    pub attributes: Option<BTreeMap<String, String>>,
}

/// What is wrong with an entity: AWS's word for it, and a detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityFault {
    pub kind: &'static str,
    detail: &'static str,
}

impl EntityFault {
    const fn new(kind: &'static str, detail: &'static str) -> Self {
        Self { kind, detail }
    }

    /// As the refusal of a strict call has it.
    pub fn text(self) -> String {
        format!("{}: {}", self.kind, self.detail)
    }
}

impl Entity {
    /// The first fault.
    pub fn fault(&self) -> Option<EntityFault> {
        let Some(keys) = self.key_attributes.as_ref().filter(|keys| !keys.is_empty()) else {
            return Some(EntityFault::new(
                "MissingRequiredFields",
                "KeyAttributes are required",
            ));
        };
        let attributes = self.attributes.iter().flatten();
        let bytes: usize = keys
            .iter()
            .chain(attributes.clone())
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if bytes > BYTES_MAX {
            return Some(EntityFault::new(
                "EntitySizeTooLarge",
                "The entity is too large",
            ));
        }
        key_fault(keys).or_else(|| {
            let sized = |text: &str, most| (1..=most).contains(&text.chars().count());
            let hold = attributes.clone().count() <= ATTRIBUTES_MAX
                && attributes.clone().all(|(name, value)| {
                    sized(name, ATTRIBUTE_NAME_CHARS_MAX) && sized(value, VALUE_CHARS_MAX)
                });
            (!hold).then(|| EntityFault::new("InvalidAttributes", "The attributes are invalid"))
        })
    }
}

fn key_fault(keys: &BTreeMap<String, String>) -> Option<EntityFault> {
    let known = keys.keys().all(|name| KEYS.contains(&name.as_str()));
    let sized = keys
        .values()
        .all(|value| (1..=VALUE_CHARS_MAX).contains(&value.chars().count()));
    if !KEY_ATTRIBUTES.contains(&keys.len()) || !known || !sized {
        return Some(EntityFault::new(
            "InvalidKeyAttributes",
            "The key attributes are invalid",
        ));
    }
    let Some(kind) = keys.get("Type") else {
        return Some(EntityFault::new(
            "MissingRequiredFields",
            "Type is required",
        ));
    };
    let (required, detail): (&[&str], _) = if SERVICE_TYPES.contains(&kind.as_str()) {
        (&["Name"], "Name is required")
    } else if RESOURCE_TYPES.contains(&kind.as_str()) {
        let detail = "ResourceType and Identifier are required";
        (&["ResourceType", "Identifier"], detail)
    } else {
        // The observed text.
        return Some(EntityFault::new("InvalidTypeValue", "Unknown entity type"));
    };
    let complete = required.iter().all(|name| keys.contains_key(*name));
    (!complete).then(|| EntityFault::new("MissingRequiredFields", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(keys: &[(&str, &str)], attributes: usize) -> Option<&'static str> {
        let text = |text: &&str| (*text).to_owned();
        let entity = Entity {
            key_attributes: Some(keys.iter().map(|(k, v)| (text(k), text(v))).collect()),
            attributes: Some(
                (0..attributes)
                    .map(|i| (i.to_string(), "v".to_owned()))
                    .collect(),
            ),
        };
        entity.fault().map(|fault| fault.kind)
    }

    #[test]
    fn each_fault_has_its_name() {
        let service = [("Type", "Service"), ("Name", "api")];
        assert_eq!(fault(&service, 10), None);
        assert_eq!(fault(&service, 11), Some("InvalidAttributes"));
        assert_eq!(fault(&[], 0), Some("MissingRequiredFields"));
        assert_eq!(
            fault(&[("Name", "a"), ("Environment", "b")], 0),
            Some("MissingRequiredFields")
        );
        assert_eq!(
            fault(&[("Type", "Service"), ("Environment", "b")], 0),
            Some("MissingRequiredFields")
        );
        assert_eq!(
            fault(&[("Type", "Service")], 0),
            Some("InvalidKeyAttributes")
        );
        assert_eq!(
            fault(&[("Type", "Service"), ("Colour", "red")], 0),
            Some("InvalidKeyAttributes")
        );
        assert_eq!(
            fault(&[("Type", "Pigeon"), ("Name", "a")], 0),
            Some("InvalidTypeValue")
        );
        let long = "x".repeat(17_000);
        assert_eq!(
            fault(&[("Type", "Service"), ("Name", &long)], 0),
            Some("EntitySizeTooLarge")
        );
        let unknown = Entity {
            key_attributes: Some(
                [("Type", "x"), ("Name", "y")]
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
                    .into(),
            ),
            attributes: None,
        };
        assert_eq!(
            unknown.fault().map(EntityFault::text).as_deref(),
            Some("InvalidTypeValue: Unknown entity type")
        );
    }
}
