//! Publications: one at a time, told to readers at once, and never repeated.
//!
//! An error of the catalog leaves open whether the transaction happened, so the catalog is asked
//! before anything else is published. Publishing the same events again would store them twice.

use std::collections::HashSet;
use std::sync::Arc;

use belfry_catalog::log_groups::LogStreamActivity;
use belfry_catalog::objects::{ObjectKind, Publish};
use belfry_model::TimestampMs;
use ulid::Ulid;

use super::live::LiveSegment;
use super::store::{Frozen, Inner, WAL_NAME};
use crate::error::Result;
use crate::publishing::Publishing;
use crate::wal::Lsn;

/// What to publish.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Stored, and in no publication before.
    pub insert: Vec<Arc<LiveSegment>>,
    pub remove: Vec<Ulid>,
    /// With the checkpoint of the head that `insert` was made of, and what its streams did.
    pub flushed: Option<(Lsn, Vec<LogStreamActivity>)>,
}

impl Inner {
    /// Publishes in one transaction and lets reads see it. On an error nothing happened, unless
    /// the catalog does not even answer that; then the next publication finds out.
    pub(super) async fn publish(&self, change: Change, now: TimestampMs) -> Result<()> {
        let mut publishing = self.publishing.lock().await;
        self.settle(&mut publishing).await?;
        let Change {
            insert,
            remove,
            flushed,
        } = change;
        let (lsn, stream_activity) = flushed.map_or((None, Vec::new()), |(l, a)| (Some(l), a));
        let row = Publish {
            insert: insert.iter().map(|s| s.row.clone()).collect(),
            remove: remove.clone(),
            checkpoint: lsn.map(|lsn| publishing.advance(WAL_NAME, lsn)),
            stream_activity,
        };
        publishing.unsure = true;
        let Err(error) = self.catalog.publish(row, now).await else {
            {
                let mut state = self.state.lock();
                let segments = Arc::make_mut(&mut state.segments);
                segments.retain(|s| !remove.contains(&s.row.id));
                segments.extend(insert);
                state.forget_frozen(lsn);
            }
            publishing.checkpoint = lsn.unwrap_or(publishing.checkpoint);
            publishing.unsure = false;
            self.cache.forget(&remove);
            return Ok(());
        };
        tracing::warn!(%error, "the catalog failed to publish log segments; asking what happened");
        if let Err(again) = self.settle(&mut publishing).await {
            tracing::warn!(error = %again, "the catalog does not tell; asking again later");
            return Err(error.into());
        }
        let live: HashSet<Ulid> = {
            let state = self.state.lock();
            state.segments.iter().map(|s| s.row.id).collect()
        };
        let inserted = insert.iter().map(|s| s.row.id);
        let found = publishing.aftermath(inserted, &remove, lsn, &live);
        self.discard(found.dead).await;
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
        let rows = self.catalog.live_objects(ObjectKind::LogSegment).await?;
        let live = rows
            .into_iter()
            .map(|row| LiveSegment::of_row(row).map(Arc::new))
            .collect::<Result<Vec<_>>>()?;
        let known: HashSet<Ulid> = live.iter().map(|s| s.row.id).collect();
        let before = {
            let mut state = self.state.lock();
            state.forget_frozen(Some(checkpoint));
            std::mem::replace(&mut state.segments, Arc::new(live))
        };
        let gone: Vec<Ulid> = before
            .iter()
            .map(|s| s.row.id)
            .filter(|id| !known.contains(id))
            .collect();
        self.cache.forget(&gone);
        publishing.checkpoint = checkpoint;
        publishing.unsure = false;
        Ok(())
    }

    /// Deletes objects that are known to be in no publication. What cannot be deleted is an
    /// orphan, which the next start sweeps.
    pub(super) async fn discard(&self, ids: Vec<Ulid>) {
        for id in ids {
            if let Err(error) = self.objects.delete(ObjectKind::LogSegment, id).await {
                tracing::warn!(%error, "leaving a log segment that was not published");
            }
        }
    }
}

impl super::store::State {
    /// Drops the frozen head if the checkpoint covers it.
    fn forget_frozen(&mut self, checkpoint: Option<Lsn>) {
        let covers = |f: &Frozen| checkpoint.is_some_and(|lsn| f.checkpoint <= lsn);
        if self.frozen.as_ref().is_some_and(covers) {
            self.frozen = None;
        }
    }
}
