//! Publications: one at a time, told to readers at once, and never repeated.
//!
//! An error of the catalog leaves open whether the transaction happened, so the catalog is asked
//! before anything else is published. Publishing the same samples again would count them twice.

use std::collections::HashSet;
use std::sync::Arc;

use belfry_catalog::objects::{ObjectKind, ObjectRow, Publish};
use ulid::Ulid;

use super::live::{LiveBlock, LiveBlocks};
use super::store::{Inner, WAL_NAME};
use crate::error::Result;
use crate::publishing::Publishing;
use crate::wal::Lsn;

impl Inner {
    /// Publishes in one transaction and lets reads see it; `flushed` is the checkpoint of the
    /// head that `insert` was made of. On an error nothing happened, unless the catalog does not
    /// even answer that; then the next publication finds out.
    pub(super) async fn publish(
        &self,
        insert: Vec<ObjectRow>,
        remove: Vec<Ulid>,
        flushed: Option<Lsn>,
    ) -> Result<()> {
        let mut publishing = self.publishing.lock().await;
        self.settle(&mut publishing).await?;
        let inserted: Vec<Ulid> = insert.iter().map(|r| r.id).collect();
        let blocks = insert.iter().cloned().map(LiveBlock::new);
        let blocks: Vec<LiveBlock> = blocks.collect::<Result<_>>()?;
        let change = Publish {
            insert,
            remove: remove.clone(),
            checkpoint: flushed.map(|lsn| publishing.advance(WAL_NAME, lsn)),
            ..Publish::default()
        };
        publishing.unsure = true;
        let Err(error) = self.catalog.publish(change, self.clock.now()).await else {
            let mut state = self.state.write();
            state.live = Arc::new(state.live.changed(blocks, &remove));
            state.forget_frozen(flushed);
            publishing.checkpoint = flushed.unwrap_or(publishing.checkpoint);
            publishing.unsure = false;
            return Ok(());
        };
        tracing::warn!(%error, "the catalog failed to publish metrics; asking what happened");
        if let Err(again) = self.settle(&mut publishing).await {
            tracing::warn!(error = %again, "the catalog does not tell; asking again later");
            return Err(error.into());
        }
        let live: HashSet<Ulid> = self.state.read().live.iter().map(|b| b.row.id).collect();
        let found = publishing.aftermath(inserted.into_iter(), &remove, flushed, &live);
        self.discard(found.dead.into_iter()).await;
        match found.happened {
            true => Ok(()),
            false => Err(error.into()),
        }
    }

    /// Finds out what became of a publication that nobody saw the end of.
    pub(super) async fn settle_publications(&self) -> Result<()> {
        let mut publishing = self.publishing.lock().await;
        self.settle(&mut publishing).await
    }

    async fn settle(&self, publishing: &mut Publishing) -> Result<()> {
        if !publishing.unsure {
            return Ok(());
        }
        let checkpoint = Lsn(self.catalog.wal_checkpoint(WAL_NAME).await?);
        let rows = self.catalog.live_objects(ObjectKind::MetricsBlock).await?;
        let blocks = rows.into_iter().map(LiveBlock::new);
        let blocks: Vec<LiveBlock> = blocks.collect::<Result<_>>()?;
        {
            let mut state = self.state.write();
            state.live = Arc::new(LiveBlocks::new(blocks));
            state.forget_frozen(Some(checkpoint));
        }
        publishing.checkpoint = checkpoint;
        publishing.unsure = false;
        Ok(())
    }

    /// Deletes objects that are known to be in no publication. What cannot be deleted is an
    /// orphan, which a later sweep finds.
    pub(super) async fn discard(&self, ids: impl Iterator<Item = Ulid>) {
        for id in ids {
            if let Err(error) = self.objects.delete(ObjectKind::MetricsBlock, id).await {
                tracing::warn!(%error, "leaving a metrics block that was not published");
            }
        }
    }
}

impl super::live::Snapshot {
    /// Drops the frozen heads that the checkpoint covers.
    fn forget_frozen(&mut self, checkpoint: Option<Lsn>) {
        if let Some(lsn) = checkpoint {
            self.frozen.retain(|f| f.checkpoint > lsn);
        }
    }
}
