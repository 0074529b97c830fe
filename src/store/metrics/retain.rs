//! Retention and the sweep: blocks that outlived the last tier are dropped whole; bytes of blocks
//! that are no longer live are deleted when nobody can be reading them any more.

use std::collections::HashSet;
use std::sync::Arc;

use belfry_catalog::objects::{ObjectKind, ObjectRow};
use belfry_model::TimestampMs;
use ulid::Ulid;

use super::store::Inner;
use crate::error::Result;

/// Objects deleted in one round; the next round goes on.
const SWEEP_OBJECTS_MAX: usize = 1000;
/// With more removed objects than this, orphans wait for a later round.
const REMOVED_OBJECTS_MAX: usize = 100_000;

impl Inner {
    /// Publishes `rows` in the place of `remove`, and lets reads see it.
    pub(super) async fn replace(&self, rows: Vec<ObjectRow>, remove: Vec<Ulid>) -> Result<()> {
        self.publish(rows, remove.clone(), None).await?;
        for id in remove {
            self.cache.forget(id);
        }
        Ok(())
    }

    /// Drops blocks whose last sample outlived the last tier.
    pub(super) async fn drop_expired(&self, now: TimestampMs) -> Result<()> {
        let _one = self.maintenance.lock().await;
        let live = Arc::clone(&self.state.read().live);
        let expired: Vec<Ulid> = live
            .iter()
            .filter(|b| b.tier.coarser().is_none())
            .filter(|b| now - b.row.max_ts > self.config.retention.of(b.tier))
            .map(|b| b.row.id)
            .collect();
        if expired.is_empty() {
            return Ok(());
        }
        tracing::info!(blocks = expired.len(), "dropping metrics beyond retention");
        self.replace(Vec::new(), expired).await
    }

    /// Deletes the bytes of blocks that were removed long enough ago.
    pub(super) async fn sweep_removed(&self, now: TimestampMs) -> Result<()> {
        let _one = self.maintenance.lock().await;
        let before = now.saturating_sub_ms(self.config.sweep_delay_ms);
        let removed = self
            .catalog
            .removed_objects(ObjectKind::MetricsBlock, before, SWEEP_OBJECTS_MAX)
            .await?;
        let mut gone = Vec::new();
        for row in removed {
            self.objects.delete(row.kind, row.id).await?;
            gone.push(row.id);
        }
        if !gone.is_empty() {
            self.catalog.forget_objects(&gone).await?;
        }
        Ok(())
    }

    /// Deletes blocks that a crash left behind before anybody published them.
    pub(super) async fn sweep_orphans(&self, now: TimestampMs) -> Result<()> {
        // Holding both locks, no block of ours is between storing and publishing.
        let _no_compaction = self.maintenance.lock().await;
        let _no_flush = self.flushing.lock().await;
        let listed = self.objects.list(ObjectKind::MetricsBlock).await?;
        let live = self.catalog.live_objects(ObjectKind::MetricsBlock).await?;
        let removed = self
            .catalog
            .removed_objects(
                ObjectKind::MetricsBlock,
                TimestampMs::MAX,
                REMOVED_OBJECTS_MAX,
            )
            .await?;
        if removed.len() >= REMOVED_OBJECTS_MAX {
            return Ok(());
        }
        let known: HashSet<Ulid> = live.iter().chain(&removed).map(|r| r.id).collect();
        let young = now.saturating_sub_ms(self.config.orphan_age_ms);
        for object in listed {
            let born = i64::try_from(object.id.timestamp_ms()).unwrap_or(i64::MAX);
            if !known.contains(&object.id) && TimestampMs(born) < young {
                tracing::warn!(id = %object.id, "deleting a metrics block that was never published");
                self.objects
                    .delete(ObjectKind::MetricsBlock, object.id)
                    .await?;
            }
        }
        Ok(())
    }
}
