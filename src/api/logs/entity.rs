//! The entity beside a batch of events: checked, and reported when it is wrong; the events are
//! stored all the same (spec logs-semantics.md 2.2).

use super::put_log_events::Entity;

/// Names that key attributes may have (spec metrics.md 2).
const KEYS: &[&str] = &["Type", "ResourceType", "Identifier", "Name", "Environment"];
const TYPES: &[&str] = &[
    "Service",
    "RemoteService",
    "AWS::Service",
    "Resource",
    "AWS::Resource",
];
/// Names and values together; ours, after the size of an event's overhead in the original.
const BYTES_MAX: usize = 8 * 1_024;

/// The `errorType` of an entity that is not as the model declares it.
pub fn fault(entity: &Entity) -> Option<&'static str> {
    let Some(keys) = &entity.key_attributes else {
        return Some("MissingRequiredFields");
    };
    let attributes = entity.attributes.as_ref();
    let bytes: usize = keys
        .iter()
        .chain(attributes.into_iter().flatten())
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > BYTES_MAX {
        return Some("EntitySizeTooLarge");
    }
    let known = keys.keys().all(|name| KEYS.contains(&name.as_str()));
    let sized = keys
        .values()
        .all(|value| (1..=512).contains(&value.chars().count()));
    if !(2..=4).contains(&keys.len()) || !known || !sized {
        return Some("InvalidKeyAttributes");
    }
    match keys.get("Type") {
        None => return Some("MissingRequiredFields"),
        Some(kind) if !TYPES.contains(&kind.as_str()) => return Some("InvalidTypeValue"),
        Some(_) => {}
    }
    let attributes_hold = attributes.is_none_or(|attributes| {
        attributes.len() <= 10
            && attributes.iter().all(|(name, value)| {
                (1..=256).contains(&name.chars().count())
                    && (1..=512).contains(&value.chars().count())
            })
    });
    (!attributes_hold).then_some("InvalidAttributes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(keys: &[(&str, &str)]) -> Entity {
        Entity {
            key_attributes: Some(
                keys.iter()
                    .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                    .collect(),
            ),
            attributes: None,
        }
    }

    #[test]
    fn names_what_is_wrong() {
        let good = entity(&[("Type", "Service"), ("Name", "api")]);
        assert_eq!(fault(&good), None);
        assert_eq!(fault(&Entity::default()), Some("MissingRequiredFields"));
        let kind = entity(&[("Type", "Pigeon"), ("Name", "api")]);
        assert_eq!(fault(&kind), Some("InvalidTypeValue"));
        let key = entity(&[("Type", "Service"), ("Colour", "red")]);
        assert_eq!(fault(&key), Some("InvalidKeyAttributes"));
    }
}
