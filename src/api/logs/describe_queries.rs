//! DescribeQueries: the queries of the last seven days, newest first.

use belfry_catalog::queries::{QueryFilter, QueryRow, QueryStatus};
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::{fail, limits};
use crate::operation::{Call, Operation};
use crate::pages::{Pages, page_size};
use crate::services::Services;

const PAGE_MAX: usize = 1_000;
const STATUSES: &[&str] = &[
    "Scheduled",
    "Running",
    "Complete",
    "Failed",
    "Cancelled",
    "Timeout",
    "Unknown",
];

pub struct DescribeQueries;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_group_name: Option<String>,
    pub status: Option<String>,
    pub max_results: Option<i32>,
    pub next_token: Option<String>,
    pub query_language: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub queries: Vec<QueryInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryInfo {
    pub query_language: &'static str,
    pub query_id: String,
    /// With groups and time range in front.
    pub query_string: String,
    pub status: &'static str,
    pub create_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_duration: Option<i64>,
    pub bytes_scanned: f64,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::optional_log_group(c, &self.log_group_name, &None);
        c.member("status", &self.status).one_of(STATUSES);
        c.member("maxResults", &self.max_results).range(1..=1_000);
        limits::next_token(c, &self.next_token);
        c.member("queryLanguage", &self.query_language)
            .one_of(&["CWLI", "SQL", "PPL"]);
    }
}

impl Operation for DescribeQueries {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "DescribeQueries";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let status = input.status.as_deref().and_then(QueryStatus::parse);
        // No query of ours is in another language, and none has the status Unknown.
        let none_match = input
            .query_language
            .is_some_and(|language| language != "CWLI")
            || (input.status.is_some() && status.is_none());
        if none_match {
            return Ok(Output {
                queries: Vec::new(),
                next_token: None,
            });
        }
        let filter = QueryFilter {
            log_group: input.log_group_name,
            status,
        };
        let pages = Pages::new(services, call, Self::NAME, &filter);
        let after = pages.open(input.next_token.as_deref())?;
        let limit = page_size(input.max_results, PAGE_MAX);
        let page = services
            .insights
            .queries(&call.tenant, &filter, after.as_deref(), limit)
            .await
            .map_err(fail)?;
        Ok(Output {
            queries: page.items.into_iter().map(QueryInfo::from).collect(),
            next_token: pages.next(page.next_after),
        })
    }
}

impl From<QueryRow> for QueryInfo {
    fn from(query: QueryRow) -> Self {
        let sources: Vec<String> = query
            .log_groups
            .iter()
            .map(|group| format!("\"{group}\""))
            .collect();
        // Observed form (spec logs-insights.md 10.1): the end second counts as a whole.
        let query_string = format!(
            "SOURCE {} START={}000 END={}999 | {}",
            sources.join(", "),
            query.start_s,
            query.end_s,
            query.query_string
        );
        Self {
            query_language: "CWLI",
            query_id: query.id,
            query_string,
            status: query.status.as_str(),
            create_time: query.created_at.0,
            log_group_name: query.log_groups.into_iter().next(),
            query_duration: query.finished_at.map(|end| end - query.created_at),
            bytes_scanned: query.statistics.bytes_scanned,
        }
    }
}
