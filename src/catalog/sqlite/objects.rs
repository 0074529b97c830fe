//! Live objects, checkpoints, sequences, settings.

use std::collections::HashMap;

use async_trait::async_trait;
use belfry_model::TimestampMs;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use ulid::Ulid;

use super::SqliteCatalog;
use super::fields::{Fields, stored, to_json};
use crate::error::{Error, Result};
use crate::log_groups::{LogStreamActivity, LogStreamId};
use crate::objects::{ObjectCatalog, ObjectKind, ObjectRow, Publish, WalCheckpoint};

const COLUMNS: &str = "id, kind, account, region, level, retention_class, min_ts, max_ts, \
     row_count, byte_count, created_at, meta";

/// Streams merged by one statement. More gain nothing, and the statement is text that may
/// end in a log when it is slow.
const ACTIVITY_ROWS: usize = 250;

pub(super) fn object(row: &SqliteRow) -> Result<ObjectRow> {
    let fields = Fields::of(row, "object", "id");
    let id: &str = fields.get("id")?;
    Ok(ObjectRow {
        id: Ulid::from_string(id).map_err(|error| fields.corrupt("id", error))?,
        kind: fields.word("kind", ObjectKind::parse)?,
        tenant: fields.tenant()?,
        level: fields.unsigned("level")?,
        retention_class: fields.get("retention_class")?,
        min_ts: fields.time("min_ts")?,
        max_ts: fields.time("max_ts")?,
        rows: fields.unsigned("row_count")?,
        bytes: fields.unsigned("byte_count")?,
        created_at: fields.time("created_at")?,
        meta: fields.json("meta")?,
    })
}

#[async_trait]
impl ObjectCatalog for SqliteCatalog {
    async fn publish(&self, change: Publish, now: TimestampMs) -> Result<()> {
        let mut tx = self.begin().await?;
        for id in &change.remove {
            remove_object(&mut tx, *id, now).await?;
        }
        for object in &change.insert {
            insert_object(&mut tx, object).await?;
        }
        if let Some(checkpoint) = &change.checkpoint {
            advance_checkpoint(&mut tx, checkpoint).await?;
        }
        merge_activity(&mut tx, &change.stream_activity).await?;
        Ok(tx.commit().await?)
    }

    async fn live_objects(&self, kind: ObjectKind) -> Result<Vec<ObjectRow>> {
        let rows = QueryBuilder::<Sqlite>::new("SELECT ")
            .push(COLUMNS)
            .push(" FROM object WHERE removed_at IS NULL AND kind = ")
            .push_bind(kind.as_str())
            .push(" ORDER BY id")
            .build()
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(object).collect()
    }

    async fn wal_checkpoint(&self, wal: &str) -> Result<u64> {
        let row = sqlx::query("SELECT wal, lsn FROM wal_checkpoint WHERE wal = $1")
            .bind(wal)
            .fetch_optional(&self.readers)
            .await?;
        row.map_or(Ok(0), |row| {
            Fields::of(&row, "wal_checkpoint", "wal").unsigned("lsn")
        })
    }

    async fn removed_objects(
        &self,
        kind: ObjectKind,
        before: TimestampMs,
        limit: usize,
    ) -> Result<Vec<ObjectRow>> {
        let rows = QueryBuilder::<Sqlite>::new("SELECT ")
            .push(COLUMNS)
            .push(" FROM object WHERE removed_at < ")
            .push_bind(before.0)
            .push(" AND kind = ")
            .push_bind(kind.as_str())
            .push(" ORDER BY removed_at, id LIMIT ")
            .push_bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .build()
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(object).collect()
    }

    async fn forget_objects(&self, ids: &[Ulid]) -> Result<()> {
        let mut tx = self.begin().await?;
        for id in ids {
            sqlx::query("DELETE FROM object WHERE id = $1 AND removed_at IS NOT NULL")
                .bind(id.to_string())
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn reserve_sequence(&self, name: &str, count: u64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let first = reserve(&mut tx, name, count).await?;
        tx.commit().await?;
        Ok(first)
    }

    async fn get_setting(&self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(
            sqlx::query_scalar("SELECT value FROM setting WHERE name = $1")
                .bind(name)
                .fetch_optional(&self.readers)
                .await?,
        )
    }

    async fn init_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(value)
            .execute(&mut *tx)
            .await?;
        let value = sqlx::query_scalar("SELECT value FROM setting WHERE name = $1")
            .bind(name)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(value)
    }
}

/// Compare and set: what was flushed once is never published twice.
async fn advance_checkpoint(
    connection: &mut SqliteConnection,
    checkpoint: &WalCheckpoint,
) -> Result<()> {
    let WalCheckpoint { wal, before, lsn } = checkpoint;
    // A log without a row is at 0.
    let changed = sqlx::query(
        "INSERT INTO wal_checkpoint (wal, lsn) SELECT $1, $2 \
         WHERE $2 >= $3 AND ($3 = 0 OR EXISTS (SELECT 1 FROM wal_checkpoint WHERE wal = $1)) \
         ON CONFLICT (wal) DO UPDATE SET lsn = excluded.lsn WHERE wal_checkpoint.lsn = $3",
    )
    .bind(wal)
    .bind(stored("checkpoint of", wal, *lsn)?)
    .bind(stored("checkpoint of", wal, *before)?)
    .execute(connection)
    .await?;
    if changed.rows_affected() == 0 {
        return Err(Error::Conflict {
            what: "checkpoint of the write-ahead log",
            name: format!("{wal} at {before}"),
        });
    }
    Ok(())
}

async fn remove_object(
    connection: &mut SqliteConnection,
    id: Ulid,
    now: TimestampMs,
) -> Result<()> {
    let removed =
        sqlx::query("UPDATE object SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL")
            .bind(id.to_string())
            .bind(now.0)
            .execute(connection)
            .await?;
    if removed.rows_affected() == 0 {
        return Err(Error::Conflict {
            what: "live object",
            name: id.to_string(),
        });
    }
    Ok(())
}

async fn insert_object(connection: &mut SqliteConnection, object: &ObjectRow) -> Result<()> {
    let id = object.id.to_string();
    let inserted = sqlx::query(
        "INSERT INTO object (id, kind, account, region, level, retention_class, min_ts, \
             max_ts, row_count, byte_count, created_at, meta) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
    )
    .bind(&id)
    .bind(object.kind.as_str())
    .bind(&*object.tenant.account)
    .bind(&*object.tenant.region)
    .bind(i64::from(object.level))
    .bind(&object.retention_class)
    .bind(object.min_ts.0)
    .bind(object.max_ts.0)
    .bind(stored("rows of object", &id, object.rows)?)
    .bind(stored("bytes of object", &id, object.bytes)?)
    .bind(object.created_at.0)
    .bind(to_json("meta of object", &id, &object.meta)?)
    .execute(connection)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::AlreadyExists {
            what: "object",
            name: id,
        });
    }
    Ok(())
}

/// One statement for many streams: a flush touches thousands of them, inside the transaction
/// that everybody else waits for.
async fn merge_activity(
    connection: &mut SqliteConnection,
    activity: &[LogStreamActivity],
) -> Result<()> {
    // `UPDATE FROM` takes any one of several source rows for a target.
    let mut merged: HashMap<LogStreamId, LogStreamActivity> = HashMap::new();
    for new in activity {
        merged
            .entry(new.stream)
            .and_modify(|known| {
                known.first_event = known.first_event.min(new.first_event);
                known.last_event = known.last_event.max(new.last_event);
                known.last_ingestion = known.last_ingestion.max(new.last_ingestion);
            })
            .or_insert_with(|| new.clone());
    }
    // An id beyond the column's range names no stream.
    let rows: Vec<(i64, &LogStreamActivity)> = merged
        .values()
        .filter_map(|row| Some((i64::try_from(row.stream.0).ok()?, row)))
        .collect();
    for chunk in rows.chunks(ACTIVITY_ROWS) {
        QueryBuilder::<Sqlite>::new(
            "UPDATE log_stream SET \
             first_event = CASE WHEN first_event <= v.column2 THEN first_event \
                 ELSE v.column2 END, \
             last_event = CASE WHEN last_event >= v.column3 THEN last_event \
                 ELSE v.column3 END, \
             last_ingestion = CASE WHEN last_ingestion >= v.column4 THEN last_ingestion \
                 ELSE v.column4 END \
             FROM (",
        )
        .push_values(chunk, |mut values, (id, row)| {
            values
                .push_bind(*id)
                .push_bind(row.first_event.0)
                .push_bind(row.last_event.0)
                .push_bind(row.last_ingestion.0);
        })
        .push(") AS v WHERE log_stream.id = v.column1")
        .build()
        .persistent(false)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Takes `count` numbers off a sequence, which begins at 1, inside the caller's transaction.
pub(super) async fn reserve(
    connection: &mut SqliteConnection,
    name: &str,
    count: u64,
) -> Result<u64> {
    let count = stored("sequence", name, count)?;
    let row = sqlx::query(
        "INSERT INTO sequence (name, next_value) VALUES ($1, 1 + $2) \
         ON CONFLICT (name) DO UPDATE SET next_value = sequence.next_value + $2 \
         RETURNING name, next_value - $2 AS first_value",
    )
    .bind(name)
    .bind(count)
    .fetch_one(connection)
    .await?;
    Fields::of(&row, "sequence", "name").unsigned("first_value")
}
