//! Evaluates alarms in their turns and writes what changes.
//!
//! Guarantees: a change of state is written with its history and its outbox rows in one
//! transaction, or not at all, and once, however many runners judge the same alarm; an alarm
//! whose metrics cannot be read keeps its state.

use std::sync::Arc;

use belfry_catalog::alarms::{AlarmDefinition, AlarmRow};
use belfry_catalog::{AlarmCatalog, Error as CatalogError, LeaseCatalog};
use belfry_model::TimestampMs;
use belfry_model::alarm::AlarmStatus;
use belfry_model::time::{HOUR_MS, SECOND_MS};
use parking_lot::Mutex;
use tracing::{debug, info, warn};

use crate::changes::AlarmChanges;
use crate::error::{Error, Result};
use crate::evaluate::{evaluate, slots};
use crate::history;
use crate::lease::{self, Leases, RETRY_MS};
use crate::range::Window;
use crate::schedule::{AlarmKey, OffsetRule, Schedule, Turn};
use crate::service::transitioned_at;
use crate::source::{DatapointSource, Datapoints, ReadRequest};
use crate::transition::{ActionSettings, transition};

/// Slots that are read at a time (a single alarm has less than 10,000): bounds the memory of a
/// tick to some 10 MB.
const BATCH_SLOTS: usize = 100_000;
/// When an alarm is tried again whose turn failed, if its next turn is not earlier.
const FAILED_RETRY_MS: i64 = 15 * SECOND_MS;
/// How often a decision is made again when the alarm was changed while it was judged.
const ATTEMPTS_MAX: usize = 8;
/// How often the catalog is asked for changes that other nodes made.
const REFRESH_EVERY_MS: i64 = SECOND_MS;
/// How often old history is dropped.
const TRIM_EVERY_MS: i64 = HOUR_MS;

/// How a runner works.
#[derive(Clone, Debug)]
pub struct RunnerConfig {
    /// Names this run of this process in leases; a restart takes a new one.
    pub owner: String,
    pub offsets: OffsetRule,
    /// Alarms are spread over so many leases: as many nodes can share the work.
    pub buckets: u32,
    pub actions: ActionSettings,
}

impl RunnerConfig {
    /// `owner` names this run of this process.
    pub fn new(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            offsets: OffsetRule::Hashed,
            buckets: 8,
            actions: ActionSettings::default(),
        }
    }
}

impl Default for RunnerConfig {
    /// For one run: the owner is new each time.
    fn default() -> Self {
        Self::new(format!("alarms-{}", uuid::Uuid::new_v4()))
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Alarms judged.
    pub evaluated: usize,
    /// States changed.
    pub transitions: usize,
    /// Alarms whose datapoints could not be read, or whose change could not be written.
    pub failed: usize,
}

/// The evaluator of one node. Drive it with [`Self::next_due`] and [`Self::run_due`].
pub struct AlarmRunner<C: ?Sized> {
    source: Arc<dyn DatapointSource>,
    config: RunnerConfig,
    changes: Arc<AlarmChanges>,
    state: Mutex<RunnerState>,
    catalog: Arc<C>,
}

struct RunnerState {
    schedule: Schedule,
    leases: Leases,
    /// Of the definitions in the schedule; `None` before they were read.
    generation: Option<u64>,
    /// When the schedule was last brought up to date, and how many changes had been noted.
    refreshed_at: TimestampMs,
    changes_seen: u64,
    trim_at: TimestampMs,
}

/// How judging one alarm ended.
enum Judged {
    Unchanged,
    Changed,
    Failed,
}

impl<C: AlarmCatalog + LeaseCatalog + ?Sized> AlarmRunner<C> {
    /// `changes` are those of the process's [`AlarmService`](crate::AlarmService).
    pub fn new(
        catalog: Arc<C>,
        source: Arc<dyn DatapointSource>,
        changes: Arc<AlarmChanges>,
        config: RunnerConfig,
    ) -> Self {
        let state = RunnerState {
            schedule: Schedule::new(config.offsets, config.buckets),
            leases: Leases::new(config.owner.clone()),
            generation: None,
            refreshed_at: TimestampMs::MIN,
            changes_seen: 0,
            trim_at: TimestampMs::MIN,
        };
        Self {
            source,
            config,
            changes,
            state: Mutex::new(state),
            catalog,
        }
    }

    /// When [`Self::run_due`] has something to do; may lie in the past. Changes of alarms move
    /// it: a driver that waits asks again now and then, which is cheap.
    ///
    /// # Errors
    /// `Catalog`.
    pub async fn next_due(&self, now: TimestampMs) -> Result<TimestampMs> {
        if self.is_stale(now) {
            self.refresh(now).await?;
        }
        let state = self.state.lock();
        let turn = state.schedule.next_due().unwrap_or(TimestampMs::MAX);
        Ok(turn.min(state.trim_at))
    }

    /// Evaluates every alarm that had a turn up to `now` since its last one, each as of its
    /// latest turn; drops history past its time. Safe to repeat and to run at the same time
    /// as others, here and elsewhere.
    ///
    /// # Errors
    /// `Catalog`, if the alarms or leases cannot be read; single alarms that fail are logged
    /// and counted.
    pub async fn run_due(&self, now: TimestampMs) -> Result<RunReport> {
        self.refresh(now).await?;
        self.renew_leases(now).await?;
        let turns = {
            let state = &mut *self.state.lock();
            let leases = &state.leases;
            let retry_at = now.saturating_add_ms(RETRY_MS);
            state
                .schedule
                .take_due(now, |bucket| leases.holds(bucket, now), retry_at)
        };
        let mut report = RunReport::default();
        for batch in batches(&turns) {
            self.run_batch(batch, now, &mut report).await;
        }
        self.trim_history(now).await?;
        Ok(report)
    }

    /// Gives up the leases, so that others need not wait for their end.
    ///
    /// # Errors
    /// `Catalog`; what could not be released runs out by itself.
    pub async fn release(&self) -> Result<()> {
        let held = self.state.lock().leases.take_all();
        for lease in &held {
            self.catalog.release_lease(lease).await?;
        }
        Ok(())
    }

    fn is_stale(&self, now: TimestampMs) -> bool {
        let state = self.state.lock();
        state.generation.is_none()
            || state.changes_seen != self.changes.count()
            || now >= state.refreshed_at.saturating_add_ms(REFRESH_EVERY_MS)
    }

    /// Brings the schedule up to date with the catalog.
    async fn refresh(&self, now: TimestampMs) -> Result<()> {
        // Both are read first: what changes after them is seen next time.
        let changes_seen = self.changes.count();
        let generation = self.catalog.alarms_generation().await?;
        let (known, version) = {
            let state = self.state.lock();
            (state.generation, state.schedule.version())
        };
        if known == Some(generation) {
            let changed = self.catalog.alarms_changed_after(version).await?;
            let mut state = self.state.lock();
            state.schedule.catch_up(changed, now);
            state.refreshed_at = now;
            state.changes_seen = changes_seen;
        } else {
            let rows = self.catalog.all_alarms().await?;
            let mut state = self.state.lock();
            state.schedule.replace_all(rows, now);
            state.generation = Some(generation);
            state.refreshed_at = now;
            state.changes_seen = changes_seen;
        }
        Ok(())
    }

    async fn renew_leases(&self, now: TimestampMs) -> Result<()> {
        let (owner, buckets) = {
            let state = self.state.lock();
            let wanted = state.schedule.buckets_due(now);
            let buckets = state.leases.to_ask_for(wanted, now);
            (state.leases.owner().to_owned(), buckets)
        };
        for bucket in buckets {
            let lease = lease::ask(&*self.catalog, &owner, bucket, now).await?;
            self.state.lock().leases.record(bucket, lease);
        }
        Ok(())
    }

    async fn run_batch(&self, turns: &[Turn], now: TimestampMs, report: &mut RunReport) {
        let requests: Vec<ReadRequest> = turns.iter().map(request).collect();
        let mut answers = self.source.read(&requests).await.into_iter();
        for turn in turns {
            let missing = || Err("the source gave no answer".into());
            let judged = match answers.next().unwrap_or_else(missing) {
                Ok(datapoints) => self.judge(turn, &datapoints, now).await,
                Err(error) => {
                    let alarm = &turn.key.name;
                    warn!(%alarm, tenant = %turn.key.tenant, %error, "reading datapoints failed, the alarm keeps its state");
                    Judged::Failed
                }
            };
            match judged {
                Judged::Unchanged => report.evaluated += 1,
                Judged::Changed => {
                    report.evaluated += 1;
                    report.transitions += 1;
                }
                Judged::Failed => {
                    report.failed += 1;
                    let retry_at = now.saturating_add_ms(FAILED_RETRY_MS);
                    self.state.lock().schedule.retry(&turn.key, retry_at);
                }
            }
        }
    }

    async fn judge(&self, turn: &Turn, datapoints: &Datapoints, now: TimestampMs) -> Judged {
        match self.try_judge(turn, datapoints, now).await {
            Ok(true) => Judged::Changed,
            Ok(false) => Judged::Unchanged,
            Err(error) => {
                let alarm = &turn.key.name;
                warn!(%alarm, tenant = %turn.key.tenant, %error, "writing a transition failed, the alarm keeps its state");
                Judged::Failed
            }
        }
    }

    /// Whether the state changed. When the alarm was changed meanwhile, the same datapoints
    /// are judged again from its new state.
    async fn try_judge(
        &self,
        turn: &Turn,
        datapoints: &Datapoints,
        now: TimestampMs,
    ) -> Result<bool> {
        let mut row = turn.row.clone();
        for _ in 0..ATTEMPTS_MAX {
            let Some(status) = new_status(&row, turn.instant, datapoints, now) else {
                return Ok(false);
            };
            let change = transition(&self.config.actions, &row, status.clone())?;
            match self.catalog.transition_alarm(change).await {
                Ok(version) => {
                    info!(
                        alarm = %turn.key.name,
                        tenant = %turn.key.tenant,
                        from = %row.status.state,
                        to = %status.state,
                        "alarm changed its state"
                    );
                    let mut written = (*row).clone();
                    written.status = status;
                    written.version = version;
                    self.state.lock().schedule.update(written, now);
                    return Ok(true);
                }
                Err(CatalogError::Conflict { .. }) => {}
                Err(CatalogError::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            let AlarmKey { tenant, name } = &*turn.key;
            match self.catalog.alarm(tenant, name).await? {
                Some(fresh) if fresh.definition == row.definition => row = Arc::new(fresh),
                // Another definition has turns of its own.
                Some(_) | None => return Ok(false),
            }
            debug!(alarm = %name, tenant = %tenant, "the alarm changed meanwhile, judging it again");
        }
        Err(Error::Contended {
            name: turn.key.name.clone(),
        })
    }

    async fn trim_history(&self, now: TimestampMs) -> Result<()> {
        {
            let mut state = self.state.lock();
            if now < state.trim_at {
                return Ok(());
            }
            state.trim_at = now.floor_to(TRIM_EVERY_MS) + TRIM_EVERY_MS;
        }
        let before = now.saturating_sub_ms(history::RETENTION_MS);
        let trimmed = self.catalog.trim_alarm_history(before).await?;
        if trimmed > 0 {
            debug!(trimmed, "dropped old alarm history");
        }
        Ok(())
    }
}

/// Runs of turns with at most [`BATCH_SLOTS`] slots together, or of one turn.
fn batches(turns: &[Turn]) -> Vec<&[Turn]> {
    let mut batches = Vec::new();
    let mut rest = turns;
    while !rest.is_empty() {
        let mut slots = 0;
        let fitting = rest.iter().take_while(|turn| {
            slots += window(turn).slots as usize;
            slots <= BATCH_SLOTS
        });
        let (batch, later) = rest.split_at(fitting.count().max(1));
        batches.push(batch);
        rest = later;
    }
    batches
}

fn window(turn: &Turn) -> Window {
    let AlarmDefinition::Metric(alarm) = &turn.row.definition;
    Window::of(alarm, turn.instant)
}

fn request(turn: &Turn) -> ReadRequest {
    let AlarmDefinition::Metric(alarm) = &turn.row.definition;
    ReadRequest::of(&turn.key.tenant, alarm, window(turn))
}

/// What the datapoints make of the alarm's status; `None`: nothing.
fn new_status(
    row: &AlarmRow,
    instant: TimestampMs,
    datapoints: &Datapoints,
    now: TimestampMs,
) -> Option<AlarmStatus> {
    let AlarmDefinition::Metric(alarm) = &row.definition;
    let slots = slots(&Window::of(alarm, instant), datapoints);
    let change = evaluate(alarm, &slots, row.status.state, now)?;
    Some(AlarmStatus {
        transitioned_at: transitioned_at(&row.status, change.state, now),
        state: change.state,
        reason: change.reason,
        reason_data: Some(change.reason_data),
        updated_at: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn batches_are_bounded_by_slots() {
        let mut alarm = sample::alarm();
        alarm.period_s = 10;
        alarm.evaluation_periods = 8_640; // 8,646 slots
        let row = Arc::new(AlarmRow {
            tenant: sample::tenant(),
            status: AlarmStatus {
                state: belfry_model::alarm::AlarmState::Ok,
                reason: String::new(),
                reason_data: None,
                updated_at: TimestampMs(0),
                transitioned_at: TimestampMs(0),
            },
            definition: AlarmDefinition::Metric(alarm),
            created_at: TimestampMs(0),
            configured_at: TimestampMs(0),
            version: 1,
        });
        let turn = Turn {
            key: Arc::new(AlarmKey::of(&row)),
            row,
            instant: TimestampMs(0),
            bucket: 0,
        };
        let sizes = |turns: usize| {
            let turns = vec![turn.clone(); turns];
            batches(&turns)
                .iter()
                .map(|batch| batch.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(25), [11, 11, 3]);
    }
}
