//! The tags of SNS: lists of key and value.

use belfry_wire::{Constrained, Constraints};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tag {
    pub key: Option<String>,
    pub value: Option<String>,
}

impl Constrained for Tag {
    fn check(&self, c: &mut Constraints) {
        c.member("Key", &self.key).required().length(1..=128);
        c.member("Value", &self.value).required().length(..=256);
    }
}

impl From<(String, String)> for Tag {
    fn from((key, value): (String, String)) -> Self {
        Self {
            key: Some(key),
            value: Some(value),
        }
    }
}

pub fn resource_arn(c: &mut Constraints, arn: &Option<String>) {
    c.member("ResourceArn", arn).required().length(1..=1_011);
}

/// Keys and values of tags whose constraints hold.
pub fn pairs(tags: Option<Vec<Tag>>) -> Vec<(String, String)> {
    tags.unwrap_or_default()
        .into_iter()
        .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
        .collect()
}
