//! What the worker does with each kind of row.

use std::sync::Arc;

use belfry_catalog::outbox::OutboxRow;
use belfry_catalog::topics::{SubscriptionRow, TopicRow};
use belfry_model::arn::Arn;
use belfry_model::time::{DAY_MS, HOUR_MS};
use belfry_model::{Tenant, TimestampMs};
use rand::Rng;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::Url;

use crate::address::DenyList;
use crate::attempt::{Attempt, Verdict};
use crate::config::NotifyConfig;
use crate::email::{self, Letter, MailTransport};
use crate::envelope;
use crate::error::Result;
use crate::fan_out;
use crate::history;
use crate::http::{HttpRequest, HttpTransport};
use crate::message::{
    ConfirmationKind, ConfirmationPayload, DeliveryPayload, PAYLOAD_VERSION, PublishPayload,
};
use crate::observer::{DeliveryReport, DeliveryStatus};
use crate::pages;
use crate::policy::backoff::{RetryPolicy, with_jitter};
use crate::policy::delivery::{DEFAULT_CONTENT_TYPE, EffectivePolicy};
use crate::signature::{SignatureVersion, Signer};
use crate::token::token_hash;
use crate::topic::{EffectiveSubscription, Protocol, delivery_policy_of, masked};
use crate::worker::DeliveryWorker;

/// Rows that this program cannot read wait for one that can, an hour at a time, for a week.
const UNREADABLE_RETRY_MS: i64 = HOUR_MS;
const UNREADABLE_ATTEMPTS_MAX: u32 = (7 * DAY_MS / HOUR_MS) as u32;

/// The ways out of the house.
pub(crate) struct Transports {
    pub signer: Arc<Signer>,
    pub deny: DenyList,
    /// Set up with the first delivery: it loads the system's root certificates.
    pub http: OnceCell<HttpTransport>,
    pub mail: Option<MailTransport>,
}

impl Transports {
    pub fn new(config: &NotifyConfig, signer: Arc<Signer>) -> Result<Self, String> {
        let host = Url::parse(&config.public_url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| "localhost".to_owned());
        let mail = config
            .smtp
            .as_ref()
            .map(|smtp| MailTransport::new(smtp, &host))
            .transpose()?;
        Ok(Self {
            signer,
            deny: config.deny.clone(),
            http: OnceCell::new(),
            mail,
        })
    }

    async fn http(&self) -> Result<&HttpTransport, String> {
        self.http
            .get_or_try_init(|| async {
                let deny = self.deny.clone();
                match tokio::task::spawn_blocking(move || HttpTransport::new(deny)).await {
                    Ok(Ok(transport)) => Ok(transport),
                    Ok(Err(error)) => Err(format!("http client: {error}")),
                    Err(error) => Err(format!("http client: {error}")),
                }
            })
            .await
    }

    async fn post(&self, request: &HttpRequest, now: TimestampMs) -> Attempt {
        match self.http().await {
            Ok(http) => http.send(request, now).await,
            Err(error) => Attempt::retry(None, error),
        }
    }

    async fn mail(&self, letter: &Letter) -> Attempt {
        match &self.mail {
            Some(mail) => mail.send(letter).await,
            None => Attempt::no_transport(),
        }
    }
}

/// One attempt's surroundings, for the record and for what happens next.
struct Context<'a> {
    row: &'a OutboxRow,
    topic_arn: &'a str,
    subscription_arn: &'a str,
    protocol: &'a str,
    endpoint: &'a str,
    message_id: &'a str,
    published_at: TimestampMs,
    /// Before this one.
    attempts: u32,
    retry: RetryPolicy,
    dead_letter_target: Option<String>,
}

impl DeliveryWorker {
    /// [`belfry_catalog::outbox::OutboxKind::Publish`]: one step of a message towards its
    /// subscribers. The first step of an alarm's action writes its history.
    pub(crate) async fn spread(&self, row: &OutboxRow) -> Result<()> {
        let Some(payload) = self.read::<PublishPayload>(row).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let target = match &payload.alarm {
            Some(alarm) => alarm.action_arn.as_str(),
            None => payload.message.topic_arn.as_str(),
        };
        let found = match check_target(&row.tenant, target) {
            Ok(()) => self
                .catalog
                .topic(target)
                .await?
                .ok_or("Topic does not exist"),
            Err(error) => Err(error),
        };
        let first_step = payload.after.is_none();
        let mut history = Vec::new();
        if let Some(alarm) = payload.alarm.as_ref().filter(|_| first_step) {
            history.push(history::action_item(
                &row.tenant,
                alarm,
                &payload.message.message,
                found.as_ref().err().copied(),
                now,
            ));
        }
        let follow_ups = match &found {
            Ok(topic) => {
                fan_out::next_step(
                    &*self.catalog,
                    &*self.observer,
                    topic,
                    &payload,
                    self.config.filter_extensions,
                    now,
                )
                .await?
            }
            Err(error) => {
                tracing::warn!(target, error, "message cannot be published");
                Vec::new()
            }
        };
        self.catalog
            .complete_outbox(row.id, follow_ups, history, now)
            .await?;
        if let (Ok(topic), true) = (&found, first_step) {
            let bytes = payload.message.message.len();
            self.observer.published(&topic.tenant, &topic.arn, bytes);
        }
        Ok(())
    }

    /// [`belfry_catalog::outbox::OutboxKind::Delivery`]: one attempt.
    pub(crate) async fn deliver(&self, row: &OutboxRow) -> Result<()> {
        let Some(payload) = self.read::<DeliveryPayload>(row).await? else {
            return Ok(());
        };
        let subscription = self.catalog.subscription(&payload.subscription_arn).await?;
        let topic = self.catalog.topic(&payload.message.topic_arn).await?;
        let (Some(subscription), Some(topic)) = (subscription, topic) else {
            // Unsubscribed meanwhile: nobody waits for it.
            return self.finish(row).await;
        };
        if !subscription.confirmed {
            return self.finish(row).await;
        }
        let policy = delivery_policy_of(&topic, &subscription);
        let protocol = Protocol::parse(&subscription.protocol);
        if protocol.is_some_and(Protocol::is_http)
            && let Some(rate) = policy.max_receives_per_second
            && let Err(wait_ms) = self
                .throttles
                .take(&subscription.arn, rate, self.clock.now())
        {
            return self.defer(row, payload, wait_ms).await;
        }
        let effective = EffectiveSubscription::of(&subscription, self.config.filter_extensions);
        let (raw, dead_letter_target) = match effective {
            Ok(effective) => (effective.raw_delivery, effective.dead_letter_target),
            // Only the filter can be unreadable, and it was asked before.
            Err(_) => (false, None),
        };
        let attempt = self
            .attempt(protocol, &topic, &subscription, &payload, &policy, raw)
            .await?;
        let retry = match protocol {
            Some(protocol) if protocol.is_http() => policy.retry,
            _ => RetryPolicy::EMAIL,
        };
        let context = Context {
            row,
            topic_arn: &topic.arn,
            subscription_arn: &subscription.arn,
            protocol: &subscription.protocol,
            endpoint: &subscription.endpoint,
            message_id: &payload.message.message_id,
            published_at: payload.message.timestamp,
            attempts: payload.attempts_before.saturating_add(row.attempts),
            retry,
            dead_letter_target,
        };
        self.settle(context, attempt).await
    }

    async fn attempt(
        &self,
        protocol: Option<Protocol>,
        topic: &TopicRow,
        subscription: &SubscriptionRow,
        payload: &DeliveryPayload,
        policy: &EffectivePolicy,
        raw: bool,
    ) -> Result<Attempt> {
        let message = &payload.message;
        match protocol {
            Some(Protocol::Http | Protocol::Https) => {
                let body = if raw {
                    message.message.clone()
                } else {
                    self.envelope(topic, subscription, payload).await?
                };
                let request = HttpRequest {
                    endpoint: subscription.endpoint.clone(),
                    message_type: "Notification",
                    message_id: message.message_id.clone(),
                    topic_arn: topic.arn.clone(),
                    subscription_arn: Some(subscription.arn.clone()),
                    raw,
                    content_type: policy.content_type.clone(),
                    body,
                };
                Ok(self.transports.post(&request, self.clock.now()).await)
            }
            Some(Protocol::Email | Protocol::EmailJson) if self.transports.mail.is_some() => {
                let signature = self
                    .mint
                    .unsubscribe_signature(&subscription.arn, &subscription.endpoint);
                let link = pages::unsubscribe_url(
                    &self.config.public_url,
                    &subscription.arn,
                    &subscription.endpoint,
                    &signature,
                );
                let body = if protocol == Some(Protocol::EmailJson) {
                    self.envelope(topic, subscription, payload).await?
                } else {
                    email::notification_body(&message.message, &topic.arn, &link)
                };
                let subject = message
                    .subject
                    .clone()
                    .unwrap_or_else(|| format!("Notification from {}", topic.name));
                let letter = Letter {
                    sender_name: display_name(topic),
                    to: subscription.endpoint.clone(),
                    subject,
                    body,
                    id: message.message_id.clone(),
                    thread: payload.thread.clone(),
                    topic_arn: topic.arn.clone(),
                    unsubscribe_url: Some(link),
                    date: self.clock.now(),
                };
                Ok(self.transports.mail(&letter).await)
            }
            _ => Ok(Attempt::no_transport()),
        }
    }

    async fn envelope(
        &self,
        topic: &TopicRow,
        subscription: &SubscriptionRow,
        payload: &DeliveryPayload,
    ) -> Result<String> {
        let text = envelope::notification_string_to_sign(&payload.message);
        let signer = &self.transports.signer;
        let signature = signer.sign(signature_version(topic), text).await?;
        Ok(envelope::notification(
            &payload.message,
            &signature,
            &self.config.public_url,
            &subscription.arn,
        ))
    }

    /// [`belfry_catalog::outbox::OutboxKind::Confirmation`]: one attempt at a handshake
    /// message.
    pub(crate) async fn ask_to_confirm(&self, row: &OutboxRow) -> Result<()> {
        let Some(payload) = self.read::<ConfirmationPayload>(row).await? else {
            return Ok(());
        };
        let Some(topic) = self.catalog.topic(&payload.topic_arn).await? else {
            return self.finish(row).await;
        };
        let subscription = self.catalog.subscription(&payload.subscription_arn).await?;
        if payload.kind == ConfirmationKind::Subscribe {
            // Confirmed, removed, or asked again with a newer token meanwhile.
            let hash = token_hash(&payload.token);
            let stands = subscription
                .as_ref()
                .is_some_and(|s| !s.confirmed && s.token_hash.as_deref() == Some(&*hash));
            if !stands {
                return self.finish(row).await;
            }
        }
        let policy = match &subscription {
            Some(subscription) => delivery_policy_of(&topic, subscription),
            None => EffectivePolicy::merge(
                &crate::topic::topic_delivery_policy(&topic),
                &Default::default(),
            ),
        };
        let protocol = Protocol::parse(&payload.protocol);
        let attempt = self.attempt_to_confirm(protocol, &topic, &payload).await?;
        let retry = match protocol {
            Some(protocol) if protocol.is_http() => policy.retry,
            _ => RetryPolicy::EMAIL,
        };
        let context = Context {
            row,
            topic_arn: &topic.arn,
            subscription_arn: &payload.subscription_arn,
            protocol: &payload.protocol,
            endpoint: &payload.endpoint,
            message_id: &payload.message_id,
            published_at: payload.timestamp,
            attempts: row.attempts,
            retry,
            // Handshake messages never go to a dead-letter queue (spec notifications.md 2.4).
            dead_letter_target: None,
        };
        self.settle(context, attempt).await
    }

    async fn attempt_to_confirm(
        &self,
        protocol: Option<Protocol>,
        topic: &TopicRow,
        payload: &ConfirmationPayload,
    ) -> Result<Attempt> {
        let base_url = &self.config.public_url;
        match protocol {
            Some(Protocol::Http | Protocol::Https) => {
                let text = envelope::confirmation_string_to_sign(payload, base_url);
                let signer = &self.transports.signer;
                let signature = signer.sign(signature_version(topic), text).await?;
                let said_farewell = payload.kind == ConfirmationKind::Unsubscribe;
                let request = HttpRequest {
                    endpoint: payload.endpoint.clone(),
                    message_type: payload.kind.type_name(),
                    message_id: payload.message_id.clone(),
                    topic_arn: payload.topic_arn.clone(),
                    subscription_arn: said_farewell.then(|| payload.subscription_arn.clone()),
                    raw: false,
                    content_type: DEFAULT_CONTENT_TYPE.to_owned(),
                    body: envelope::confirmation(payload, &signature, base_url),
                };
                Ok(self.transports.post(&request, self.clock.now()).await)
            }
            Some(Protocol::Email | Protocol::EmailJson) => {
                let link = pages::confirmation_url(base_url, &payload.topic_arn, &payload.token);
                let by = payload.requested_by.as_deref();
                let (subject, body) = match payload.kind {
                    ConfirmationKind::Subscribe => (
                        format!("Confirm your subscription to {}", topic.name),
                        email::confirmation_body(&payload.topic_arn, by, &link),
                    ),
                    ConfirmationKind::Unsubscribe => (
                        format!("Unsubscribed from {}", topic.name),
                        email::farewell_body(&payload.topic_arn, &link),
                    ),
                };
                let letter = Letter {
                    sender_name: display_name(topic),
                    to: payload.endpoint.clone(),
                    subject,
                    body,
                    id: payload.message_id.clone(),
                    thread: None,
                    topic_arn: payload.topic_arn.clone(),
                    unsubscribe_url: None,
                    date: self.clock.now(),
                };
                Ok(self.transports.mail(&letter).await)
            }
            _ => Ok(Attempt::no_transport()),
        }
    }

    /// Puts the row where the attempt sends it, then tells the observer.
    async fn settle(&self, context: Context<'_>, attempt: Attempt) -> Result<()> {
        let now = self.clock.now();
        let delay_ms = match attempt.verdict {
            Verdict::Retry { not_before_ms } => context
                .retry
                .delay_ms(context.attempts)
                .map(|delay| self.jittered(delay).max(not_before_ms)),
            Verdict::Delivered | Verdict::Permanent => None,
        };
        match delay_ms {
            Some(delay_ms) => {
                self.catalog
                    .retry_outbox(context.row.id, now + delay_ms, &attempt.detail)
                    .await?;
            }
            None => {
                self.catalog
                    .complete_outbox(context.row.id, Vec::new(), Vec::new(), now)
                    .await?;
            }
        }
        let status = match (attempt.verdict, delay_ms) {
            (Verdict::Delivered, _) => DeliveryStatus::Delivered,
            (_, Some(_)) => DeliveryStatus::Retrying,
            (_, None) => DeliveryStatus::Failed,
        };
        let report = DeliveryReport {
            tenant: context.row.tenant.clone(),
            topic_arn: context.topic_arn.to_owned(),
            subscription_arn: context.subscription_arn.to_owned(),
            protocol: context.protocol.to_owned(),
            destination: masked(context.endpoint),
            message_id: context.message_id.to_owned(),
            at: now,
            attempts: context.attempts.saturating_add(1),
            dwell_ms: (now - context.published_at).max(0),
            status_code: attempt.status_code,
            detail: attempt.detail,
            status,
            dead_letter_target: context
                .dead_letter_target
                .filter(|_| status == DeliveryStatus::Failed),
        };
        if status == DeliveryStatus::Failed {
            tracing::warn!(
                subscription = %report.subscription_arn,
                message = %report.message_id,
                attempts = report.attempts,
                status_code = report.status_code,
                detail = %report.detail,
                dead_letter_target = report.dead_letter_target,
                "delivery failed for good"
            );
        }
        self.observer.attempted(&report);
        Ok(())
    }

    fn jittered(&self, delay_ms: i64) -> i64 {
        if self.config.jitter {
            with_jitter(delay_ms, rand::rng().random())
        } else {
            delay_ms
        }
    }

    /// The receiver has had enough for this second: the row makes way for one that is due
    /// later. No attempt was made, so none is counted.
    async fn defer(&self, row: &OutboxRow, payload: DeliveryPayload, wait_ms: i64) -> Result<()> {
        let now = self.clock.now();
        let later = DeliveryPayload {
            attempts_before: payload.attempts_before.saturating_add(row.attempts),
            deferrals: payload.deferrals.saturating_add(1),
            ..payload
        };
        let later = later.into_row(&row.tenant, now + wait_ms)?;
        self.catalog
            .complete_outbox(row.id, vec![later], Vec::new(), now)
            .await?;
        Ok(())
    }

    async fn finish(&self, row: &OutboxRow) -> Result<()> {
        let now = self.clock.now();
        self.catalog
            .complete_outbox(row.id, Vec::new(), Vec::new(), now)
            .await?;
        Ok(())
    }

    /// The payload, or `None` after the row was put aside because this program cannot read
    /// it: a newer one wrote it and may come back.
    async fn read<P: DeserializeOwned>(&self, row: &OutboxRow) -> Result<Option<P>> {
        let version = row.payload.get("version").and_then(|v| v.as_u64());
        let why = if version.is_some_and(|version| version > u64::from(PAYLOAD_VERSION)) {
            "written by a newer version".to_owned()
        } else {
            match serde_json::from_value(row.payload.clone()) {
                Ok(payload) => return Ok(Some(payload)),
                Err(error) => error.to_string(),
            }
        };
        tracing::error!(row = %row.id, why, "outbox row is unreadable");
        if row.attempts >= UNREADABLE_ATTEMPTS_MAX {
            self.finish(row).await?;
            return Ok(None);
        }
        let later = self.clock.now() + UNREADABLE_RETRY_MS;
        self.catalog.retry_outbox(row.id, later, &why).await?;
        Ok(None)
    }
}

fn signature_version(topic: &TopicRow) -> SignatureVersion {
    let attribute = topic.attributes.get("SignatureVersion");
    SignatureVersion::of_attribute(attribute.map(String::as_str))
}

fn display_name(topic: &TopicRow) -> String {
    topic
        .attributes
        .get("DisplayName")
        .cloned()
        .unwrap_or_default()
}

/// Whether an action may go to `target`: a topic of the same account (spec notifications.md
/// 1.3: alarms may always publish to those).
fn check_target(tenant: &Tenant, target: &str) -> Result<(), &'static str> {
    match Arn::parse(target) {
        Ok(arn) if arn.service != "sns" => Err("No handler is configured for this action"),
        Ok(arn) if arn.account != &*tenant.account => {
            Err("Not authorized to publish to a topic of another account")
        }
        Ok(_) => Ok(()),
        Err(_) => Err("Invalid action ARN"),
    }
}
