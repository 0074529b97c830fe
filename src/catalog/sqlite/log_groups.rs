//! Log groups; the streams are in `log_streams`.

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs, arn};
use sqlx::sqlite::SqliteRow;

use super::fields::{Fields, stored};
use super::paging::{of_tenant, push_list, push_order_after, push_prefix, substring_pattern};
use super::{SqliteCatalog, next_number, tags};
use crate::Page;
use crate::error::{Error, Result};
use crate::log_groups::{
    LogGroup, LogGroupCatalog, LogGroupFilter, LogGroupId, LogStream, LogStreamId,
    LogStreamListing, NewLogGroup,
};

pub(super) fn log_group(row: &SqliteRow) -> Result<LogGroup> {
    let fields = Fields::of(row, "log_group", "name");
    Ok(LogGroup {
        id: LogGroupId(fields.unsigned("id")?),
        tenant: fields.tenant()?,
        name: fields.get("name")?,
        class: fields.get("class")?,
        created_at: fields.time("created_at")?,
        retention_days: fields.unsigned_opt("retention_days")?,
        hidden_before: fields.time_opt("hidden_before")?,
        kms_key_id: fields.get("kms_key_id")?,
        deletion_protection: fields.get("deletion_protection")?,
    })
}

fn not_found(name: &str) -> Error {
    Error::NotFound {
        what: "log group",
        name: name.to_owned(),
    }
}

#[async_trait]
impl LogGroupCatalog for SqliteCatalog {
    async fn create_log_group(&self, group: NewLogGroup) -> Result<LogGroup> {
        let mut tx = self.begin().await?;
        let id = next_number(&mut tx, "catalog.log_group").await?;
        let row = sqlx::query(
            "INSERT INTO log_group (id, account, region, name, class, created_at, \
                 retention_days, kms_key_id, deletion_protection) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT DO NOTHING RETURNING *",
        )
        .bind(super::fields::stored("log group", &group.name, id)?)
        .bind(&*group.tenant.account)
        .bind(&*group.tenant.region)
        .bind(&group.name)
        .bind(&group.class)
        .bind(group.created_at.0)
        .bind(group.retention_days.map(i64::from))
        .bind(&group.kms_key_id)
        .bind(group.deletion_protection)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else {
            return Err(Error::AlreadyExists {
                what: "log group",
                name: group.name,
            });
        };
        let arn = arn::log_group(&group.tenant, &group.name);
        tags::replace_all(&mut tx, &arn, &group.tags).await?;
        tx.commit().await?;
        log_group(&row)
    }

    async fn delete_log_group(&self, tenant: &Tenant, name: &str) -> Result<LogGroup> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "DELETE FROM log_group WHERE account = $1 AND region = $2 AND name = $3 RETURNING *",
        )
        .bind(&*tenant.account)
        .bind(&*tenant.region)
        .bind(name)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| not_found(name))?;
        tags::replace_all(&mut tx, &arn::log_group(tenant, name), &[]).await?;
        tx.commit().await?;
        log_group(&row)
    }

    async fn log_group(&self, tenant: &Tenant, name: &str) -> Result<Option<LogGroup>> {
        let row =
            sqlx::query("SELECT * FROM log_group WHERE account = $1 AND region = $2 AND name = $3")
                .bind(&*tenant.account)
                .bind(&*tenant.region)
                .bind(name)
                .fetch_optional(&self.readers)
                .await?;
        row.as_ref().map(log_group).transpose()
    }

    async fn log_group_by_id(&self, tenant: &Tenant, id: LogGroupId) -> Result<Option<LogGroup>> {
        let row =
            sqlx::query("SELECT * FROM log_group WHERE id = $1 AND account = $2 AND region = $3")
                .bind(stored("log group", "id", id.0)?)
                .bind(&*tenant.account)
                .bind(&*tenant.region)
                .fetch_optional(&self.readers)
                .await?;
        row.as_ref().map(log_group).transpose()
    }

    async fn log_groups(
        &self,
        tenant: &Tenant,
        filter: &LogGroupFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<LogGroup>> {
        let mut query = of_tenant("log_group", tenant);
        if let Some(prefix) = &filter.prefix {
            push_prefix(&mut query, prefix);
        }
        if let Some(pattern) = &filter.pattern {
            query
                .push(" AND LOWER(name) LIKE ")
                .push_bind(substring_pattern(pattern))
                .push(r" ESCAPE '\'");
        }
        if !filter.classes.is_empty() {
            query.push(" AND class IN ");
            push_list(&mut query, &filter.classes);
        }
        if !filter.names.is_empty() {
            query.push(" AND name IN ");
            push_list(&mut query, &filter.names);
        }
        push_order_after(&mut query, "name", after);
        self.fetch_page(query, limit, log_group, |group| group.name.clone())
            .await
    }

    async fn all_log_groups(&self) -> Result<Vec<LogGroup>> {
        let rows = sqlx::query("SELECT * FROM log_group ORDER BY id")
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(log_group).collect()
    }

    async fn set_retention(
        &self,
        tenant: &Tenant,
        name: &str,
        days: Option<u32>,
        hidden_before: Option<TimestampMs>,
    ) -> Result<LogGroup> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "UPDATE log_group SET retention_days = $4, hidden_before = \
                 CASE WHEN hidden_before IS NULL OR hidden_before < $5 THEN $5 \
                      ELSE hidden_before END \
             WHERE account = $1 AND region = $2 AND name = $3 RETURNING *",
        )
        .bind(&*tenant.account)
        .bind(&*tenant.region)
        .bind(name)
        .bind(days.map(i64::from))
        .bind(hidden_before.map(|time| time.0))
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| not_found(name))?;
        tx.commit().await?;
        log_group(&row)
    }

    async fn create_log_stream(
        &self,
        group: LogGroupId,
        name: &str,
        now: TimestampMs,
    ) -> Result<LogStream> {
        self.insert_stream(group, name, now).await
    }

    async fn delete_log_stream(&self, group: LogGroupId, name: &str) -> Result<LogStream> {
        self.remove_stream(group, name).await
    }

    async fn log_stream(&self, group: LogGroupId, name: &str) -> Result<Option<LogStream>> {
        self.stream_by_name(group, name).await
    }

    async fn log_streams(
        &self,
        group: LogGroupId,
        listing: LogStreamListing<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<LogStream>> {
        self.stream_page(group, listing, after, limit).await
    }

    async fn log_streams_by_id(&self, ids: &[LogStreamId]) -> Result<Vec<LogStream>> {
        self.streams_by_id(ids).await
    }
}
