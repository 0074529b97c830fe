//! Alarms and their states; their history is in `alarm_history`.

use std::collections::BTreeSet;

use async_trait::async_trait;
use belfry_model::alarm::{AlarmState, AlarmStatus};
use belfry_model::{Tenant, TimestampMs, arn};
use futures::TryStreamExt;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::fields::{Fields, stored, to_json};
use super::paging::{fetch_limit, of_tenant, page, push_list, push_order_after, push_prefix};
use super::{SqliteCatalog, alarm_history, next_number, outbox, tags};
use crate::Page;
use crate::alarms::{
    AlarmCatalog, AlarmDefinition, AlarmFilter, AlarmHistoryItem, AlarmRow, AlarmTransition,
    HistoryFilter,
};
use crate::error::{Error, Result};

const VERSIONS: &str = "catalog.alarm_version";
const GENERATIONS: &str = "catalog.alarm_generation";

pub(super) fn alarm(row: &SqliteRow) -> Result<AlarmRow> {
    let fields = Fields::of(row, "alarm", "name");
    let alarm = AlarmRow {
        tenant: fields.tenant()?,
        definition: fields.json("definition")?,
        status: fields.json("status")?,
        created_at: fields.time("created_at")?,
        configured_at: fields.time("configured_at")?,
        version: fields.unsigned("version")?,
    };
    if fields.word("state", AlarmState::parse)? != alarm.status.state {
        return Err(fields.corrupt("state", "differs from the status"));
    }
    if fields.get::<&str>("name")? != alarm.definition.name() {
        return Err(fields.corrupt("name", "differs from the definition"));
    }
    Ok(alarm)
}

fn conflict(name: &str) -> Error {
    Error::Conflict {
        what: "alarm",
        name: name.to_owned(),
    }
}

fn not_found(name: &str) -> Error {
    Error::NotFound {
        what: "alarm",
        name: name.to_owned(),
    }
}

/// JSON has no word for NaN and the infinities: what would not come back is not stored.
fn definition_json(definition: &AlarmDefinition) -> Result<String> {
    let text = to_json("alarm", definition.name(), definition)?;
    match serde_json::from_str::<AlarmDefinition>(&text) {
        Ok(read) if read == *definition => Ok(text),
        _ => Err(Error::Unstorable {
            what: "alarm",
            name: definition.name().to_owned(),
            why: "a number in it is not finite".to_owned(),
        }),
    }
}

#[async_trait]
impl AlarmCatalog for SqliteCatalog {
    async fn put_alarm(
        &self,
        tenant: &Tenant,
        definition: AlarmDefinition,
        initial: AlarmStatus,
        tags: Vec<(String, String)>,
        history: AlarmHistoryItem,
        expected_version: Option<u64>,
        now: TimestampMs,
    ) -> Result<AlarmRow> {
        let name = definition.name();
        let json = definition_json(&definition)?;
        let mut tx = self.begin().await?;
        let known = find(&mut tx, tenant, name).await?;
        match (expected_version, &known) {
            (None | Some(0), None) => {}
            (Some(_), None) => return Err(not_found(name)),
            (None, Some(_)) => {}
            (Some(expected), Some(row)) if expected == row.version => {}
            (Some(_), Some(_)) => return Err(conflict(name)),
        }
        let version = next_number(&mut tx, VERSIONS).await?;
        let status = known.as_ref().map_or(&initial, |row| &row.status);
        let row = sqlx::query(
            "INSERT INTO alarm (account, region, name, definition, state, status, created_at, \
                 configured_at, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8) \
             ON CONFLICT (account, region, name) DO UPDATE SET \
                 definition = excluded.definition, configured_at = excluded.configured_at, \
                 version = excluded.version \
             RETURNING *",
        )
        .bind(&*tenant.account)
        .bind(&*tenant.region)
        .bind(name)
        .bind(json)
        .bind(status.state.as_str())
        .bind(to_json("alarm", name, status)?)
        .bind(now.0)
        .bind(stored("alarm", name, version)?)
        .fetch_one(&mut *tx)
        .await?;
        if known.is_none() {
            tags::replace_all(&mut tx, &arn::alarm(tenant, name), &tags).await?;
        }
        alarm_history::insert(&mut tx, &history).await?;
        next_number(&mut tx, GENERATIONS).await?;
        tx.commit().await?;
        alarm(&row)
    }

    async fn alarm(&self, tenant: &Tenant, name: &str) -> Result<Option<AlarmRow>> {
        let mut reader = self.readers.acquire().await?;
        find(&mut reader, tenant, name).await
    }

    async fn alarms(
        &self,
        tenant: &Tenant,
        filter: &AlarmFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<AlarmRow>> {
        let mut query = of_tenant("alarm", tenant);
        if let Some(prefix) = &filter.prefix {
            push_prefix(&mut query, prefix);
        }
        if !filter.names.is_empty() {
            query.push(" AND name IN ");
            push_list(&mut query, &filter.names);
        }
        if let Some(state) = filter.state {
            query.push(" AND state = ").push_bind(state.as_str());
        }
        push_order_after(&mut query, "name", after);
        if filter.action_prefix.is_none() {
            query.push(" LIMIT ").push_bind(fetch_limit(limit));
        }
        // Actions are inside the definition: rows are looked at one by one until the page is
        // full, and no more of them are held.
        let mut rows = query.build().fetch(&self.readers);
        let mut alarms = Vec::new();
        while alarms.len() <= limit
            && let Some(row) = rows.try_next().await?
        {
            let alarm = alarm(&row)?;
            if filter
                .action_prefix
                .as_ref()
                .is_none_or(|prefix| alarm.definition.has_action(prefix))
            {
                alarms.push(alarm);
            }
        }
        Ok(page(alarms, limit, |alarm| {
            alarm.definition.name().to_owned()
        }))
    }

    async fn all_alarms(&self) -> Result<Vec<AlarmRow>> {
        let rows = sqlx::query("SELECT * FROM alarm ORDER BY account, region, name")
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(alarm).collect()
    }

    async fn alarms_generation(&self) -> Result<u64> {
        let row = sqlx::query("SELECT name, next_value FROM sequence WHERE name = $1")
            .bind(GENERATIONS)
            .fetch_optional(&self.readers)
            .await?;
        row.map_or(Ok(0), |row| {
            Fields::of(&row, "sequence", "name").unsigned("next_value")
        })
    }

    async fn alarms_changed_after(&self, version: u64) -> Result<Vec<AlarmRow>> {
        let rows = sqlx::query("SELECT * FROM alarm WHERE version > $1 ORDER BY version")
            .bind(stored("version of alarm", "", version)?)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(alarm).collect()
    }

    async fn delete_alarms(
        &self,
        tenant: &Tenant,
        names: &[String],
        history: Vec<AlarmHistoryItem>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let mut deleted = BTreeSet::new();
        for name in names {
            let result =
                sqlx::query("DELETE FROM alarm WHERE account = $1 AND region = $2 AND name = $3")
                    .bind(&*tenant.account)
                    .bind(&*tenant.region)
                    .bind(name)
                    .execute(&mut *tx)
                    .await?;
            if result.rows_affected() > 0 {
                tags::replace_all(&mut tx, &arn::alarm(tenant, name), &[]).await?;
                deleted.insert(name.as_str());
            }
        }
        for item in &history {
            if deleted.contains(item.alarm_name.as_str()) {
                alarm_history::insert(&mut tx, item).await?;
            }
        }
        if !deleted.is_empty() {
            next_number(&mut tx, GENERATIONS).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn transition_alarm(&self, transition: AlarmTransition) -> Result<u64> {
        let AlarmTransition {
            tenant,
            name,
            expected_version,
            status,
            history,
            outbox,
        } = transition;
        let json = to_json("status of alarm", &name, &status)?;
        let mut tx = self.begin().await?;
        let version = next_number(&mut tx, VERSIONS).await?;
        let changed = sqlx::query(
            "UPDATE alarm SET state = $5, status = $6, version = $7 \
             WHERE account = $1 AND region = $2 AND name = $3 AND version = $4",
        )
        .bind(&*tenant.account)
        .bind(&*tenant.region)
        .bind(&name)
        .bind(stored("version of alarm", &name, expected_version)?)
        .bind(status.state.as_str())
        .bind(json)
        .bind(stored("version of alarm", &name, version)?)
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(match find(&mut tx, &tenant, &name).await? {
                Some(_) => conflict(&name),
                None => not_found(&name),
            });
        }
        for item in &history {
            alarm_history::insert(&mut tx, item).await?;
        }
        outbox::insert_all(&mut tx, &outbox, None).await?;
        tx.commit().await?;
        Ok(version)
    }

    async fn append_alarm_history(&self, items: Vec<AlarmHistoryItem>) -> Result<()> {
        let mut tx = self.begin().await?;
        for item in &items {
            alarm_history::insert(&mut tx, item).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn alarm_history(
        &self,
        tenant: &Tenant,
        filter: &HistoryFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<AlarmHistoryItem>> {
        self.history_page(tenant, filter, after, limit).await
    }

    async fn trim_alarm_history(&self, before: TimestampMs) -> Result<u64> {
        self.trim_history(before).await
    }
}

async fn find(
    connection: &mut SqliteConnection,
    tenant: &Tenant,
    name: &str,
) -> Result<Option<AlarmRow>> {
    let row = sqlx::query("SELECT * FROM alarm WHERE account = $1 AND region = $2 AND name = $3")
        .bind(&*tenant.account)
        .bind(&*tenant.region)
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(alarm).transpose()
}
