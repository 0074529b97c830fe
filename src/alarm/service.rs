//! Changing alarms: what PutMetricAlarm, SetAlarmState, EnableAlarmActions,
//! DisableAlarmActions and DeleteAlarms do after their input was checked.

use std::sync::Arc;

use belfry_catalog::AlarmCatalog;
use belfry_catalog::alarms::{AlarmDefinition, AlarmRow};
use belfry_model::alarm::{AlarmState, AlarmStatus, MetricAlarm};
use belfry_model::{Clock, Tenant, TimestampMs};
use serde_json::value::RawValue;

use crate::changes::AlarmChanges;
use crate::definition;
use crate::error::{Error, Result};
use crate::history::{self, Configured};
use crate::reason::INITIAL;
use crate::transition::{ActionSettings, transition};

/// How often a change is tried again when others change the same alarm at the same time.
const ATTEMPTS_MAX: usize = 8;

/// The one writer of alarm definitions. Changes count from the alarm's next turn on.
pub struct AlarmService<C: ?Sized> {
    clock: Arc<dyn Clock>,
    settings: ActionSettings,
    changes: Arc<AlarmChanges>,
    catalog: Arc<C>,
}

impl<C: AlarmCatalog + ?Sized> AlarmService<C> {
    pub fn new(catalog: Arc<C>, clock: Arc<dyn Clock>, settings: ActionSettings) -> Self {
        Self {
            clock,
            settings,
            changes: Arc::default(),
            catalog,
        }
    }

    /// What this service changes, for the runner of the same process.
    pub fn changes(&self) -> Arc<AlarmChanges> {
        self.changes.clone()
    }

    /// Creates the alarm in INSUFFICIENT_DATA, or replaces its whole configuration and leaves
    /// its state; `tags` count on creation only (spec alarms.md 2).
    ///
    /// # Errors
    /// `Definition` if a rule of spec alarms.md 2 is broken, `Contended`, `Catalog`.
    pub async fn put_alarm(
        &self,
        tenant: &Tenant,
        alarm: MetricAlarm,
        tags: Vec<(String, String)>,
    ) -> Result<AlarmRow> {
        definition::validate(&alarm)?;
        for _ in 0..ATTEMPTS_MAX {
            let known = self.catalog.alarm(tenant, &alarm.name).await?;
            let put = self.put_over(tenant, &alarm, tags.clone(), known.as_ref());
            if let Some(row) = unless_changed(put.await)? {
                self.changes.note();
                return Ok(row);
            }
        }
        Err(Error::Contended { name: alarm.name })
    }

    async fn put_over(
        &self,
        tenant: &Tenant,
        alarm: &MetricAlarm,
        tags: Vec<(String, String)>,
        known: Option<&AlarmRow>,
    ) -> Result<AlarmRow, belfry_catalog::Error> {
        let now = self.clock.now();
        let new = Configured { alarm, at: now };
        let item = match known {
            Some(row) => history::updated(tenant, configured(row), new),
            None => history::created(tenant, new),
        };
        let initial = AlarmStatus {
            state: AlarmState::InsufficientData,
            reason: INITIAL.to_owned(),
            reason_data: None,
            updated_at: now,
            transitioned_at: now,
        };
        self.catalog
            .put_alarm(
                tenant,
                AlarmDefinition::Metric(alarm.clone()),
                initial,
                tags,
                item,
                Some(known.map_or(0, |row| row.version)),
                now,
            )
            .await
    }

    /// Sets the state by hand; the next evaluation may set it back. Another state is a
    /// transition with all that belongs to it; the same one changes the reason only (spec
    /// alarms.md 7). `reason_data` is any JSON, kept as it is spelled.
    ///
    /// # Errors
    /// `NoSuchAlarm`, `ReasonDataNotJson`, `Contended`, `Catalog`.
    pub async fn set_alarm_state(
        &self,
        tenant: &Tenant,
        name: &str,
        state: AlarmState,
        reason: String,
        reason_data: Option<String>,
    ) -> Result<()> {
        if let Some(text) = &reason_data {
            serde_json::from_str::<&RawValue>(text).map_err(|error| Error::ReasonDataNotJson {
                why: error.to_string(),
            })?;
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some(row) = self.catalog.alarm(tenant, name).await? else {
                break;
            };
            let now = self.clock.now();
            let status = AlarmStatus {
                state,
                reason: reason.clone(),
                reason_data: reason_data.clone(),
                updated_at: now,
                transitioned_at: transitioned_at(&row.status, state, now),
            };
            let change = transition(&self.settings, &row, status)?;
            if unless_changed(self.catalog.transition_alarm(change).await)?.is_some() {
                self.changes.note();
                return Ok(());
            }
        }
        match self.catalog.alarm(tenant, name).await? {
            None => Err(Error::NoSuchAlarm {
                name: name.to_owned(),
            }),
            Some(_) => Err(Error::Contended {
                name: name.to_owned(),
            }),
        }
    }

    /// Enables or disables the actions of those of `names` that exist.
    ///
    /// # Errors
    /// `Contended`, `Catalog`; alarms before the one that failed are changed.
    pub async fn set_actions_enabled(
        &self,
        tenant: &Tenant,
        names: &[String],
        enabled: bool,
    ) -> Result<()> {
        for name in names {
            self.set_actions_enabled_of(tenant, name, enabled).await?;
        }
        Ok(())
    }

    async fn set_actions_enabled_of(
        &self,
        tenant: &Tenant,
        name: &str,
        enabled: bool,
    ) -> Result<()> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(row) = self.catalog.alarm(tenant, name).await? else {
                return Ok(());
            };
            let AlarmDefinition::Metric(alarm) = &row.definition;
            if alarm.actions_enabled == enabled {
                return Ok(());
            }
            let mut changed = alarm.clone();
            changed.actions_enabled = enabled;
            let put = self.put_over(tenant, &changed, Vec::new(), Some(&row));
            if unless_changed(put.await)?.is_some() {
                self.changes.note();
                return Ok(());
            }
        }
        Err(Error::Contended {
            name: name.to_owned(),
        })
    }

    /// Deletes those of `names` that exist; their history stays.
    ///
    /// # Errors
    /// `Catalog`; then none is deleted.
    pub async fn delete_alarms(&self, tenant: &Tenant, names: &[String]) -> Result<()> {
        let now = self.clock.now();
        let mut items = Vec::with_capacity(names.len());
        let mut known = Vec::with_capacity(names.len());
        for name in names {
            if known.contains(name) {
                continue;
            }
            if let Some(row) = self.catalog.alarm(tenant, name).await? {
                items.push(history::deleted(tenant, configured(&row), now));
                known.push(name.clone());
            }
        }
        if known.is_empty() {
            return Ok(());
        }
        self.catalog.delete_alarms(tenant, &known, items).await?;
        self.changes.note();
        Ok(())
    }
}

/// When the state's value last moved, if it is `state` from `now` on.
pub(crate) fn transitioned_at(
    old: &AlarmStatus,
    state: AlarmState,
    now: TimestampMs,
) -> TimestampMs {
    if old.state == state {
        old.transitioned_at
    } else {
        now
    }
}

fn configured(row: &AlarmRow) -> Configured<'_> {
    let AlarmDefinition::Metric(alarm) = &row.definition;
    Configured {
        alarm,
        at: row.configured_at,
    }
}

/// `None` if the alarm was changed, created or deleted since it was read: read it again.
fn unless_changed<T>(outcome: Result<T, belfry_catalog::Error>) -> Result<Option<T>> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(belfry_catalog::Error::Conflict { .. } | belfry_catalog::Error::NotFound { .. }) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
