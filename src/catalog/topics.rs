//! Topics and subscriptions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs};
use serde::{Deserialize, Serialize};

use crate::Page;
use crate::error::Result;
use crate::outbox::NewOutboxRow;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicRow {
    pub arn: String,
    pub tenant: Tenant,
    pub name: String,
    /// As set by the caller, by AWS's attribute name.
    pub attributes: BTreeMap<String, String>,
    pub created_at: TimestampMs,
    /// How many subscriptions were deleted since creation.
    pub subscriptions_deleted: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionRow {
    pub arn: String,
    pub topic_arn: String,
    pub tenant: Tenant,
    /// `http`, `https`, `email`, `email-json`, ...
    pub protocol: String,
    pub endpoint: String,
    pub attributes: BTreeMap<String, String>,
    pub confirmed: bool,
    pub confirmation_was_authenticated: bool,
    pub authenticate_on_unsubscribe: bool,
    /// SHA-256 of the newest confirmation token, hex.
    pub token_hash: Option<String>,
    pub token_expires_at: Option<TimestampMs>,
    pub created_at: TimestampMs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionCounts {
    pub confirmed: u64,
    pub pending: u64,
}

/// How many subscriptions may have the attribute `FilterPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterPolicyLimits {
    pub of_topic: u64,
    /// In all regions.
    pub of_account: u64,
}

#[async_trait]
pub trait TopicCatalog: Send + Sync {
    /// # Errors
    /// `AlreadyExists`.
    async fn create_topic(&self, topic: TopicRow, tags: Vec<(String, String)>) -> Result<()>;
    async fn topic(&self, arn: &str) -> Result<Option<TopicRow>>;
    /// In order of ARN.
    async fn topics(
        &self,
        tenant: &Tenant,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<TopicRow>>;
    /// `None` removes the attribute.
    ///
    /// # Errors
    /// `NotFound`.
    async fn set_topic_attribute(&self, arn: &str, name: &str, value: Option<&str>) -> Result<()>;
    /// Sets the attribute to `changed` if it still is what was `read`, so that of two changes
    /// at once none is lost.
    ///
    /// # Errors
    /// `Conflict` if it changed meanwhile, `NotFound`.
    async fn replace_topic_attribute(
        &self,
        arn: &str,
        name: &str,
        read: Option<&str>,
        changed: &str,
    ) -> Result<()>;
    /// With subscriptions and tags. Unknown topics are no error.
    async fn delete_topic(&self, arn: &str) -> Result<()>;
    async fn subscription_counts(&self, topic_arn: &str) -> Result<SubscriptionCounts>;

    /// Creates or replaces the row, together with outbox rows (confirmation messages).
    /// To change what was read before, see `replace_subscription`.
    ///
    /// # Errors
    /// `NotFound` if the topic is gone; `AlreadyExists` if another subscription (ARN) of the
    /// topic has this protocol and endpoint; `LimitExceeded` if it brings a filter policy
    /// beyond the limits. One that has a policy already may keep or change it.
    async fn put_subscription(
        &self,
        subscription: SubscriptionRow,
        limits: FilterPolicyLimits,
        outbox: Vec<NewOutboxRow>,
    ) -> Result<()>;
    /// Replaces `read` by `changed` (of the same ARN and topic) if the row is still as it was
    /// read, so that of two changes at once (confirm, set an attribute) none is lost.
    ///
    /// # Errors
    /// `Conflict` if it changed meanwhile, `NotFound` if it is gone, `LimitExceeded` as for
    /// `put_subscription`.
    async fn replace_subscription(
        &self,
        read: &SubscriptionRow,
        changed: SubscriptionRow,
        limits: FilterPolicyLimits,
        outbox: Vec<NewOutboxRow>,
    ) -> Result<()>;
    async fn subscription(&self, arn: &str) -> Result<Option<SubscriptionRow>>;
    async fn subscription_by_endpoint(
        &self,
        topic_arn: &str,
        protocol: &str,
        endpoint: &str,
    ) -> Result<Option<SubscriptionRow>>;
    async fn subscription_by_token(
        &self,
        topic_arn: &str,
        token_hash: &str,
    ) -> Result<Option<SubscriptionRow>>;
    /// In order of ARN.
    async fn subscriptions(
        &self,
        tenant: &Tenant,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<SubscriptionRow>>;
    /// In order of ARN.
    async fn subscriptions_of_topic(
        &self,
        topic_arn: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<SubscriptionRow>>;
    /// Deletes it and counts that on its topic, with outbox rows (the final message). Unknown
    /// ARNs are no error.
    async fn delete_subscription(&self, arn: &str, outbox: Vec<NewOutboxRow>) -> Result<()>;
    /// Removes unconfirmed subscriptions created before `before`; they do not count as
    /// deleted on their topics. Returns how many went.
    async fn expire_pending_subscriptions(&self, before: TimestampMs) -> Result<u64>;
}
