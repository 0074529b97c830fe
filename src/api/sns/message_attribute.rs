//! The attributes of messages.

use belfry_notify::topic::AttributeInput;
use belfry_wire::Blob;
use indexmap::IndexMap;
use serde::Deserialize;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MessageAttribute {
    pub data_type: Option<String>,
    pub string_value: Option<String>,
    pub binary_value: Option<Blob>,
}

/// As the service takes them, in the caller's order.
pub fn inputs(
    attributes: Option<IndexMap<String, MessageAttribute>>,
) -> IndexMap<String, AttributeInput> {
    attributes
        .unwrap_or_default()
        .into_iter()
        .map(|(name, attribute)| {
            let input = AttributeInput {
                data_type: attribute.data_type,
                string_value: attribute.string_value,
                binary_value: attribute.binary_value.map(|blob| blob.0),
            };
            (name, input)
        })
        .collect()
}
