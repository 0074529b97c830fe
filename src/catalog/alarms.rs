//! Alarm definitions, their states, their history.

use async_trait::async_trait;
use belfry_model::alarm::{AlarmStatus, MetricAlarm};
use belfry_model::{Tenant, TimestampMs};
use serde::{Deserialize, Serialize};

use crate::Page;
use crate::error::Result;
use crate::outbox::NewOutboxRow;

/// The definition, by kind. Kinds that are not evaluated yet are not storable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AlarmDefinition {
    Metric(MetricAlarm),
}

impl AlarmDefinition {
    pub fn name(&self) -> &str {
        match self {
            Self::Metric(alarm) => &alarm.name,
        }
    }

    /// Whether an action of any state begins with `prefix`.
    pub fn has_action(&self, prefix: &str) -> bool {
        match self {
            Self::Metric(alarm) => alarm
                .ok_actions
                .iter()
                .chain(&alarm.alarm_actions)
                .chain(&alarm.insufficient_data_actions)
                .any(|action| action.starts_with(prefix)),
        }
    }

    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Metric(_) => "MetricAlarm",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlarmRow {
    pub tenant: Tenant,
    pub definition: AlarmDefinition,
    pub status: AlarmStatus,
    pub created_at: TimestampMs,
    /// When the configuration last changed (`AlarmConfigurationUpdatedTimestamp`).
    pub configured_at: TimestampMs,
    /// Grows with every change of definition or status: the key of compare-and-set. Never
    /// used twice, not even by an alarm that is deleted and created again under its name.
    pub version: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HistoryItemType {
    ConfigurationUpdate,
    StateUpdate,
    Action,
}

impl HistoryItemType {
    pub const ALL: &'static [Self] = &[Self::ConfigurationUpdate, Self::StateUpdate, Self::Action];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|item| item.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfigurationUpdate => "ConfigurationUpdate",
            Self::StateUpdate => "StateUpdate",
            Self::Action => "Action",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlarmHistoryItem {
    pub tenant: Tenant,
    pub alarm_name: String,
    /// `MetricAlarm` or `CompositeAlarm`.
    pub alarm_type: String,
    pub timestamp: TimestampMs,
    pub item_type: HistoryItemType,
    pub summary: String,
    /// JSON text, at most 4,095 characters.
    pub data: String,
}

#[derive(Clone, Debug, Default)]
pub struct HistoryFilter {
    pub alarm_name: Option<String>,
    pub alarm_types: Vec<String>,
    pub item_type: Option<HistoryItemType>,
    /// Both inclusive.
    pub start: Option<TimestampMs>,
    pub end: Option<TimestampMs>,
    pub ascending: bool,
}

#[derive(Clone, Debug, Default)]
pub struct AlarmFilter {
    /// Exactly these; empty means all.
    pub names: Vec<String>,
    pub prefix: Option<String>,
    pub state: Option<belfry_model::alarm::AlarmState>,
    /// An action of any state begins with this.
    pub action_prefix: Option<String>,
}

/// A change of an alarm's status together with all that must happen with it.
#[derive(Clone, Debug)]
pub struct AlarmTransition {
    pub tenant: Tenant,
    pub name: String,
    /// The version this decision was made on.
    pub expected_version: u64,
    pub status: AlarmStatus,
    pub history: Vec<AlarmHistoryItem>,
    pub outbox: Vec<NewOutboxRow>,
}

#[async_trait]
pub trait AlarmCatalog: Send + Sync {
    /// Creates, or replaces the definition and keeps the status. `tags` count only on
    /// creation. `history` is built from the row that is replaced, if there is one.
    ///
    /// `expected_version` guards that decision: `Some(0)` demands that there is no such alarm
    /// yet, `Some(n)` that the row still has version `n`, `None` demands nothing.
    ///
    /// # Errors
    /// `Conflict` if the row has another version than expected, `NotFound` if it is gone;
    /// `Unstorable` for a definition with a number that is none.
    #[allow(clippy::too_many_arguments)]
    async fn put_alarm(
        &self,
        tenant: &Tenant,
        definition: AlarmDefinition,
        initial: AlarmStatus,
        tags: Vec<(String, String)>,
        history: AlarmHistoryItem,
        expected_version: Option<u64>,
        now: TimestampMs,
    ) -> Result<AlarmRow>;
    async fn alarm(&self, tenant: &Tenant, name: &str) -> Result<Option<AlarmRow>>;
    /// In order of name, after the name `after`.
    async fn alarms(
        &self,
        tenant: &Tenant,
        filter: &AlarmFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<AlarmRow>>;
    /// Every alarm of every tenant: what the evaluator watches.
    async fn all_alarms(&self) -> Result<Vec<AlarmRow>>;
    /// A number that grows with every change to any definition, so that a cache knows when
    /// it is stale without reading all rows.
    async fn alarms_generation(&self) -> Result<u64>;
    /// Those whose definition or status changed after `version` was the newest, in order of
    /// their versions: what a cache has missed. Deletions show in `alarms_generation` only.
    async fn alarms_changed_after(&self, version: u64) -> Result<Vec<AlarmRow>>;
    /// Deletes those that exist, with their tags, and records the `history` of those: items
    /// that name an alarm which was not there to be deleted are dropped.
    async fn delete_alarms(
        &self,
        tenant: &Tenant,
        names: &[String],
        history: Vec<AlarmHistoryItem>,
    ) -> Result<()>;
    /// Compare-and-set on the version; status, history and outbox in one transaction.
    /// Returns the new version.
    ///
    /// # Errors
    /// `Conflict` if the version moved on; `NotFound` if the alarm is gone.
    async fn transition_alarm(&self, transition: AlarmTransition) -> Result<u64>;

    async fn append_alarm_history(&self, items: Vec<AlarmHistoryItem>) -> Result<()>;
    /// By time, newest first unless `filter.ascending`; `after` is the opaque `next_after` of
    /// the page before.
    async fn alarm_history(
        &self,
        tenant: &Tenant,
        filter: &HistoryFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<AlarmHistoryItem>>;
    /// Drops history older than `before`, in several transactions when there is much.
    /// Returns how many items went.
    async fn trim_alarm_history(&self, before: TimestampMs) -> Result<u64>;
}
