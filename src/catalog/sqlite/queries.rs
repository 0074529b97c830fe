//! Logs Insights queries.

use std::ops::Range;

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs};
use futures::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::SqliteCatalog;
use super::fields::{Fields, stored, to_json};
use super::paging::{fetch_limit, numbered_cursor, page, parse_numbered_cursor};
use crate::Page;
use crate::error::Result;
use crate::queries::{QueryCatalog, QueryFilter, QueryRow, QueryStatus, ResultPiece};

pub(super) fn query_row(row: &SqliteRow) -> Result<QueryRow> {
    let fields = Fields::of(row, "insights_query", "id");
    Ok(QueryRow {
        id: fields.get("id")?,
        tenant: fields.tenant()?,
        query_string: fields.get("query_string")?,
        log_groups: fields.json("log_groups")?,
        start_s: fields.get("start_s")?,
        end_s: fields.get("end_s")?,
        limit: fields.unsigned_opt("row_limit")?,
        created_at: fields.time("created_at")?,
        finished_at: fields.time_opt("finished_at")?,
        status: fields.word("status", QueryStatus::parse)?,
        statistics: fields.json("statistics")?,
        error: fields.get("error")?,
        row_count: fields.unsigned("row_count")?,
    })
}

pub(super) fn result_piece(row: &SqliteRow) -> Result<ResultPiece> {
    let fields = Fields::of(row, "insights_result", "id");
    Ok(ResultPiece {
        first_row: fields.unsigned("first_row")?,
        row_count: fields.unsigned("row_count")?,
        rows: fields.get("rows")?,
    })
}

/// A bound of a range of rows: beyond what can be stored there is nothing.
fn row_bound(row: u64) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX)
}

#[async_trait]
impl QueryCatalog for SqliteCatalog {
    async fn put_query(&self, query: QueryRow, results: Vec<ResultPiece>) -> Result<()> {
        let log_groups = to_json("log groups of query", &query.id, &query.log_groups)?;
        let statistics = to_json("statistics of query", &query.id, &query.statistics)?;
        let row_count = stored("rows of query", &query.id, query.row_count)?;
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "INSERT INTO insights_query (account, region, id, query_string, log_groups, \
                 start_s, end_s, row_limit, created_at, finished_at, status, statistics, error, \
                 row_count) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
             ON CONFLICT (account, region, id) DO UPDATE SET \
                 query_string = excluded.query_string, log_groups = excluded.log_groups, \
                 start_s = excluded.start_s, end_s = excluded.end_s, \
                 row_limit = excluded.row_limit, created_at = excluded.created_at, \
                 finished_at = excluded.finished_at, status = excluded.status, \
                 statistics = excluded.statistics, error = excluded.error, \
                 row_count = excluded.row_count \
             WHERE insights_query.status IN ('Scheduled', 'Running')",
        )
        .bind(&*query.tenant.account)
        .bind(&*query.tenant.region)
        .bind(&query.id)
        .bind(&query.query_string)
        .bind(log_groups)
        .bind(query.start_s)
        .bind(query.end_s)
        .bind(query.limit.map(i64::from))
        .bind(query.created_at.0)
        .bind(query.finished_at.map(|time| time.0))
        .bind(query.status.as_str())
        .bind(statistics)
        .bind(&query.error)
        .bind(row_count)
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(());
        }
        for piece in results {
            sqlx::query(
                "INSERT INTO insights_result (account, region, id, first_row, row_count, rows) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&*query.tenant.account)
            .bind(&*query.tenant.region)
            .bind(&query.id)
            .bind(stored("row of query", &query.id, piece.first_row)?)
            .bind(stored("rows of query", &query.id, piece.row_count)?)
            .bind(piece.rows)
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn query(&self, tenant: &Tenant, id: &str) -> Result<Option<QueryRow>> {
        let row = sqlx::query(
            "SELECT * FROM insights_query WHERE account = $1 AND region = $2 AND id = $3",
        )
        .bind(&*tenant.account)
        .bind(&*tenant.region)
        .bind(id)
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(query_row).transpose()
    }

    async fn query_results(&self, query: &QueryRow, rows: Range<u64>) -> Result<Vec<ResultPiece>> {
        let rows = sqlx::query(
            "SELECT id, first_row, row_count, rows FROM insights_result \
             WHERE account = $1 AND region = $2 AND id = $3 \
                 AND first_row < $4 AND first_row + row_count > $5 \
             ORDER BY first_row",
        )
        .bind(&*query.tenant.account)
        .bind(&*query.tenant.region)
        .bind(&query.id)
        .bind(row_bound(rows.end))
        .bind(row_bound(rows.start))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(result_piece).collect()
    }

    async fn query_result_bytes(&self, query: &QueryRow, rows: Range<u64>) -> Result<u64> {
        let row = sqlx::query(
            "SELECT $3 AS id, COALESCE(SUM(octet_length(rows)), 0) AS bytes FROM insights_result \
             WHERE account = $1 AND region = $2 AND id = $3 \
                 AND first_row < $4 AND first_row + row_count > $5",
        )
        .bind(&*query.tenant.account)
        .bind(&*query.tenant.region)
        .bind(&query.id)
        .bind(row_bound(rows.end))
        .bind(row_bound(rows.start))
        .fetch_one(&self.readers)
        .await?;
        Fields::of(&row, "insights_result", "id").unsigned("bytes")
    }

    async fn queries(
        &self,
        tenant: &Tenant,
        filter: &QueryFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<QueryRow>> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT account, region, id, query_string, log_groups, start_s, end_s, row_limit, \
                 created_at, finished_at, status, statistics, error, row_count \
             FROM insights_query WHERE account = ",
        );
        query.push_bind(&*tenant.account);
        query.push(" AND region = ").push_bind(&*tenant.region);
        if let Some(status) = filter.status {
            query.push(" AND status = ").push_bind(status.as_str());
        }
        if let Some(after) = after {
            let (created_at, id) = parse_numbered_cursor(after)?;
            query
                .push(" AND (created_at, id) < (")
                .push_bind(created_at);
            query.push(", ").push_bind(id).push(")");
        }
        query.push(" ORDER BY created_at DESC, id DESC");
        if filter.log_group.is_none() {
            query.push(" LIMIT ").push_bind(fetch_limit(limit));
        }
        // The log groups of a query are a list: rows are looked at one by one until the page
        // is full. `trim_queries` keeps them few.
        let mut rows = query.build().fetch(&self.readers);
        let mut queries = Vec::new();
        while queries.len() <= limit
            && let Some(row) = rows.try_next().await?
        {
            let query = query_row(&row)?;
            if filter.takes(&query) {
                queries.push(query);
            }
        }
        Ok(page(queries, limit, |query| {
            numbered_cursor(query.created_at.0, &query.id)
        }))
    }

    async fn fail_unfinished_queries(&self, now: TimestampMs, why: &str) -> Result<u64> {
        let mut tx = self.begin().await?;
        let failed = sqlx::query(
            "UPDATE insights_query SET status = 'Failed', finished_at = $1, error = $2 \
             WHERE status IN ('Scheduled', 'Running')",
        )
        .bind(now.0)
        .bind(why)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(failed.rows_affected())
    }

    async fn trim_queries(&self, before: TimestampMs) -> Result<u64> {
        self.trim(
            "DELETE FROM insights_query WHERE (account, region, id) IN \
             (SELECT account, region, id FROM insights_query WHERE created_at < $1 LIMIT $2)",
            before,
        )
        .await
    }
}
