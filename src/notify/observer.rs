//! What happens to messages, told as it happens: the source of the `AWS/SNS` metrics and of
//! delivery status logs (spec notifications.md 11, 12).

use std::collections::{BTreeMap, VecDeque};

use belfry_model::{Tenant, TimestampMs};
use parking_lot::Mutex;

use crate::filter;

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    Delivered,
    /// Failed; another attempt follows.
    Retrying,
    /// Failed for good.
    Failed,
}

/// One attempt at one delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryReport {
    pub tenant: Tenant,
    pub topic_arn: String,
    pub subscription_arn: String,
    pub protocol: String,
    /// With passwords masked.
    pub destination: String,
    pub message_id: String,
    pub at: TimestampMs,
    /// This one included.
    pub attempts: u32,
    /// From publishing to the end of this attempt.
    pub dwell_ms: i64,
    /// The HTTP status or the SMTP reply code, if there was an answer.
    pub status_code: Option<u16>,
    /// The beginning of the answer, or what went wrong.
    pub detail: String,
    pub status: DeliveryStatus,
    /// The queue that should have got the message after it failed for good.
    pub dead_letter_target: Option<String>,
}

/// Told of each step. Implementations return at once: deliveries wait for them.
pub trait NotifyObserver: Send + Sync {
    fn published(&self, tenant: &Tenant, topic_arn: &str, bytes: usize);
    fn filtered(&self, tenant: &Tenant, topic_arn: &str, outcome: filter::Outcome);
    fn attempted(&self, report: &DeliveryReport);
}

/// Listens to nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoObserver;

impl NotifyObserver for NoObserver {
    fn published(&self, _: &Tenant, _: &str, _: usize) {}
    fn filtered(&self, _: &Tenant, _: &str, _: filter::Outcome) {}
    fn attempted(&self, _: &DeliveryReport) {}
}

/// The spec's figure (notifications.md 12).
const REPORTS_PER_SUBSCRIPTION_MAX: usize = 100;
/// Ours: subscriptions remembered at one time.
const SUBSCRIPTIONS_MAX: usize = 1_000;

/// Remembers the last attempts of each subscription and passes everything on.
pub struct RecentDeliveries<O> {
    next: O,
    reports: Mutex<BTreeMap<String, VecDeque<DeliveryReport>>>,
}

impl<O: NotifyObserver> RecentDeliveries<O> {
    pub fn new(next: O) -> Self {
        Self {
            next,
            reports: Mutex::default(),
        }
    }

    /// Oldest first.
    pub fn of_subscription(&self, arn: &str) -> Vec<DeliveryReport> {
        let reports = self.reports.lock();
        reports.get(arn).into_iter().flatten().cloned().collect()
    }
}

impl<O: NotifyObserver> NotifyObserver for RecentDeliveries<O> {
    fn published(&self, tenant: &Tenant, topic_arn: &str, bytes: usize) {
        self.next.published(tenant, topic_arn, bytes);
    }

    fn filtered(&self, tenant: &Tenant, topic_arn: &str, outcome: filter::Outcome) {
        self.next.filtered(tenant, topic_arn, outcome);
    }

    fn attempted(&self, report: &DeliveryReport) {
        {
            let mut all = self.reports.lock();
            if all.len() >= SUBSCRIPTIONS_MAX && !all.contains_key(&report.subscription_arn) {
                let quietest = all
                    .iter()
                    .min_by_key(|(_, reports)| reports.back().map(|r| r.at))
                    .map(|(arn, _)| arn.clone());
                if let Some(arn) = quietest {
                    all.remove(&arn);
                }
            }
            let reports = all.entry(report.subscription_arn.clone()).or_default();
            if reports.len() >= REPORTS_PER_SUBSCRIPTION_MAX {
                reports.pop_front();
            }
            reports.push_back(report.clone());
        }
        self.next.attempted(report);
    }
}
