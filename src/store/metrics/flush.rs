//! Head to blocks: freeze, build, store, publish with the checkpoint, forget.
//!
//! A crash before the publication leaves orphans, and the log replays; a crash after it finds
//! the checkpoint in the same transaction. A failure leaves the frozen head readable, and the next
//! flush tries again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use belfry_catalog::objects::{ObjectKind, ObjectRow};
use belfry_model::{StatisticSet, Tenant, TimestampMs, Unit};
use bytes::Bytes;
use parking_lot::RwLock;
use serde_json::json;

use super::block::{BlockWriter, BuiltBlock, Effort};
use super::calls_record;
use super::config::MetricsConfig;
use super::head::{Head, Series};
use super::live::FrozenHead;
use super::store::{Inner, KIND_INVOCATIONS, MetricsStore, blocking};
use super::tier::{Retention, Tier};
use crate::error::Result;
use crate::failpoint;

impl MetricsStore {
    /// Turns all heads into published blocks. What was put before the call is in blocks after it.
    pub async fn flush(&self) -> Result<()> {
        self.inner.flush().await
    }

    /// When [`MetricsStore::run_due`] has something to do.
    pub fn next_due(&self) -> TimestampMs {
        let inner = &self.inner;
        let maintained_at = inner.maintained_at.load(Ordering::Relaxed);
        let maintain_at = maintained_at.saturating_add(inner.config.maintenance_every_ms);
        inner.flush_due().min(TimestampMs(maintain_at))
    }

    /// Does what is due at `now`: flushes a head that is old, compacts, drops what outlived its
    /// retention, sweeps. The first error ends the run; the next run tries again.
    pub async fn run_due(&self, now: TimestampMs) -> Result<()> {
        let inner = &self.inner;
        if inner.flush_due() <= now {
            inner.flush().await?;
        }
        let maintained_at = inner.maintained_at.load(Ordering::Relaxed);
        if maintained_at.saturating_add(inner.config.maintenance_every_ms) <= now.0 {
            inner.maintained_at.store(now.0, Ordering::Relaxed);
            inner.compact(now).await?;
            inner.drop_expired(now).await?;
            inner.sweep_removed(now).await?;
        }
        let swept_at = inner.orphans_swept_at.load(Ordering::Relaxed);
        if swept_at.saturating_add(inner.config.orphan_age_ms) <= now.0 {
            inner.orphans_swept_at.store(now.0, Ordering::Relaxed);
            inner.sweep_orphans(now).await?;
        }
        Ok(())
    }
}

impl Inner {
    /// When the head is old; at once for one whose flush failed, after a pause.
    fn flush_due(&self) -> TimestampMs {
        if !self.state.read().frozen.is_empty() {
            return self.backoff.until();
        }
        let since = self.head_since.load(Ordering::Relaxed);
        let due = TimestampMs(since.saturating_add(self.config.flush_age_ms));
        due.max(self.backoff.until())
    }

    pub(super) async fn flush(self: &Arc<Self>) -> Result<()> {
        let _one = self.flushing.lock().await;
        self.flush_wanted.store(false, Ordering::Release);
        let flushed = self.flush_heads().await;
        match &flushed {
            Ok(()) => self.backoff.succeeded(),
            Err(_) => self.backoff.failed(self.clock.now()),
        }
        flushed
    }

    async fn flush_heads(self: &Arc<Self>) -> Result<()> {
        self.settle_publications().await?;
        // What an earlier flush left first, so that failures do not pile up frozen heads.
        self.publish_frozen().await?;
        self.freeze().await;
        self.publish_frozen().await
    }

    async fn publish_frozen(self: &Arc<Self>) -> Result<()> {
        let frozen = self.state.read().frozen.clone();
        for head in frozen {
            if !head.calls_written.load(Ordering::Acquire) {
                let (calls, now) = (self.calls.clone(), self.clock.now());
                let records = blocking(move || {
                    let remembered = calls.remembered(now);
                    let records = remembered.iter().map(calls_record::encode);
                    Ok(records.map(Bytes::from).collect())
                });
                let records = records.await?;
                self.wal.append_all(KIND_INVOCATIONS, records).await?;
                head.calls_written.store(true, Ordering::Release);
            }
            self.publish_head(&head).await?;
        }
        Ok(())
    }

    /// Puts an empty head in the place of the active one.
    async fn freeze(&self) {
        let _no_put_under_way = self.put_gate.write().await;
        let mut state = self.state.write();
        if state.active.read().samples() == 0 {
            return;
        }
        let head = std::mem::replace(&mut state.active, Arc::new(RwLock::new(Head::default())));
        state.frozen.push(Arc::new(FrozenHead {
            head,
            checkpoint: self.wal.next_lsn(),
            calls_written: AtomicBool::new(false),
        }));
        self.head_since.store(i64::MAX, Ordering::Relaxed);
    }

    async fn publish_head(self: &Arc<Self>, frozen: &Arc<FrozenHead>) -> Result<()> {
        let built = {
            let (head, now, config) = (Arc::clone(&frozen.head), self.clock.now(), self.config);
            blocking(move || build_blocks(&head.read(), now, &config)).await?
        };
        failpoint::hit("metrics.before_object_put");
        let mut rows = Vec::new();
        for (tenant, block) in built {
            match self.store_block(tenant, 0, block).await {
                Ok(row) => rows.push(row),
                Err(error) => {
                    self.discard(rows.iter().map(|r| r.id)).await;
                    return Err(error);
                }
            }
        }
        failpoint::hit("metrics.before_publish");
        self.publish(rows, Vec::new(), Some(frozen.checkpoint))
            .await?;
        failpoint::hit("metrics.after_publish");
        let (inner, checkpoint) = (Arc::clone(self), frozen.checkpoint);
        blocking(move || inner.wal.truncate_before(checkpoint)).await?;
        failpoint::hit("metrics.after_wal_truncate");
        Ok(())
    }

    /// Stores a block's bytes; the row to publish.
    pub(super) async fn store_block(
        &self,
        tenant: Tenant,
        level: u32,
        block: BuiltBlock,
    ) -> Result<ObjectRow> {
        let id = self.new_id()?;
        let BuiltBlock {
            parts,
            summary,
            bytes,
        } = block;
        self.objects
            .put(ObjectKind::MetricsBlock, id, parts)
            .await?;
        Ok(ObjectRow {
            id,
            kind: ObjectKind::MetricsBlock,
            tenant,
            level,
            retention_class: summary.tier.as_str().to_owned(),
            min_ts: summary.min_ts,
            max_ts: summary.max_ts,
            rows: summary.samples,
            bytes,
            created_at: self.clock.now(),
            meta: json!({ "series": summary.series }),
        })
    }
}

/// The blocks of a head: one for each tenant, tier and partition of time.
fn build_blocks(
    head: &Head,
    now: TimestampMs,
    config: &MetricsConfig,
) -> Result<Vec<(Tenant, BuiltBlock)>> {
    let mut built = Vec::new();
    for (tenant, head) in head.tenants() {
        let mut series: Vec<(&[u8], &Series)> = head.series().collect();
        series.sort_unstable_by_key(|(key, _)| *key);
        let mut writers: BTreeMap<Partition, BlockWriter> = BTreeMap::new();
        for (key, series) in series {
            for ((partition, unit), samples) in split(series, now, &config.retention) {
                let writer = writers
                    .entry(partition)
                    .or_insert_with(|| BlockWriter::new(partition.tier, Effort::Flush));
                writer.start_series(key)?;
                samples.write(writer, unit)?;
            }
        }
        for (_, writer) in writers {
            built.extend(writer.finish()?.map(|block| (tenant.clone(), block)));
        }
    }
    Ok(built)
}

/// What one block holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Partition {
    pub tier: Tier,
    pub start: TimestampMs,
}

impl Partition {
    /// Where a sample goes that was sent to `tier` and is `now` of a certain age: data that is
    /// older than its tier keeps goes to the next one at once.
    fn of(mut tier: Tier, at: TimestampMs, now: TimestampMs, retention: &Retention) -> Self {
        while let Some(coarser) = tier.coarser()
            && now - at > retention.of(tier)
        {
            tier = coarser;
        }
        Self {
            tier,
            start: retention.partition_of(tier, at),
        }
    }
}

/// Samples of one series and unit, by time; equal times are added on writing.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub singles: Vec<(i64, f64)>,
    pub sets: Vec<(i64, StatisticSet)>,
}

/// A series' samples, by partition and unit.
fn split(
    series: &Series,
    now: TimestampMs,
    retention: &Retention,
) -> BTreeMap<(Partition, Unit), Samples> {
    let mut split: BTreeMap<(Partition, Unit), Samples> = BTreeMap::new();
    for part in &series.parts {
        let partition_of = |at| Partition::of(part.tier, at, now, retention);
        // Neighbours mostly share a partition: look it up once a run.
        for run in part
            .singles
            .chunk_by(|a, b| partition_of(a.0) == partition_of(b.0))
        {
            let Some((first, _)) = run.first() else {
                continue;
            };
            let partition = partition_of(*first);
            let samples = split.entry((partition, part.unit)).or_default();
            let step_ms = partition.tier.resolution_ms();
            let floored = run.iter().map(|(at, v)| (at.floor_to(step_ms).0, *v));
            samples.singles.extend(floored);
        }
        for (at, set) in &part.sets {
            let partition = partition_of(*at);
            let samples = split.entry((partition, part.unit)).or_default();
            let at = at.floor_to(partition.tier.resolution_ms());
            samples.sets.push((at.0, set.clone()));
        }
    }
    split
}

impl Samples {
    pub(super) fn memory_bytes(&self) -> usize {
        let lists: usize = self.sets.iter().map(|(_, set)| set.heap_bytes()).sum();
        self.singles.capacity() * size_of::<(i64, f64)>()
            + self.sets.capacity() * size_of::<(i64, StatisticSet)>()
            + lists
    }

    /// Adds the samples to the series begun last: as plain values if every time has one value
    /// of weight 1, else as statistic sets.
    pub(super) fn write(mut self, writer: &mut BlockWriter, unit: Unit) -> Result<()> {
        // Stable: equal times are added in order of arrival.
        self.singles.sort_by_key(|(time, _)| *time);
        let plain = self.sets.is_empty() && self.singles.is_sorted_by(|a, b| a.0 < b.0);
        if plain {
            let (times, values): (Vec<i64>, Vec<f64>) = self.singles.into_iter().unzip();
            return writer.push_singles(unit, &times, &values);
        }
        self.sets.sort_by_key(|(time, _)| *time);
        let (times, sets) = self.added();
        let singles: Option<Vec<f64>> = sets.iter().map(StatisticSet::as_single_sample).collect();
        match singles {
            Some(values) => writer.push_singles(unit, &times, &values),
            None => writer.push_sets(unit, &times, &sets),
        }
    }

    /// One set for each time. Both lists are sorted.
    fn added(self) -> (Vec<i64>, Vec<StatisticSet>) {
        let mut times: Vec<i64> = Vec::new();
        let mut added: Vec<StatisticSet> = Vec::new();
        let mut sets = self.sets.into_iter().peekable();
        let mut values = Vec::new();
        let mut push = |time: i64, set: StatisticSet| match added.last_mut() {
            Some(last) if times.last() == Some(&time) => last.merge(&set),
            _ => {
                times.push(time);
                added.push(set);
            }
        };
        for run in self.singles.chunk_by(|a, b| a.0 == b.0) {
            let time = run.first().map_or(i64::MAX, |(time, _)| *time);
            while let Some((time, set)) = sets.next_if(|(t, _)| *t < time) {
                push(time, set);
            }
            values.clear();
            values.extend(run.iter().map(|(_, value)| *value));
            push(time, StatisticSet::from_values(&values, None));
        }
        for (time, set) in sets {
            push(time, set);
        }
        (times, added)
    }
}
