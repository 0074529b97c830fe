//! What happened to alarms: the second half of the trait in `alarms`.

use belfry_model::{Tenant, TimestampMs};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::fields::Fields;
use super::paging::{numbered_cursor, of_tenant, parse_numbered_cursor, push_list};
use super::{SqliteCatalog, TRIM_BATCH_ROWS};
use crate::Page;
use crate::alarms::{AlarmHistoryItem, HistoryFilter, HistoryItemType};
use crate::error::{Error, Result};

pub(super) fn item(row: &SqliteRow) -> Result<AlarmHistoryItem> {
    let fields = Fields::of(row, "alarm_history", "alarm_name");
    Ok(AlarmHistoryItem {
        tenant: fields.tenant()?,
        alarm_name: fields.get("alarm_name")?,
        alarm_type: fields.get("alarm_type")?,
        timestamp: fields.time("timestamp")?,
        item_type: fields.word("item_type", HistoryItemType::parse)?,
        summary: fields.get("summary")?,
        data: fields.get("data")?,
    })
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    item: &AlarmHistoryItem,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO alarm_history (account, region, alarm_name, alarm_type, timestamp, \
             item_type, summary, data) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&*item.tenant.account)
    .bind(&*item.tenant.region)
    .bind(&item.alarm_name)
    .bind(&item.alarm_type)
    .bind(item.timestamp.0)
    .bind(item.item_type.as_str())
    .bind(&item.summary)
    .bind(&item.data)
    .execute(connection)
    .await?;
    Ok(())
}

impl SqliteCatalog {
    pub(super) async fn history_page(
        &self,
        tenant: &Tenant,
        filter: &HistoryFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<AlarmHistoryItem>> {
        let (beyond, direction) = if filter.ascending {
            (" > ", "")
        } else {
            (" < ", " DESC")
        };
        let mut query = of_tenant("alarm_history", tenant);
        if let Some(name) = &filter.alarm_name {
            query.push(" AND alarm_name = ").push_bind(name);
        }
        if !filter.alarm_types.is_empty() {
            query.push(" AND alarm_type IN ");
            push_list(&mut query, &filter.alarm_types);
        }
        if let Some(item_type) = filter.item_type {
            query
                .push(" AND item_type = ")
                .push_bind(item_type.as_str());
        }
        if let Some(start) = filter.start {
            query.push(" AND timestamp >= ").push_bind(start.0);
        }
        if let Some(end) = filter.end {
            query.push(" AND timestamp <= ").push_bind(end.0);
        }
        if let Some(after) = after {
            let (timestamp, id) = parse_numbered_cursor(after)?;
            let id: i64 = id.parse().map_err(|_| Error::InvalidCursor {
                cursor: after.to_owned(),
            })?;
            query.push(" AND (timestamp, id)").push(beyond);
            query.push("(").push_bind(timestamp);
            query.push(", ").push_bind(id).push(")");
        }
        query.push(" ORDER BY timestamp").push(direction);
        query.push(", id").push(direction);
        let with_id = |row: &SqliteRow| {
            let id = Fields::of(row, "alarm_history", "alarm_name").get::<i64>("id")?;
            Ok((id, item(row)?))
        };
        let cursor = |(id, item): &(i64, AlarmHistoryItem)| {
            numbered_cursor(item.timestamp.0, &id.to_string())
        };
        let page = self.fetch_page(query, limit, with_id, cursor).await?;
        Ok(page.map(|(_, item)| item))
    }

    pub(super) async fn trim_history(&self, before: TimestampMs) -> Result<u64> {
        self.trim(
            "DELETE FROM alarm_history WHERE id IN \
             (SELECT id FROM alarm_history WHERE timestamp < $1 LIMIT $2)",
            before,
        )
        .await
    }

    /// Runs a deletion of rows older than `$1`, `$2` rows at most each time, until none is left.
    pub(super) async fn trim(&self, delete: &'static str, before: TimestampMs) -> Result<u64> {
        let mut trimmed = 0_u64;
        loop {
            let mut tx = self.begin().await?;
            let deleted = sqlx::query(delete)
                .bind(before.0)
                .bind(TRIM_BATCH_ROWS)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            tx.commit().await?;
            trimmed = trimmed.saturating_add(deleted);
            if deleted < TRIM_BATCH_ROWS.unsigned_abs() {
                return Ok(trimmed);
            }
        }
    }
}
