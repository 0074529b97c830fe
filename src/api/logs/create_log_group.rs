//! CreateLogGroup.

use std::collections::BTreeMap;

use belfry_catalog::Error;
use belfry_catalog::log_groups::NewLogGroup;
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::{class, fail, limits};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct CreateLogGroup;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_group_name: Option<String>,
    pub kms_key_id: Option<String>,
    pub tags: Option<BTreeMap<String, String>>,
    pub log_group_class: Option<String>,
    pub deletion_protection_enabled: Option<bool>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::log_group_name(c, &self.log_group_name);
        c.member("kmsKeyId", &self.kms_key_id).length(..=256);
        limits::tags(c, &self.tags);
        c.member("logGroupClass", &self.log_group_class)
            .one_of(limits::LOG_CLASSES);
    }
}

impl Operation for CreateLogGroup {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "CreateLogGroup";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let name = input.log_group_name.unwrap_or_default();
        // Spec logs-semantics.md 1: the prefix is the provider's.
        if name.starts_with("aws/") {
            return Err(logs::invalid_parameter(
                "Log groups starting with aws/ are reserved for AWS.",
            ));
        }
        let class = input
            .log_group_class
            .unwrap_or_else(|| "STANDARD".to_owned());
        let group = NewLogGroup {
            tenant: call.tenant.clone(),
            name,
            retention_days: class::fixed_retention_days(&class),
            class,
            created_at: call.now,
            kms_key_id: input.kms_key_id,
            deletion_protection: input.deletion_protection_enabled.unwrap_or(false),
            tags: input.tags.unwrap_or_default().into_iter().collect(),
        };
        match services.catalog.create_log_group(group).await {
            Ok(_) => Ok(Empty {}),
            Err(Error::AlreadyExists { .. }) => Err(logs::log_group_already_exists()),
            Err(error) => Err(fail(error)),
        }
    }
}
