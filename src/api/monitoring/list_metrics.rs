//! ListMetrics.

use belfry_model::quota::LIST_METRICS_PAGE;
use belfry_model::time::HOUR_MS;
use belfry_model::{MetricId, quota};
use belfry_store::metrics::MetricFilter;
use belfry_wire::errors::monitoring;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::dimension::{self, Dimension};
use super::{fail, limits};
use crate::operation::{Call, Operation};
use crate::pages::Pages;
use crate::services::Services;

/// Metrics without data for two weeks are not listed (spec metrics.md 9).
const LISTED_MS: i64 = quota::METRIC_AGE_MS_MAX;
/// `PT3H`, the only value of RecentlyActive.
const RECENT_MS: i64 = 3 * HOUR_MS;

pub struct ListMetrics;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub namespace: Option<String>,
    pub metric_name: Option<String>,
    pub dimensions: Option<Vec<DimensionFilter>>,
    pub next_token: Option<String>,
    pub recently_active: Option<String>,
    pub include_linked_accounts: Option<bool>,
    pub owning_account: Option<String>,
}

/// Without a value every value fits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DimensionFilter {
    pub name: Option<String>,
    pub value: Option<String>,
}

impl Constrained for DimensionFilter {
    fn check(&self, c: &mut Constraints) {
        c.member("Name", &self.name)
            .required()
            .length(1..=quota::DIMENSION_NAME_CHARS_MAX);
        c.member("Value", &self.value)
            .length(1..=quota::DIMENSION_VALUE_CHARS_MAX);
    }
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::namespace(c, &self.namespace);
        limits::metric_name(c, &self.metric_name);
        c.member("Dimensions", &self.dimensions)
            .length(..=10)
            .elements();
        c.member("RecentlyActive", &self.recently_active)
            .one_of(&["PT3H"]);
        c.member("OwningAccount", &self.owning_account)
            .length(1..=255);
    }
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub metrics: Vec<ListedMetric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// One for each metric; only when linked accounts are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owning_accounts: Option<Vec<String>>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedMetric {
    pub namespace: String,
    pub metric_name: String,
    pub dimensions: Vec<Dimension>,
}

impl From<&MetricId> for ListedMetric {
    fn from(metric: &MetricId) -> Self {
        Self {
            namespace: metric.namespace.to_string(),
            metric_name: metric.name.to_string(),
            dimensions: dimension::listed(metric),
        }
    }
}

impl Input {
    fn filter(&self, call: &Call) -> MetricFilter {
        let kept_ms = if self.recently_active.is_some() {
            RECENT_MS
        } else {
            LISTED_MS
        };
        let dimensions = self.dimensions.iter().flatten();
        MetricFilter {
            namespace: self.namespace.clone(),
            name: self.metric_name.clone(),
            dimensions: dimensions
                .map(|filter| {
                    (
                        filter.name.clone().unwrap_or_default(),
                        filter.value.clone(),
                    )
                })
                .collect(),
            active_since: Some(call.now.saturating_sub_ms(kept_ms)),
        }
    }
}

impl Operation for ListMetrics {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "ListMetrics";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let unpaged = Input {
            next_token: None,
            ..input.clone()
        };
        let pages = Pages::new(services, call, Self::NAME, &unpaged);
        let token = input.next_token.as_deref();
        let after: Option<MetricId> = match pages.open(token)? {
            None => None,
            Some(cursor) => Some(
                serde_json::from_str(&cursor)
                    .map_err(|_| monitoring::invalid_next_token(token.unwrap_or_default()))?,
            ),
        };
        let account = &*call.tenant.account;
        // No other account is linked to this one.
        if input
            .owning_account
            .as_deref()
            .is_some_and(|owner| owner != account)
        {
            return Ok(Output::default());
        }
        let page = services
            .metrics
            .list(
                &call.tenant,
                &input.filter(call),
                after.as_ref(),
                LIST_METRICS_PAGE,
            )
            .await
            .map_err(fail)?;
        let last = page.metrics.last().filter(|_| page.more);
        let cursor = last.and_then(|last| serde_json::to_string(&last.metric).ok());
        let metrics: Vec<_> = page
            .metrics
            .iter()
            .map(|listed| ListedMetric::from(&listed.metric))
            .collect();
        let linked = input.include_linked_accounts == Some(true);
        Ok(Output {
            owning_accounts: linked.then(|| vec![account.to_owned(); metrics.len()]),
            next_token: cursor.map(|cursor| pages.seal(&cursor)),
            metrics,
        })
    }
}
