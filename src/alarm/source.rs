//! Where datapoints come from: the one door from the runner to the metrics.

use std::collections::HashMap;
use std::error::Error as StdError;

use async_trait::async_trait;
use belfry_model::alarm::MetricAlarm;
use belfry_model::{MetricId, Statistic, Tenant, TimestampMs, Unit};

use crate::range::Window;
use crate::verdict::Datapoint;

/// The datapoints of one alarm at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadRequest {
    pub tenant: Tenant,
    pub metric: MetricId,
    pub statistic: Statistic,
    /// Only data of this unit; `None`: whatever its unit.
    pub unit: Option<Unit>,
    /// Slots need not lie on multiples of their period: they slide by the minute.
    pub window: Window,
}

impl ReadRequest {
    pub fn of(tenant: &Tenant, alarm: &MetricAlarm, window: Window) -> Self {
        Self {
            tenant: tenant.clone(),
            metric: alarm.metric.clone(),
            statistic: alarm.statistic.clone(),
            unit: alarm.unit,
            window,
        }
    }
}

/// By start of their slot; slots without data are absent.
pub type Datapoints = HashMap<TimestampMs, Datapoint>;

/// Why a read failed, for the log: the alarm keeps its state.
pub type ReadError = Box<dyn StdError + Send + Sync>;

/// Reads metrics for alarms.
#[async_trait]
pub trait DatapointSource: Send + Sync {
    /// One answer for each request, in their order. All requests of a call are read from one
    /// snapshot, so that alarms of one tick share scans. [`Datapoint::sample_count`] is the
    /// number of samples in the slot, whatever the statistic.
    async fn read(&self, requests: &[ReadRequest]) -> Vec<Result<Datapoints, ReadError>>;
}
