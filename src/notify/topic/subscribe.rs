//! Subscribe and list (spec notifications.md 2.1, 2.2).

use std::collections::BTreeMap;

use belfry_catalog::Page;
use belfry_catalog::outbox::NewOutboxRow;
use belfry_catalog::topics::{SubscriptionRow, TopicRow};
use belfry_model::{Tenant, TimestampMs, arn};
use url::Url;

use super::endpoint::{Protocol, masked};
use super::lookup::PAGE;
use super::subscription_attributes::{self, FILTER_POLICIES, PRINCIPAL};
use super::{Caller, TopicService};
use crate::error::{Error, Result};
use crate::message::{ConfirmationKind, ConfirmationPayload, PAYLOAD_VERSION, new_message_id};
use crate::token::TOKEN_VALID_MS;

/// The members of `Subscribe`.
#[derive(Clone, Debug, Default)]
pub struct SubscribeRequest {
    pub topic_arn: String,
    pub protocol: String,
    pub endpoint: Option<String>,
    pub attributes: BTreeMap<String, String>,
    pub return_subscription_arn: bool,
}

/// The answer: the ARN, and what the caller is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeOutcome {
    pub subscription_arn: String,
    /// The endpoint has yet to confirm and the caller did not ask for the ARN.
    pub show_pending: bool,
}

impl SubscribeOutcome {
    /// As `SubscriptionArn` of the answer says it.
    pub fn shown(&self) -> &str {
        if self.show_pending {
            "pending confirmation"
        } else {
            &self.subscription_arn
        }
    }
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionSummary {
    /// `PendingConfirmation` until confirmed.
    pub subscription_arn: String,
    pub owner: String,
    pub protocol: String,
    /// With passwords masked.
    pub endpoint: String,
    pub topic_arn: String,
}

impl From<SubscriptionRow> for SubscriptionSummary {
    fn from(row: SubscriptionRow) -> Self {
        Self {
            subscription_arn: if row.confirmed {
                row.arn
            } else {
                "PendingConfirmation".to_owned()
            },
            owner: row.tenant.account.to_string(),
            protocol: row.protocol,
            endpoint: masked(&row.endpoint),
            topic_arn: row.topic_arn,
        }
    }
}

impl TopicService {
    /// Subscribes, or returns the subscription that is there. Endpoints that have to confirm
    /// are asked to, also when they were asked before and did not answer yet.
    ///
    /// # Errors
    /// Unknown topics and protocols; endpoints and attributes that are not allowed.
    pub async fn subscribe(
        &self,
        caller: &Caller,
        request: SubscribeRequest,
    ) -> Result<SubscribeOutcome> {
        let tenant = &caller.tenant;
        let topic = self.topic(tenant, &request.topic_arn).await?;
        let protocol = Protocol::parse(&request.protocol).ok_or_else(|| {
            Error::invalid(format!(
                "Amazon SNS does not support this protocol string: {}",
                request.protocol
            ))
        })?;
        let endpoint = request.endpoint.unwrap_or_default();
        protocol.check_endpoint(&endpoint).map_err(Error::invalid)?;
        let attributes = subscription_attributes::apply_all(
            tenant,
            protocol,
            &request.attributes,
            self.config.filter_extensions,
        )
        .map_err(|text| Error::invalid(format!("Attributes Reason: {text}")))?;

        loop {
            let existing = self
                .catalog
                .subscription_by_endpoint(&topic.arn, protocol.as_str(), &endpoint)
                .await?;
            let row = match &existing {
                Some(row) if !agree(row, &request.attributes, &attributes) => {
                    return Err(Error::invalid(
                        "Attributes Reason: Subscription already exists with different attributes",
                    ));
                }
                Some(row) => row.clone(),
                None => self.new_row(caller, &topic, protocol, &endpoint, attributes.clone()),
            };
            let show_pending = !row.confirmed && !request.return_subscription_arn;
            let subscription_arn = row.arn.clone();
            match self.store(caller, existing.as_ref(), row).await {
                Ok(()) => {
                    self.wake.notify_one();
                    return Ok(SubscribeOutcome {
                        subscription_arn,
                        show_pending,
                    });
                }
                // Somebody else subscribed, confirmed or left: look again. Each round,
                // somebody makes progress.
                Err(Error::Catalog(
                    belfry_catalog::Error::Conflict { .. }
                    | belfry_catalog::Error::AlreadyExists { .. },
                )) => {}
                Err(Error::Catalog(belfry_catalog::Error::NotFound { .. })) => {
                    if existing.is_none() {
                        return Err(Error::TopicNotFound);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn new_row(
        &self,
        caller: &Caller,
        topic: &TopicRow,
        protocol: Protocol,
        endpoint: &str,
        mut attributes: BTreeMap<String, String>,
    ) -> SubscriptionRow {
        let confirmed = !protocol.needs_confirmation() || self.confirms_itself(protocol, endpoint);
        if let Some(principal) = caller.named_principal() {
            attributes.insert(PRINCIPAL.to_owned(), principal);
        }
        SubscriptionRow {
            arn: arn::subscription(&topic.arn, &uuid::Uuid::new_v4().to_string()),
            topic_arn: topic.arn.clone(),
            tenant: topic.tenant.clone(),
            protocol: protocol.as_str().to_owned(),
            endpoint: endpoint.to_owned(),
            attributes,
            confirmed,
            // Nobody was asked: the signed call itself is the confirmation.
            confirmation_was_authenticated: confirmed,
            authenticate_on_unsubscribe: false,
            token_hash: None,
            token_expires_at: None,
            created_at: self.clock.now(),
        }
    }

    /// Writes a new row, or a pending one with a fresh token and the message that carries it.
    async fn store(
        &self,
        caller: &Caller,
        read: Option<&SubscriptionRow>,
        mut row: SubscriptionRow,
    ) -> Result<()> {
        let mut outbox = Vec::new();
        if !row.confirmed {
            let now = self.clock.now();
            let (token, hash) = self.mint.confirmation();
            row.token_hash = Some(hash);
            row.token_expires_at = Some(now + TOKEN_VALID_MS);
            // The time to answer starts anew.
            row.created_at = now;
            outbox.push(confirmation_row(
                &row,
                ConfirmationKind::Subscribe,
                token,
                caller.named_principal(),
                now,
            )?);
        }
        match read {
            None => {
                self.catalog
                    .put_subscription(row, FILTER_POLICIES, outbox)
                    .await?
            }
            Some(read) if row.confirmed && *read == row => {}
            Some(read) => {
                let replaced =
                    self.catalog
                        .replace_subscription(read, row, FILTER_POLICIES, outbox);
                replaced.await?;
            }
        }
        Ok(())
    }

    /// Whether the operator vouches for the host (spec notifications.md 4).
    fn confirms_itself(&self, protocol: Protocol, endpoint: &str) -> bool {
        let host = Url::parse(endpoint)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned));
        protocol.is_http()
            && host.is_some_and(|host| {
                let hosts = &self.config.auto_confirm_hosts;
                hosts.iter().any(|known| known.eq_ignore_ascii_case(&host))
            })
    }

    /// In order of ARN after the one given, 100 a page.
    ///
    /// # Errors
    /// The catalog's.
    pub async fn list_subscriptions(
        &self,
        tenant: &Tenant,
        after: Option<&str>,
    ) -> Result<Page<SubscriptionSummary>> {
        let page = self.catalog.subscriptions(tenant, after, PAGE).await?;
        Ok(page.map(Into::into))
    }

    /// As `list_subscriptions`, of one topic.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn list_subscriptions_by_topic(
        &self,
        tenant: &Tenant,
        topic_arn: &str,
        after: Option<&str>,
    ) -> Result<Page<SubscriptionSummary>> {
        self.topic(tenant, topic_arn).await?;
        let page = self
            .catalog
            .subscriptions_of_topic(topic_arn, after, PAGE)
            .await?;
        Ok(page.map(Into::into))
    }
}

/// A subset of the stored attributes, or none, agrees. `applied` is `given` without what
/// stands for nothing.
fn agree(
    row: &SubscriptionRow,
    given: &BTreeMap<String, String>,
    applied: &BTreeMap<String, String>,
) -> bool {
    given.keys().all(|name| {
        let default = match name.as_str() {
            "RawMessageDelivery" => Some("false"),
            "FilterPolicyScope" => Some("MessageAttributes"),
            _ => None,
        };
        let stored = row.attributes.get(name).map(String::as_str).or(default);
        let wanted = applied.get(name).map(String::as_str).or(default);
        stored == wanted
    })
}

/// The outbox row of a handshake message.
pub(super) fn confirmation_row(
    row: &SubscriptionRow,
    kind: ConfirmationKind,
    token: String,
    requested_by: Option<String>,
    now: TimestampMs,
) -> Result<NewOutboxRow> {
    let payload = ConfirmationPayload {
        version: PAYLOAD_VERSION,
        kind,
        message_id: new_message_id(),
        timestamp: now,
        topic_arn: row.topic_arn.clone(),
        subscription_arn: row.arn.clone(),
        protocol: row.protocol.clone(),
        endpoint: row.endpoint.clone(),
        token,
        requested_by,
    };
    Ok(payload.into_row(&row.tenant)?)
}
