//! TagLogGroup: the old call, by group name.

use std::collections::BTreeMap;

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::{limits, tag_set};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct TagLogGroup;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_group_name: Option<String>,
    pub tags: Option<BTreeMap<String, String>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::log_group_name(c, &self.log_group_name);
        c.member("tags", &self.tags).required();
        limits::tags(c, &self.tags);
    }
}

impl Operation for TagLogGroup {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "TagLogGroup";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let name = input.log_group_name.unwrap_or_default();
        let arn = tag_set::of_group(services, call, &name).await?;
        tag_set::put(services, &arn, input.tags.unwrap_or_default()).await?;
        Ok(Empty {})
    }
}
