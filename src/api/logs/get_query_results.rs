//! GetQueryResults: status, statistics and rows of a query (spec logs-insights.md 10.3).

use std::ops::Range;
use std::time::Duration;

use belfry_catalog::queries::ResultPiece;
use belfry_model::time::HOUR_MS;
use belfry_query::insights::AnswerMemory;
use belfry_query::off_async::off_async;
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Response, Service};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::fail;
use crate::operation::{Call, Operation};
use crate::pages::Pages;
use crate::services::Services;

/// Rows of one page.
const PAGE_MAX: u64 = 10_000;
/// Paging tokens are good for an hour, not for the usual day.
const TOKEN_VALID_MS: i64 = HOUR_MS;

/// Ours: so long a query that runs is waited for. Callers look once a second; many a query ends in
/// a tenth of that.
const PATIENCE: Duration = Duration::from_millis(100);

pub struct GetQueryResults;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub query_id: Option<String>,
    pub next_token: Option<String>,
    pub max_items: Option<i32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub query_language: &'static str,
    /// Rows as they are stored: lists of `{field, value}`.
    pub results: Vec<Box<RawValue>>,
    pub statistics: Statistics,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// What the rows take; `None` where there are none.
    #[serde(skip)]
    memory: Option<AnswerMemory>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    pub records_matched: f64,
    pub records_scanned: f64,
    pub estimated_records_skipped: f64,
    pub bytes_scanned: f64,
    pub estimated_bytes_skipped: f64,
    pub log_groups_scanned: f64,
    /// Rows over all pages.
    pub result_count: f64,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("queryId", &self.query_id)
            .required()
            .length(1..=256);
        c.member("nextToken", &self.next_token).length(..=1_024);
        c.member("maxItems", &self.max_items).range(0..=10_000);
    }
}

impl Operation for GetQueryResults {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "GetQueryResults";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let id = input.query_id.unwrap_or_default();
        let query = services
            .insights
            .query(&call.tenant, &id, PATIENCE)
            .await
            .map_err(fail)?
            .ok_or_else(|| super::query_not_found(&id))?;
        let pages = Pages::new(services, call, Self::NAME, &id).valid_for(TOKEN_VALID_MS);
        let first = match pages.open(input.next_token.as_deref())? {
            None => 0,
            Some(cursor) => cursor
                .parse::<u64>()
                .map_err(|_| logs::invalid_next_token())?,
        };
        let take = input
            .max_items
            .and_then(|max| u64::try_from(max).ok())
            // A page of none would never end.
            .filter(|max| *max > 0)
            .unwrap_or(PAGE_MAX);
        let asked = first..first.saturating_add(take).min(query.row_count);
        let (rows, memory) = if asked.is_empty() {
            (Vec::new(), None)
        } else {
            let results = services.insights.results(&query, asked.clone());
            let (pieces, memory) = results.await.map_err(fail)?;
            (off_async(|| page(pieces, asked))?, Some(memory))
        };
        let reached = first.saturating_add(rows.len() as u64);
        let more = reached < query.row_count && !rows.is_empty();
        let statistics = query.statistics;
        Ok(Output {
            query_language: "CWLI",
            next_token: more.then(|| pages.seal(&reached.to_string())),
            results: rows,
            statistics: Statistics {
                records_matched: statistics.records_matched,
                records_scanned: statistics.records_scanned,
                estimated_records_skipped: statistics.estimated_records_skipped,
                bytes_scanned: statistics.bytes_scanned,
                estimated_bytes_skipped: statistics.estimated_bytes_skipped,
                log_groups_scanned: statistics.log_groups_scanned,
                result_count: query.row_count as f64,
            },
            status: query.status.as_str(),
            memory,
        })
    }

    fn finish(output: Output, response: Response) -> Response {
        let Some(memory) = output.memory else {
            return response;
        };
        memory.shrink_to(response.body.len());
        response.holding(memory)
    }
}

/// The rows of the page.
fn page(pieces: Vec<ResultPiece>, asked: Range<u64>) -> Result<Vec<Box<RawValue>>, ApiError> {
    let mut page = Vec::new();
    for piece in pieces {
        let rows: Vec<Box<RawValue>> = serde_json::from_str(&piece.rows).map_err(|error| {
            tracing::error!(%error, "stored results are unreadable");
            logs::internal_server_error("The request failed because of an internal error.")
        })?;
        let rows = (piece.first_row..).zip(rows);
        let of_page = rows.filter(|(at, _)| asked.contains(at));
        page.extend(of_page.map(|(_, row)| row));
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_from_its_pieces() {
        let pieces = [(2, "[[2],[3]]"), (4, "[[4],[5]]")].map(|(first_row, rows)| ResultPiece {
            first_row,
            row_count: 2,
            rows: rows.to_owned(),
        });
        let rows = |asked| -> Vec<String> {
            let page = page(pieces.to_vec(), asked).unwrap();
            page.iter().map(|row| row.get().to_owned()).collect()
        };
        assert_eq!(rows(3..5), ["[3]", "[4]"]);
        assert_eq!(rows(2..11), ["[2]", "[3]", "[4]", "[5]"]);
        assert_eq!(rows(5..6), ["[5]"]);
    }
}
