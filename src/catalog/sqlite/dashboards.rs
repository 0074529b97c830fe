//! Dashboards.

use std::collections::BTreeSet;

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs, arn};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::fields::{Fields, stored};
use super::paging::{push_order_after, push_prefix};
use super::{SqliteCatalog, tags};
use crate::Page;
use crate::dashboards::{DashboardCatalog, DashboardEntry, DashboardRow};
use crate::error::{Error, Result};

pub(super) fn dashboard(row: &SqliteRow) -> Result<DashboardRow> {
    let fields = Fields::of(row, "dashboard", "name");
    Ok(DashboardRow {
        name: fields.get("name")?,
        body: fields.get("body")?,
        modified_at: fields.time("modified_at")?,
    })
}

fn entry(row: &SqliteRow) -> Result<DashboardEntry> {
    let fields = Fields::of(row, "dashboard", "name");
    Ok(DashboardEntry {
        name: fields.get("name")?,
        bytes: fields.unsigned("byte_count")?,
        modified_at: fields.time("modified_at")?,
    })
}

#[async_trait]
impl DashboardCatalog for SqliteCatalog {
    async fn put_dashboard(
        &self,
        tenant: &Tenant,
        name: &str,
        body: &str,
        tags: Vec<(String, String)>,
        now: TimestampMs,
    ) -> Result<()> {
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let bytes = stored("dashboard", name, bytes)?;
        let mut tx = self.begin().await?;
        let known: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM dashboard WHERE account = $1 AND name = $2")
                .bind(&*tenant.account)
                .bind(name)
                .fetch_optional(&mut *tx)
                .await?;
        sqlx::query(
            "INSERT INTO dashboard (account, name, body, byte_count, modified_at) \
             VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (account, name) DO UPDATE SET body = excluded.body, \
                 byte_count = excluded.byte_count, modified_at = excluded.modified_at",
        )
        .bind(&*tenant.account)
        .bind(name)
        .bind(body)
        .bind(bytes)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        if known.is_none() {
            tags::replace_all(&mut tx, &arn::dashboard(tenant, name), &tags).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn dashboard(&self, tenant: &Tenant, name: &str) -> Result<Option<DashboardRow>> {
        let row = sqlx::query(
            "SELECT name, body, modified_at FROM dashboard WHERE account = $1 AND name = $2",
        )
        .bind(&*tenant.account)
        .bind(name)
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(dashboard).transpose()
    }

    async fn dashboards(
        &self,
        tenant: &Tenant,
        prefix: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DashboardEntry>> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT name, byte_count, modified_at FROM dashboard WHERE account = ",
        );
        query.push_bind(&*tenant.account);
        if let Some(prefix) = prefix {
            push_prefix(&mut query, prefix);
        }
        push_order_after(&mut query, "name", after);
        self.fetch_page(query, limit, entry, |entry| entry.name.clone())
            .await
    }

    async fn delete_dashboards(&self, tenant: &Tenant, names: &[String]) -> Result<()> {
        let mut tx = self.begin().await?;
        let mut missing = Vec::new();
        for name in names.iter().collect::<BTreeSet<_>>() {
            let deleted = sqlx::query("DELETE FROM dashboard WHERE account = $1 AND name = $2")
                .bind(&*tenant.account)
                .bind(name)
                .execute(&mut *tx)
                .await?;
            if deleted.rows_affected() == 0 {
                missing.push(name.as_str());
            }
            tags::replace_all(&mut tx, &arn::dashboard(tenant, name), &[]).await?;
        }
        if !missing.is_empty() {
            return Err(Error::NotFound {
                what: "dashboard",
                name: missing.join(", "),
            });
        }
        Ok(tx.commit().await?)
    }
}
