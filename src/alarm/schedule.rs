//! Whose turn it is: every alarm with its row and its next turn, in memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use belfry_catalog::alarms::{AlarmDefinition, AlarmRow};
use belfry_model::{Tenant, TimestampMs, arn};

use crate::range::{Cadence, offset_ms, stable_hash};

/// An alarm among all tenants.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlarmKey {
    pub tenant: Tenant,
    pub name: String,
}

impl AlarmKey {
    pub fn of(row: &AlarmRow) -> Self {
        Self {
            tenant: row.tenant.clone(),
            name: row.definition.name().to_owned(),
        }
    }
}

/// How far after its evaluation instant an alarm has its turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffsetRule {
    /// By a hash of its ARN, from 5 to 25 s (spec alarms.md 3).
    #[default]
    Hashed,
    /// At the instant itself: for test clocks.
    None,
}

/// One alarm's turn: judge it as of `instant`.
#[derive(Clone, Debug)]
pub struct Turn {
    pub key: Arc<AlarmKey>,
    pub row: Arc<AlarmRow>,
    pub instant: TimestampMs,
    /// The lease that has to be held for it.
    pub bucket: u32,
}

struct Entry {
    row: Arc<AlarmRow>,
    cadence: Cadence,
    bucket: u32,
    due: TimestampMs,
}

/// All alarms and when each is due.
pub struct Schedule {
    offsets: OffsetRule,
    buckets: u32,
    entries: HashMap<Arc<AlarmKey>, Entry>,
    due: BTreeSet<(TimestampMs, Arc<AlarmKey>)>,
    /// All changes up to this version of the catalog are in here.
    version: u64,
}

impl Schedule {
    /// Empty. `buckets` is at least 1.
    pub fn new(offsets: OffsetRule, buckets: u32) -> Self {
        Self {
            offsets,
            buckets: buckets.max(1),
            entries: HashMap::new(),
            due: BTreeSet::new(),
            version: 0,
        }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// These rows are all alarms there are.
    pub fn replace_all(&mut self, rows: Vec<AlarmRow>, now: TimestampMs) {
        self.due.clear();
        let mut former = std::mem::take(&mut self.entries);
        for row in &rows {
            if let Some((key, entry)) = former.remove_entry(&AlarmKey::of(row)) {
                self.due.insert((entry.due, key.clone()));
                self.entries.insert(key, entry);
            }
        }
        self.catch_up(rows, now);
    }

    /// These rows are all that changed after [`Self::version`].
    pub fn catch_up(&mut self, rows: Vec<AlarmRow>, now: TimestampMs) {
        for row in rows {
            self.version = self.version.max(row.version);
            self.update(row, now);
        }
    }

    /// This row is new, or changed. Others may have changed before it: the version stays.
    pub fn update(&mut self, row: AlarmRow, now: TimestampMs) {
        let key = Arc::new(AlarmKey::of(&row));
        let known = self.entries.get(&key);
        let due = match known {
            Some(entry) if entry.row.version >= row.version => return,
            Some(entry) if entry.row.definition == row.definition => entry.due,
            _ => first_turn(self.cadence(&row), row.configured_at, now),
        };
        let key = self.remove(&key).unwrap_or(key);
        let entry = Entry {
            cadence: self.cadence(&row),
            bucket: self.bucket(&row),
            due,
            row: Arc::new(row),
        };
        self.due.insert((due, key.clone()));
        self.entries.insert(key, entry);
    }

    /// Forgets an alarm; returns its key as it was kept here.
    pub fn remove(&mut self, key: &AlarmKey) -> Option<Arc<AlarmKey>> {
        let (key, entry) = self.entries.remove_entry(key)?;
        self.due.remove(&(entry.due, key.clone()));
        Some(key)
    }

    /// Brings the alarm's next turn forward to `at`, if it is later.
    pub fn retry(&mut self, key: &Arc<AlarmKey>, at: TimestampMs) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.due > at
        {
            self.due.remove(&(entry.due, key.clone()));
            entry.due = at;
            self.due.insert((at, key.clone()));
        }
    }

    /// The earliest turn of any alarm.
    pub fn next_due(&self) -> Option<TimestampMs> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The buckets that have turns at or before `now`.
    pub fn buckets_due(&self, now: TimestampMs) -> BTreeSet<u32> {
        self.due
            .iter()
            .take_while(|(due, _)| *due <= now)
            .filter_map(|(_, key)| self.entries.get(key))
            .map(|entry| entry.bucket)
            .collect()
    }

    /// Takes all turns at or before `now`: of a turn that was missed, only the latest instant
    /// counts. Alarms of buckets that are not `owned` are put off to `retry_at`.
    pub fn take_due(
        &mut self,
        now: TimestampMs,
        owned: impl Fn(u32) -> bool,
        retry_at: TimestampMs,
    ) -> Vec<Turn> {
        let mut turns = Vec::new();
        while let Some((due, key)) = self.due.pop_first() {
            if due > now {
                self.due.insert((due, key));
                break;
            }
            let Some(entry) = self.entries.get_mut(&key) else {
                continue;
            };
            entry.due = if owned(entry.bucket) {
                turns.push(Turn {
                    key: key.clone(),
                    row: entry.row.clone(),
                    instant: entry.cadence.instant_at(now),
                    bucket: entry.bucket,
                });
                entry.cadence.turn_after(now)
            } else {
                // Never at or before `now`: this loop has to end.
                retry_at.max(now.saturating_add_ms(1))
            };
            self.due.insert((entry.due, key));
        }
        turns
    }

    fn cadence(&self, row: &AlarmRow) -> Cadence {
        let AlarmDefinition::Metric(alarm) = &row.definition;
        let offset_ms = match self.offsets {
            OffsetRule::Hashed => offset_ms(&arn::alarm(&row.tenant, &alarm.name)),
            OffsetRule::None => 0,
        };
        Cadence::of(alarm, offset_ms)
    }

    fn bucket(&self, row: &AlarmRow) -> u32 {
        let hash = stable_hash(&arn::alarm(&row.tenant, row.definition.name()));
        // The high half: the low one spreads the offsets.
        u32::try_from((hash >> 32) % u64::from(self.buckets)).unwrap_or_default()
    }
}

/// The latest turn, if it came after the definition: it may have been missed while nobody
/// watched, and judging it twice changes nothing. Else the next one.
fn first_turn(cadence: Cadence, configured_at: TimestampMs, now: TimestampMs) -> TimestampMs {
    let latest = cadence.turn_at(now);
    if latest > configured_at {
        latest
    } else {
        cadence.turn_after(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, at};
    use belfry_model::alarm::{AlarmState, AlarmStatus};

    fn row(name: &str, configured_at: TimestampMs, version: u64) -> AlarmRow {
        let mut alarm = sample::alarm();
        alarm.name = name.to_owned();
        AlarmRow {
            tenant: sample::tenant(),
            definition: AlarmDefinition::Metric(alarm),
            status: AlarmStatus {
                state: AlarmState::Ok,
                reason: String::new(),
                reason_data: None,
                updated_at: configured_at,
                transitioned_at: configured_at,
            },
            created_at: configured_at,
            configured_at,
            version,
        }
    }

    fn schedule() -> Schedule {
        Schedule::new(OffsetRule::None, 4)
    }

    #[test]
    fn a_new_alarm_waits_for_its_next_tick() {
        let mut schedule = schedule();
        let now = at("2026-03-01T00:00:00Z");
        schedule.update(row("a", now, 1), now);
        assert_eq!(schedule.next_due(), Some(at("2026-03-01T00:01:00Z")));
        let later = at("2026-03-01T00:01:30Z");
        let turns = schedule.take_due(later, |_| true, later);
        assert_eq!(turns.len(), 1);
        assert_eq!(turns[0].instant, at("2026-03-01T00:01:00Z"));
        assert_eq!(schedule.next_due(), Some(at("2026-03-01T00:02:00Z")));
        assert!(schedule.take_due(later, |_| true, later).is_empty());
    }

    #[test]
    fn an_old_alarm_is_caught_up_with_at_once() {
        let mut schedule = schedule();
        let now = at("2026-03-01T10:00:40Z");
        schedule.replace_all(vec![row("a", at("2026-03-01T00:00:00Z"), 1)], now);
        assert_eq!(schedule.next_due(), Some(at("2026-03-01T10:00:00Z")));
    }

    #[test]
    fn status_changes_keep_the_turn_definitions_move_it() {
        let mut schedule = schedule();
        let start = at("2026-03-01T00:00:00Z");
        schedule.update(row("a", start, 1), start);
        let mut changed = row("a", start, 2);
        changed.status.state = AlarmState::Alarm;
        schedule.update(changed, at("2026-03-01T00:03:30Z"));
        assert_eq!(schedule.next_due(), Some(at("2026-03-01T00:01:00Z")));
        assert_eq!(schedule.version(), 0, "what came before it is not known");

        let mut redefined = row("a", at("2026-03-01T00:03:30Z"), 3);
        let AlarmDefinition::Metric(alarm) = &mut redefined.definition;
        alarm.threshold = 1.0;
        schedule.update(redefined, at("2026-03-01T00:03:30Z"));
        assert_eq!(schedule.next_due(), Some(at("2026-03-01T00:04:00Z")));
        // Older news changes nothing.
        schedule.update(row("a", start, 2), at("2026-03-01T00:03:30Z"));
        assert_eq!(schedule.next_due(), Some(at("2026-03-01T00:04:00Z")));
        assert_eq!(schedule.len(), 1);
    }

    #[test]
    fn what_is_gone_has_no_turn() {
        let mut schedule = schedule();
        let now = at("2026-03-01T00:00:00Z");
        schedule.replace_all(vec![row("a", now, 1), row("b", now, 2)], now);
        schedule.replace_all(vec![row("b", now, 2)], now);
        assert_eq!(schedule.version(), 2);
        let later = at("2026-03-01T00:01:00Z");
        let turns = schedule.take_due(later, |_| true, later);
        let names: Vec<&str> = turns.iter().map(|turn| turn.key.name.as_str()).collect();
        assert_eq!(names, ["b"]);
    }

    #[test]
    fn turns_of_others_are_put_off() {
        let mut schedule = schedule();
        let now = at("2026-03-01T00:00:00Z");
        schedule.update(row("a", now, 1), now);
        let due = at("2026-03-01T00:01:00Z");
        assert_eq!(schedule.buckets_due(due).len(), 1);
        let retry_at = at("2026-03-01T00:01:10Z");
        assert!(schedule.take_due(due, |_| false, retry_at).is_empty());
        assert_eq!(schedule.next_due(), Some(retry_at));
        // Once it is ours, the instant that was missed is judged.
        let turns = schedule.take_due(retry_at, |_| true, retry_at);
        assert_eq!(turns[0].instant, due);
    }
}
