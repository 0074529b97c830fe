//! The outbox worker: spreads messages over subscriptions and delivers them, at least once
//! (spec notifications.md 8).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use belfry_catalog::Catalog;
use belfry_catalog::outbox::{OutboxKind, OutboxRow};
use belfry_model::time::{HOUR_MS, SECOND_MS};
use belfry_model::{Clock, TimestampMs};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::config::NotifyConfig;
use crate::delivery::Transports;
use crate::error::{Error, Result};
use crate::lanes::Lanes;
use crate::observer::NotifyObserver;
use crate::throttle::Throttles;
use crate::token::{TOKEN_VALID_MS, TokenMint};

/// How long a row is ours: longer than any attempt takes, so that only a crash makes it
/// somebody else's (or ours again, at once, after a restart).
const CLAIM_MS: i64 = 120 * SECOND_MS;
/// The longest attempt: a mail's session.
const ATTEMPT_MS_MAX: i64 = 60 * SECOND_MS;
/// Ours: claimed rows kept waiting behind others for the same receiver.
const WAITING_MAX: usize = 256;
/// How soon the outbox is looked at again while slow attempts are under way.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Pending subscriptions are looked through this often.
const EXPIRY_EVERY_MS: i64 = HOUR_MS;

/// Works off the outbox. Any number of workers, in any number of processes, may do so.
pub struct DeliveryWorker {
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<NotifyConfig>,
    pub(crate) mint: TokenMint,
    pub(crate) observer: Arc<dyn NotifyObserver>,
    pub(crate) transports: Transports,
    pub(crate) throttles: Throttles,
    pub(crate) wake: Arc<Notify>,
    /// Tells this worker's claims from others'.
    pub(crate) owner: String,
    pub(crate) expiry_due: Mutex<TimestampMs>,
}

impl DeliveryWorker {
    /// Works until no row is due that nobody else works on, and returns how many rows it
    /// took. Dropping the future abandons its attempts: their rows come back when the claim
    /// ends or the node starts again.
    ///
    /// # Errors
    /// When the catalog cannot be asked for rows; attempts under way are finished first.
    pub async fn run_due(self: &Arc<Self>, now: TimestampMs) -> Result<usize> {
        self.expire_pending(now).await;
        let concurrency = self.config.concurrency.max(1);
        // Tasks, not futures of this one: an attempt that holds the catalog's connection must
        // be able to go on while this waits for it. Dropping the set aborts them.
        let mut running = JoinSet::new();
        let mut lane_of = HashMap::new();
        let mut lanes = Lanes::default();
        let mut taken = 0usize;
        let mut outcome = Ok(());
        loop {
            let now = now.max(self.clock.now());
            let free = concurrency
                .saturating_sub(running.len())
                .min(WAITING_MAX.saturating_sub(lanes.waiting()));
            if free > 0 && outcome.is_ok() {
                match self
                    .catalog
                    .claim_outbox(&self.owner, now, CLAIM_MS, free)
                    .await
                {
                    Ok(rows) => {
                        taken = taken.saturating_add(rows.len());
                        for row in rows {
                            let lane = Lanes::lane(&row);
                            if let Some(row) = lanes.enter(&lane, row) {
                                let task = running.spawn(Arc::clone(self).work_on(row));
                                lane_of.insert(task.id(), lane);
                            }
                        }
                    }
                    Err(error) => outcome = Err(error),
                }
            }
            let ended = tokio::select! {
                ended = running.join_next_with_id() => match ended {
                    Some(Ok((id, ()))) => Some(id),
                    Some(Err(error)) => Some(error.id()),
                    None => return Ok(outcome.map(|()| taken)?),
                },
                () = self.wake.notified() => None,
                () = tokio::time::sleep(LOOK_AGAIN) => None,
            };
            if let Some(lane) = ended.and_then(|id| lane_of.remove(&id))
                && let Some(row) = lanes.leave(&lane, self.clock.now() + ATTEMPT_MS_MAX)
            {
                let task = running.spawn(Arc::clone(self).work_on(row));
                lane_of.insert(task.id(), lane);
            }
        }
    }

    /// When [`Self::run_due`] has work again, if nothing new arrives.
    ///
    /// # Errors
    /// Of the catalog.
    pub async fn next_due(&self) -> Result<Option<TimestampMs>> {
        Ok(self.catalog.next_outbox_due().await?)
    }

    /// Call after writing outbox rows that are due.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Resolves when rows were written since the last time.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    async fn work_on(self: Arc<Self>, row: OutboxRow) {
        let worked = match row.kind {
            OutboxKind::Publish => self.spread(&row).await,
            OutboxKind::Delivery => self.deliver(&row).await,
            OutboxKind::Confirmation => self.ask_to_confirm(&row).await,
        };
        match worked {
            Ok(()) => {}
            // Our claim ended before we did, and somebody else completed the row.
            Err(Error::Catalog(belfry_catalog::Error::NotFound { .. })) => {
                tracing::debug!(row = %row.id, "outbox row was completed elsewhere");
            }
            // The claim ends by itself and the row is worked on again.
            Err(error) => {
                tracing::error!(row = %row.id, kind = row.kind.as_str(), %error, "outbox row failed");
            }
        }
    }

    /// Drops subscriptions that nobody confirmed in time.
    async fn expire_pending(&self, now: TimestampMs) {
        {
            let mut due = self.expiry_due.lock();
            if now < *due {
                return;
            }
            *due = now + EXPIRY_EVERY_MS;
        }
        let before = now.saturating_sub_ms(TOKEN_VALID_MS);
        match self.catalog.expire_pending_subscriptions(before).await {
            Ok(0) => {}
            Ok(expired) => tracing::info!(expired, "pending subscriptions expired"),
            Err(error) => tracing::error!(%error, "pending subscriptions cannot expire"),
        }
    }
}
