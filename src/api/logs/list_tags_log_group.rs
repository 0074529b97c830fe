//! ListTagsLogGroup: the old call, by group name.

use std::collections::BTreeMap;

use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::{limits, tag_set};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct ListTagsLogGroup;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_group_name: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Output {
    pub tags: BTreeMap<String, String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::log_group_name(c, &self.log_group_name);
    }
}

impl Operation for ListTagsLogGroup {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "ListTagsLogGroup";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let name = input.log_group_name.unwrap_or_default();
        let arn = tag_set::of_group(services, call, &name).await?;
        let tags = tag_set::list(services, &arn).await?;
        Ok(Output { tags })
    }
}
