//! DescribeLogGroups: by prefix, by substring, by class, by identifier.

use belfry_catalog::log_groups::{LogGroup, LogGroupFilter};
use belfry_model::arn;
use belfry_wire::constraints::Pattern;
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::{fail, limits, resolve};
use crate::operation::{Call, Operation};
use crate::pages::{Pages, page_size};
use crate::services::Services;

const PAGE_MAX: usize = 50;

static NAME_PATTERN: Pattern = Pattern::new(r"[\.\-_/#A-Za-z0-9]*");
static ACCOUNT: Pattern = Pattern::new(r"^\d{12}$");

pub struct DescribeLogGroups;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub account_identifiers: Option<Vec<String>>,
    pub log_group_name_prefix: Option<String>,
    pub log_group_name_pattern: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<i32>,
    pub include_linked_accounts: Option<bool>,
    pub log_group_class: Option<String>,
    pub log_group_identifiers: Option<Vec<String>>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub log_groups: Vec<Described>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    pub log_group_name: String,
    pub creation_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_in_days: Option<u32>,
    pub metric_filter_count: i32,
    /// Ends in `:*`; the field below does not.
    pub arn: String,
    pub log_group_arn: String,
    pub log_group_class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_protection_enabled: Option<bool>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("accountIdentifiers", &self.account_identifiers)
            .length(..=20)
            .each(|account| account.pattern(&ACCOUNT));
        limits::log_group_prefix(c, "logGroupNamePrefix", &self.log_group_name_prefix);
        c.member("logGroupNamePattern", &self.log_group_name_pattern)
            .length(..=512)
            .pattern(&NAME_PATTERN);
        limits::next_token(c, &self.next_token);
        c.member("limit", &self.limit).range(1..=50);
        c.member("logGroupClass", &self.log_group_class)
            .one_of(limits::LOG_CLASSES);
        limits::log_group_identifiers(c, "logGroupIdentifiers", &self.log_group_identifiers, 50);
    }
}

impl Operation for DescribeLogGroups {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "DescribeLogGroups";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
            return Err(logs::invalid_parameter(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
            ));
        }
        let accounts = input.account_identifiers.unwrap_or_default();
        let is_asked = accounts.is_empty() || accounts.iter().any(|a| **a == *call.tenant.account);
        if !is_asked {
            // No account is linked: the others have nothing to show to this one.
            return Ok(Output {
                log_groups: Vec::new(),
                next_token: None,
            });
        }
        let identifiers = input.log_group_identifiers.unwrap_or_default();
        let mut names = Vec::with_capacity(identifiers.len());
        for identifier in &identifiers {
            names.push(resolve::group_name(&call.tenant, identifier)?.to_owned());
        }
        let with_pattern = input.log_group_name_pattern.is_some();
        let filter = LogGroupFilter {
            prefix: input.log_group_name_prefix,
            pattern: input.log_group_name_pattern,
            classes: classes(input.log_group_class.as_deref()),
            names,
        };
        let pages = Pages::new(services, call, Self::NAME, &filter);
        let after = pages.open(input.next_token.as_deref())?;
        let limit = page_size(input.limit, PAGE_MAX);
        let page = services
            .catalog
            .log_groups(&call.tenant, &filter, after.as_deref(), limit)
            .await
            .map_err(fail)?;
        let snapshot = services.logs.snapshot();
        let described = page.items.into_iter().map(|group| {
            let stored_bytes = snapshot.stored_bytes(group.id);
            Described::new(group, (!with_pattern).then_some(stored_bytes))
        });
        Ok(Output {
            log_groups: described.collect(),
            next_token: pages.next(page.next_after),
        })
    }
}

/// The classes that a filter on one class lists (spec logs-semantics.md 1.1).
fn classes(asked: Option<&str>) -> Vec<String> {
    let names: &[&str] = match asked {
        None => &[],
        Some("INFREQUENT_ACCESS" | "ESSENTIALS") => &["INFREQUENT_ACCESS", "ESSENTIALS"],
        Some(class) => return vec![class.to_owned()],
    };
    names.iter().map(|&name| name.to_owned()).collect()
}

impl Described {
    /// With a name pattern, size and protection are left out (spec api-operations.md):
    /// `stored_bytes` is `None` then.
    fn new(group: LogGroup, stored_bytes: Option<u64>) -> Self {
        let log_group_arn = arn::log_group(&group.tenant, &group.name);
        Self {
            log_group_name: group.name,
            creation_time: group.created_at.0,
            retention_in_days: group.retention_days,
            metric_filter_count: 0,
            arn: format!("{log_group_arn}:*"),
            log_group_arn,
            log_group_class: group.class,
            kms_key_id: group.kms_key_id,
            stored_bytes,
            deletion_protection_enabled: stored_bytes.map(|_| group.deletion_protection),
        }
    }
}
