//! A node's notifications over a catalog in memory, its clock moved by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use belfry_catalog::SqliteCatalog;
use belfry_catalog::outbox::OutboxCatalog;
use belfry_model::{Clock, ManualClock, Tenant, TimestampMs};
use belfry_notify::observer::{DeliveryReport, NoObserver, RecentDeliveries};
use belfry_notify::topic::{ConfirmRequest, PublishRequest, SubscribeOutcome, SubscribeRequest};
use belfry_notify::{Caller, Notifications, NotifyConfig, Result};

use crate::receiver::Receiver;

pub const START: &str = "2026-04-02T09:15:27.114Z";
pub const PUBLIC_URL: &str = "http://belfry.example.net";

pub struct Node {
    pub catalog: Arc<SqliteCatalog>,
    pub clock: Arc<ManualClock>,
    pub config: NotifyConfig,
    pub recent: Arc<RecentDeliveries<NoObserver>>,
    pub notifications: Notifications,
}

pub fn config() -> NotifyConfig {
    NotifyConfig {
        public_url: PUBLIC_URL.into(),
        jitter: false,
        ..NotifyConfig::default()
    }
}

pub fn tenant() -> Tenant {
    Tenant::new("000000000042", "eu-central-1")
}

pub fn caller() -> Caller {
    Caller {
        tenant: tenant(),
        principal: "arn:aws:iam::000000000042:user/ops".to_owned(),
    }
}

pub fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

impl Node {
    pub async fn start() -> Self {
        Self::with(config()).await
    }

    pub async fn with(config: NotifyConfig) -> Self {
        let catalog = SqliteCatalog::open_in_memory().await.expect("a catalog");
        let start = TimestampMs::parse_iso8601(START).expect("a time");
        Self::over(Arc::new(catalog), ManualClock::new(start), config).await
    }

    async fn over(
        catalog: Arc<SqliteCatalog>,
        clock: Arc<ManualClock>,
        config: NotifyConfig,
    ) -> Self {
        let recent = Arc::new(RecentDeliveries::new(NoObserver));
        let notifications = Notifications::open(
            Arc::clone(&catalog) as _,
            Arc::clone(&clock) as _,
            config.clone(),
            Arc::clone(&recent) as _,
        )
        .await
        .expect("notifications");
        Self {
            catalog,
            clock,
            config,
            recent,
            notifications,
        }
    }

    /// The process dies; another one opens the same catalog.
    pub async fn restart(self) -> Self {
        let name = Arc::clone(&self.config.node_name);
        self.restart_as(&name).await
    }

    pub async fn restart_as(mut self, name: &str) -> Self {
        self.config.node_name = name.into();
        let Self {
            catalog,
            clock,
            config,
            notifications,
            ..
        } = self;
        drop(notifications);
        Self::over(catalog, clock, config).await
    }

    /// Does all that is due now and returns how many rows that were.
    pub async fn run(&self) -> usize {
        let worker = &self.notifications.worker;
        worker.run_due(self.clock.now()).await.expect("the outbox")
    }

    pub async fn advance_and_run(&self, seconds: i64) -> usize {
        assert!(self.clock.advance_ms(seconds * 1_000));
        self.run().await
    }

    /// Seconds until the next row is due.
    pub async fn next_due_s(&self) -> Option<f64> {
        let due = self
            .notifications
            .worker
            .next_due()
            .await
            .expect("the outbox");
        due.map(|due| (due - self.clock.now()) as f64 / 1_000.0)
    }

    pub async fn outbox_len(&self) -> u64 {
        self.catalog.outbox_len().await.expect("the outbox")
    }

    pub async fn topic(&self, name: &str) -> String {
        self.topic_with(name, &[]).await
    }

    pub async fn topic_with(&self, name: &str, pairs: &[(&str, &str)]) -> String {
        let topics = &self.notifications.topics;
        topics
            .create_topic(&tenant(), name, attributes(pairs), Vec::new())
            .await
            .expect("a topic")
    }

    pub async fn subscribe(
        &self,
        topic_arn: &str,
        protocol: &str,
        endpoint: &str,
        pairs: &[(&str, &str)],
    ) -> Result<SubscribeOutcome> {
        let request = SubscribeRequest {
            topic_arn: topic_arn.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: Some(endpoint.to_owned()),
            attributes: attributes(pairs),
            return_subscription_arn: false,
        };
        self.notifications
            .topics
            .subscribe(&caller(), request)
            .await
    }

    /// Subscribes a receiver and goes through the handshake with it.
    pub async fn subscribe_receiver(
        &self,
        topic_arn: &str,
        receiver: &Receiver,
        pairs: &[(&str, &str)],
    ) -> String {
        self.subscribe(topic_arn, "http", &receiver.url("/hook"), pairs)
            .await
            .expect("subscribed");
        self.run().await;
        let asked = receiver.take().pop().expect("asked to confirm");
        let token = asked.json()["Token"].as_str().expect("a token").to_owned();
        self.confirm(topic_arn, &token).await.expect("confirmed")
    }

    /// As the link in a message does: unsigned.
    pub async fn confirm(&self, topic_arn: &str, token: &str) -> Result<String> {
        let request = ConfirmRequest {
            topic_arn: topic_arn.to_owned(),
            token: token.to_owned(),
            authenticate_on_unsubscribe: false,
        };
        self.notifications
            .topics
            .confirm_subscription(None, request)
            .await
    }

    /// Publishes and returns the message's id.
    pub async fn publish(&self, topic_arn: &str, message: &str) -> String {
        let request = PublishRequest {
            topic_arn: Some(topic_arn.to_owned()),
            message: message.to_owned(),
            ..PublishRequest::default()
        };
        let published = self.notifications.topics.publish(&tenant(), request).await;
        published.expect("published").message_id
    }

    pub fn reports(&self, subscription_arn: &str) -> Vec<DeliveryReport> {
        self.recent.of_subscription(subscription_arn)
    }
}
