//! The outbox.
//!
//! `outbox` holds rows on their way, `outbox_key` the idempotency keys of those and of rows
//! completed in the last day: one primary key is the gate for both, and both change in the
//! same transaction, so a crash leaves neither a second row nor a key without its row.
//!
//! `ready_at` is the one column a claim looks for: when the row can be claimed next, NULL while
//! an older row of its order key is there. A backlog behind a slow receiver therefore costs a
//! claim nothing.

use async_trait::async_trait;
use belfry_model::TimestampMs;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use ulid::Ulid;

use super::fields::{Fields, to_json};
use super::{SqliteCatalog, TRIM_BATCH_ROWS, alarm_history};
use crate::alarms::AlarmHistoryItem;
use crate::error::{Error, Result};
use crate::outbox::{IDEMPOTENCY_MS, NewOutboxRow, OutboxCatalog, OutboxKind, OutboxRow};

pub(super) fn outbox_row(row: &SqliteRow) -> Result<OutboxRow> {
    let fields = Fields::of(row, "outbox", "id");
    let id: &str = fields.get("id")?;
    Ok(OutboxRow {
        id: Ulid::from_string(id).map_err(|error| fields.corrupt("id", error))?,
        tenant: fields.tenant()?,
        kind: fields.word("kind", OutboxKind::parse)?,
        order_key: fields.get("order_key")?,
        idempotency_key: fields.get("idempotency_key")?,
        payload: fields.json("payload")?,
        created_at: fields.time("created_at")?,
        due_at: fields.time("due_at")?,
        attempts: fields.unsigned("attempts")?,
        claimed_until: fields.time_opt("claimed_until")?,
    })
}

fn not_found(id: Ulid) -> Error {
    Error::NotFound {
        what: "outbox row",
        name: id.to_string(),
    }
}

#[async_trait]
impl OutboxCatalog for SqliteCatalog {
    async fn enqueue_outbox(&self, rows: Vec<NewOutboxRow>, now: TimestampMs) -> Result<()> {
        let mut tx = self.begin().await?;
        insert_all(&mut tx, &rows, Some(now)).await?;
        Ok(tx.commit().await?)
    }

    async fn claim_outbox(
        &self,
        owner: &str,
        now: TimestampMs,
        claim_ms: i64,
        limit: usize,
    ) -> Result<Vec<OutboxRow>> {
        let mut tx = self.begin().await?;
        let mut ready: Vec<(i64, OutboxRow)> = sqlx::query(
            "SELECT * FROM outbox WHERE ready_at <= $1 ORDER BY ready_at, seq LIMIT $2",
        )
        .bind(now.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *tx)
        .await?
        .iter()
        .map(|row| Ok((row.try_get("seq")?, outbox_row(row)?)))
        .collect::<Result<_>>()?;
        let until = now.saturating_add_ms(claim_ms);
        for (seq, row) in &mut ready {
            sqlx::query(
                "UPDATE outbox SET claimed_by = $2, claimed_until = $3, ready_at = $3 \
                 WHERE seq = $1",
            )
            .bind(*seq)
            .bind(owner)
            .bind(until.0)
            .execute(&mut *tx)
            .await?;
            row.claimed_until = Some(until);
        }
        tx.commit().await?;
        Ok(ready.into_iter().map(|(_, row)| row).collect())
    }

    async fn complete_outbox(
        &self,
        id: Ulid,
        follow_ups: Vec<NewOutboxRow>,
        history: Vec<AlarmHistoryItem>,
        now: TimestampMs,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = sqlx::query("DELETE FROM outbox WHERE id = $1 RETURNING *")
            .bind(id.to_string())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| not_found(id))?;
        let row = outbox_row(&row)?;
        remember_key(&mut tx, &row, now).await?;
        release_next(&mut tx, &row).await?;
        insert_all(&mut tx, &follow_ups, Some(now)).await?;
        for item in &history {
            alarm_history::insert(&mut tx, item).await?;
        }
        forget_keys(&mut tx, now).await?;
        Ok(tx.commit().await?)
    }

    /// Only a head of its order key was ever claimed, and nothing older can come: it may be
    /// claimable again.
    async fn retry_outbox(&self, id: Ulid, due_at: TimestampMs, last_error: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, due_at = $2, last_error = $3, \
                 claimed_by = NULL, claimed_until = NULL, ready_at = $2 \
             WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(due_at.0)
        .bind(last_error)
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(not_found(id));
        }
        Ok(tx.commit().await?)
    }

    async fn release_outbox_claims(&self, owner: &str) -> Result<u64> {
        let mut tx = self.begin().await?;
        // Only heads of order keys are ever claimed: each may be claimed again when it is due.
        let released = sqlx::query(
            "UPDATE outbox SET claimed_by = NULL, claimed_until = NULL, ready_at = due_at \
             WHERE claimed_by = $1",
        )
        .bind(owner)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(released.rows_affected())
    }

    async fn next_outbox_due(&self) -> Result<Option<TimestampMs>> {
        let due: Option<i64> =
            sqlx::query_scalar("SELECT MIN(ready_at) FROM outbox WHERE ready_at IS NOT NULL")
                .fetch_one(&self.readers)
                .await?;
        Ok(due.map(TimestampMs))
    }

    async fn outbox_len(&self) -> Result<u64> {
        let row = sqlx::query("SELECT COUNT(*) AS len, 'all' AS id FROM outbox")
            .fetch_one(&self.readers)
            .await?;
        Fields::of(&row, "outbox", "id").unsigned("len")
    }
}

/// Puts rows on their way, inside the caller's transaction. `now` is `None` where the call that
/// brings them carries no time: then each counts as put here when it is due.
pub(super) async fn insert_all(
    connection: &mut SqliteConnection,
    rows: &[NewOutboxRow],
    now: Option<TimestampMs>,
) -> Result<()> {
    for row in rows {
        insert(connection, row, now.unwrap_or(row.due_at)).await?;
    }
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    new: &NewOutboxRow,
    now: TimestampMs,
) -> Result<()> {
    let payload = to_json("payload of", &new.idempotency_key, &new.payload)?;
    let admitted = sqlx::query(
        "INSERT INTO outbox_key (account, region, idempotency_key, completed_at) \
         VALUES ($1, $2, $3, NULL) \
         ON CONFLICT (account, region, idempotency_key) DO UPDATE SET completed_at = NULL \
         WHERE outbox_key.completed_at < $4",
    )
    .bind(&*new.tenant.account)
    .bind(&*new.tenant.region)
    .bind(&new.idempotency_key)
    .bind(now.saturating_sub_ms(IDEMPOTENCY_MS).0)
    .execute(&mut *connection)
    .await?;
    if admitted.rows_affected() == 0 {
        return Ok(());
    }
    let order_key = new.order_key.as_deref().filter(|key| !key.is_empty());
    let waits: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM outbox WHERE account = $1 AND region = $2 AND order_key = $3 LIMIT 1",
    )
    .bind(&*new.tenant.account)
    .bind(&*new.tenant.region)
    .bind(order_key)
    .fetch_optional(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO outbox (id, account, region, kind, order_key, idempotency_key, payload, \
             created_at, due_at, attempts, ready_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10)",
    )
    .bind(new_id(now).to_string())
    .bind(&*new.tenant.account)
    .bind(&*new.tenant.region)
    .bind(new.kind.as_str())
    .bind(order_key)
    .bind(&new.idempotency_key)
    .bind(payload)
    .bind(now.0)
    .bind(new.due_at.0)
    .bind(waits.is_none().then_some(new.due_at.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// The time in it is the clock's, which tests hold still; `seq` alone tells the order.
fn new_id(now: TimestampMs) -> Ulid {
    let random = Ulid::new().random();
    Ulid::from_parts(u64::try_from(now.0).unwrap_or(0), random)
}

async fn remember_key(
    connection: &mut SqliteConnection,
    row: &OutboxRow,
    now: TimestampMs,
) -> Result<()> {
    sqlx::query(
        "UPDATE outbox_key SET completed_at = $4 \
         WHERE account = $1 AND region = $2 AND idempotency_key = $3",
    )
    .bind(&*row.tenant.account)
    .bind(&*row.tenant.region)
    .bind(&row.idempotency_key)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// The oldest row of the order key, which now is nobody's follower, becomes claimable.
async fn release_next(connection: &mut SqliteConnection, done: &OutboxRow) -> Result<()> {
    if done.order_key.is_none() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE outbox SET ready_at = due_at WHERE ready_at IS NULL AND seq = \
         (SELECT MIN(seq) FROM outbox WHERE account = $1 AND region = $2 AND order_key = $3)",
    )
    .bind(&*done.tenant.account)
    .bind(&*done.tenant.region)
    .bind(&done.order_key)
    .execute(connection)
    .await?;
    Ok(())
}

/// Each completion sweeps what is too old, so that nobody else has to.
async fn forget_keys(connection: &mut SqliteConnection, now: TimestampMs) -> Result<()> {
    sqlx::query(
        "DELETE FROM outbox_key WHERE (account, region, idempotency_key) IN \
         (SELECT account, region, idempotency_key FROM outbox_key \
          WHERE completed_at < $1 LIMIT $2)",
    )
    .bind(now.saturating_sub_ms(IDEMPOTENCY_MS).0)
    .bind(TRIM_BATCH_ROWS)
    .execute(connection)
    .await?;
    Ok(())
}
