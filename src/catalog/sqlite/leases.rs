//! Leases.

use async_trait::async_trait;
use belfry_model::TimestampMs;
use sqlx::sqlite::SqliteRow;

use super::SqliteCatalog;
use super::fields::{Fields, stored};
use crate::error::Result;
use crate::leases::{Lease, LeaseCatalog};

pub(super) fn lease(row: &SqliteRow) -> Result<Lease> {
    let fields = Fields::of(row, "lease", "name");
    Ok(Lease {
        name: fields.get("name")?,
        owner: fields.get("owner")?,
        epoch: fields.unsigned("epoch")?,
        expires_at: fields.time("expires_at")?,
    })
}

#[async_trait]
impl LeaseCatalog for SqliteCatalog {
    async fn acquire_lease(
        &self,
        name: &str,
        owner: &str,
        ttl_ms: i64,
        now: TimestampMs,
    ) -> Result<Option<Lease>> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "INSERT INTO lease (name, owner, epoch, expires_at) VALUES ($1, $2, 1, $3) \
             ON CONFLICT (name) DO UPDATE SET \
                 epoch = CASE WHEN lease.owner = excluded.owner THEN lease.epoch \
                              ELSE lease.epoch + 1 END, \
                 owner = excluded.owner, expires_at = excluded.expires_at \
             WHERE lease.owner = excluded.owner OR lease.expires_at <= $4 \
             RETURNING *",
        )
        .bind(name)
        .bind(owner)
        .bind(now.saturating_add_ms(ttl_ms).0)
        .bind(now.0)
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        row.as_ref().map(lease).transpose()
    }

    /// The row stays, without an owner: the epoch must go on growing.
    async fn release_lease(&self, lease: &Lease) -> Result<()> {
        let epoch = stored("lease", &lease.name, lease.epoch)?;
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE lease SET owner = '', expires_at = $4 \
             WHERE name = $1 AND owner = $2 AND epoch = $3",
        )
        .bind(&lease.name)
        .bind(&lease.owner)
        .bind(epoch)
        .bind(TimestampMs::MIN.0)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    async fn void_leases(&self) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE lease SET owner = '', expires_at = $1")
            .bind(TimestampMs::MIN.0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}
