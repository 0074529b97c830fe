//! Periodic work: alarm ticks, deliveries, flushes, retention.
//!
//! A [`Job`] says when it is due next and does what is due. With the system clock each job has
//! a task that waits for its time. With the test clock, time moves only on request, and
//! [`Schedule::run_until`] steps through every due time on the way, so that nothing is skipped
//! and all of it has happened when the call returns.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use belfry_model::{Clock, ManualClock, TimestampMs};
use tokio::sync::{Mutex, MutexGuard, watch};

/// A job's due time is looked at again at least this often, since a request can bring work
/// forward; jobs for which that must be quick tell by [`Job::woken`].
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// And at most this often, however soon it is due.
const PAUSE: Duration = Duration::from_millis(2);
/// A job that is still due after this many runs at one instant is left for later; it would
/// otherwise hold the clock for ever.
const RUNS_PER_INSTANT_MAX: usize = 10_000;

/// A piece of periodic work.
#[async_trait]
pub trait Job: Send + Sync + 'static {
    /// For logs: `alarms`, `outbox`, ...
    fn name(&self) -> &'static str;
    /// When to run next; a time in the past means now, `None` means no work in sight.
    async fn next_due(&self, now: TimestampMs) -> Option<TimestampMs>;
    /// Returns when work may have come forward. By default never: the job is looked at now and
    /// then.
    async fn woken(&self) {
        std::future::pending().await
    }
    /// Does what is due at `now`. Errors are the job's own business: logged, retried.
    async fn run_due(&self, now: TimestampMs);
}

struct Entry {
    job: Arc<dyn Job>,
    /// One run at a time, be it by the task or by a step of the test clock.
    running: Mutex<()>,
}

/// All jobs of a node.
pub struct Schedule {
    clock: Arc<dyn Clock>,
    entries: Vec<Arc<Entry>>,
}

impl Schedule {
    pub fn new(clock: Arc<dyn Clock>, jobs: Vec<Arc<dyn Job>>) -> Self {
        let entries = jobs
            .into_iter()
            .map(|job| {
                Arc::new(Entry {
                    job,
                    running: Mutex::new(()),
                })
            })
            .collect();
        Self { clock, entries }
    }

    /// Starts a task for each job; they end when `stop` turns true.
    pub fn spawn(&self, stop: &watch::Receiver<bool>) -> Vec<tokio::task::JoinHandle<()>> {
        self.entries
            .iter()
            .map(|entry| {
                let entry = entry.clone();
                let clock = self.clock.clone();
                let mut stop = stop.clone();
                tokio::spawn(async move {
                    loop {
                        entry.run_if_due(&*clock).await;
                        let wait = entry.wait(clock.now()).await;
                        tokio::select! {
                            () = tokio::time::sleep(wait) => {}
                            () = entry.job.woken() => {}
                            _ = stop.wait_for(|stop| *stop) => return,
                        }
                    }
                })
            })
            .collect()
    }

    /// Moves the test clock to `target`, doing on the way all that falls due, in order of time.
    ///
    /// The clock moves only while nothing runs, and this returns when nothing runs: a run that a
    /// task began (a delivery to a slow receiver, say) ends at the time at which it began.
    pub async fn run_until(&self, clock: &ManualClock, target: TimestampMs) {
        let mut runs_at_instant = 0;
        loop {
            // Held while the clock moves, so that no task takes up work in between: work that
            // is claimed looks as if it were due only when the claim ends.
            let _quiet = self.wait_for_runs().await;
            let now = clock.now();
            let next = self.next(now).await.filter(|(due, _)| *due <= target);
            let Some((due, entry)) = next else {
                clock.set(target);
                return;
            };
            if due > now {
                clock.set(due);
                runs_at_instant = 0;
            } else {
                runs_at_instant += 1;
                if runs_at_instant > RUNS_PER_INSTANT_MAX {
                    tracing::warn!(
                        job = entry.job.name(),
                        "job stays due; leaving it for later"
                    );
                    clock.set(target);
                    return;
                }
            }
            entry.job.run_due(clock.now()).await;
        }
    }

    /// Waits until no job runs, and keeps it so.
    async fn wait_for_runs(&self) -> Vec<MutexGuard<'_, ()>> {
        let mut quiet = Vec::with_capacity(self.entries.len());
        // A task holds one of these at a time, and only this function takes more than one.
        for entry in &self.entries {
            quiet.push(entry.running.lock().await);
        }
        quiet
    }

    async fn next(&self, now: TimestampMs) -> Option<(TimestampMs, &Entry)> {
        let mut first: Option<(TimestampMs, &Entry)> = None;
        for entry in &self.entries {
            if let Some(due) = entry.job.next_due(now).await
                && first.is_none_or(|(earliest, _)| due < earliest)
            {
                first = Some((due, entry));
            }
        }
        first
    }
}

impl Entry {
    /// How long until the job is to be looked at again.
    async fn wait(&self, now: TimestampMs) -> Duration {
        let due = self.job.next_due(now).await;
        let until_due = due.map_or(u64::MAX, |due| u64::try_from(due - now).unwrap_or(0));
        Duration::from_millis(until_due).clamp(PAUSE, LOOK_AGAIN)
    }

    async fn run_if_due(&self, clock: &dyn Clock) {
        let _alone = self.running.lock().await;
        let now = clock.now();
        if self.job.next_due(now).await.is_some_and(|due| due <= now) {
            self.job.run_due(now).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use parking_lot::Mutex as SyncMutex;
    use tokio::sync::Notify;

    struct Every {
        step_ms: i64,
        last: SyncMutex<TimestampMs>,
        runs: SyncMutex<Vec<TimestampMs>>,
    }

    #[async_trait]
    impl Job for Every {
        fn name(&self) -> &'static str {
            "every"
        }
        async fn next_due(&self, _now: TimestampMs) -> Option<TimestampMs> {
            Some(*self.last.lock() + self.step_ms)
        }
        async fn run_due(&self, now: TimestampMs) {
            *self.last.lock() = now;
            self.runs.lock().push(now);
        }
    }

    #[tokio::test]
    async fn stepping_visits_every_due_time() {
        let clock = ManualClock::new(TimestampMs(0));
        let job = Arc::new(Every {
            step_ms: 60_000,
            last: SyncMutex::new(TimestampMs(0)),
            runs: SyncMutex::new(Vec::new()),
        });
        let schedule = Schedule::new(clock.clone(), vec![job.clone()]);
        schedule.run_until(&clock, TimestampMs(200_000)).await;
        let runs: Vec<i64> = job.runs.lock().iter().map(|t| t.0).collect();
        assert_eq!(runs, [60_000, 120_000, 180_000]);
        assert_eq!(clock.now(), TimestampMs(200_000));
    }

    /// A job whose one piece of work takes long. While it is under way it looks as if it were
    /// due when its claim ends, as a delivery does.
    struct Slow {
        begun: Notify,
        is_claimed: AtomicBool,
        is_done: AtomicBool,
        times: SyncMutex<Vec<(TimestampMs, TimestampMs)>>,
        clock: Arc<ManualClock>,
    }

    const CLAIM_MS: i64 = 120_000;

    #[async_trait]
    impl Job for Slow {
        fn name(&self) -> &'static str {
            "slow"
        }
        async fn next_due(&self, _now: TimestampMs) -> Option<TimestampMs> {
            let claim_ms = i64::from(self.is_claimed.load(Ordering::SeqCst)) * CLAIM_MS;
            (!self.is_done.load(Ordering::SeqCst)).then_some(TimestampMs(claim_ms))
        }
        async fn run_due(&self, now: TimestampMs) {
            self.is_claimed.store(true, Ordering::SeqCst);
            self.begun.notify_one();
            tokio::time::sleep(Duration::from_millis(300)).await;
            self.times.lock().push((now, self.clock.now()));
            self.is_done.store(true, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn the_clock_waits_for_runs_under_way() {
        for advance_ms in [1_000, 2 * CLAIM_MS] {
            let clock = ManualClock::new(TimestampMs(0));
            let job = Arc::new(Slow {
                begun: Notify::new(),
                is_claimed: AtomicBool::new(false),
                is_done: AtomicBool::new(false),
                times: SyncMutex::default(),
                clock: clock.clone(),
            });
            let schedule = Schedule::new(clock.clone(), vec![job.clone()]);
            let (_stop, stopping) = watch::channel(false);
            schedule.spawn(&stopping);
            job.begun.notified().await;
            schedule.run_until(&clock, TimestampMs(advance_ms)).await;
            // Once, from its beginning to its end at one time, and before the call returned.
            let times = job.times.lock().clone();
            assert_eq!(times, [(TimestampMs(0), TimestampMs(0))]);
            assert_eq!(clock.now(), TimestampMs(advance_ms));
        }
    }
}
