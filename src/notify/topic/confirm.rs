//! Confirm and unsubscribe (spec notifications.md 2.4).

use belfry_catalog::topics::SubscriptionRow;

use super::endpoint::Protocol;
use super::lookup;
use super::subscribe::confirmation_row;
use super::subscription_attributes::FILTER_POLICIES;
use super::{Caller, TopicService};
use crate::error::{Error, Result};
use crate::message::ConfirmationKind;
use crate::token::{Presented, Refusal};

/// The members of `ConfirmSubscription`.
#[derive(Clone, Debug, Default)]
pub struct ConfirmRequest {
    pub topic_arn: String,
    pub token: String,
    /// Later unsubscribing needs a signature too.
    pub authenticate_on_unsubscribe: bool,
}

impl TopicService {
    /// Redeems a token and returns the subscription's ARN. `caller` is `None` for unsigned
    /// requests, which links in messages make.
    ///
    /// # Errors
    /// Tokens and topics that do not fit; `AuthorizationError` when protection against
    /// unsigned unsubscribing is asked for without a signature.
    pub async fn confirm_subscription(
        &self,
        caller: Option<&Caller>,
        request: ConfirmRequest,
    ) -> Result<String> {
        let topic_arn = &request.topic_arn;
        let arn = lookup::parse_arn("TopicArn", topic_arn)?;
        let elsewhere = caller.is_some_and(|caller| arn.region != &*caller.tenant.region);
        if elsewhere || self.catalog.topic(topic_arn).await?.is_none() {
            return Err(Error::invalid("Topic"));
        }
        let presented = self
            .mint
            .check(&request.token, self.clock.now())
            .map_err(|refusal| match refusal {
                Refusal::Malformed => Error::invalid("Token"),
                Refusal::Unknown => invalid_token(),
            })?;
        if request.authenticate_on_unsubscribe && caller.is_none() {
            return Err(Error::AuthorizationError(
                "AuthenticateOnUnsubscribe requires a signed request".to_owned(),
            ));
        }
        loop {
            let (read, mut row) = match &presented {
                Presented::Confirmation { hash } => {
                    let row = self.catalog.subscription_by_token(topic_arn, hash).await?;
                    let row = row.ok_or_else(invalid_token)?;
                    (Some(row.clone()), row)
                }
                Presented::Restore(row) if row.topic_arn == *topic_arn => {
                    let current = self.current(row).await?;
                    let row = current.clone().unwrap_or_else(|| SubscriptionRow {
                        confirmed: false,
                        token_expires_at: None,
                        ..(**row).clone()
                    });
                    (current, row)
                }
                Presented::Restore(_) => return Err(invalid_token()),
            };
            if row.confirmed {
                return Ok(row.arn);
            }
            if row
                .token_expires_at
                .is_some_and(|at| at <= self.clock.now())
            {
                return Err(invalid_token());
            }
            row.confirmed = true;
            row.confirmation_was_authenticated = caller.is_some();
            row.authenticate_on_unsubscribe = request.authenticate_on_unsubscribe;
            let confirmed_arn = row.arn.clone();
            let stored = match &read {
                Some(read) => {
                    let replaced =
                        self.catalog
                            .replace_subscription(read, row, FILTER_POLICIES, Vec::new());
                    replaced.await
                }
                None => {
                    self.catalog
                        .put_subscription(row, FILTER_POLICIES, Vec::new())
                        .await
                }
            };
            match stored {
                Ok(()) => return Ok(confirmed_arn),
                // Somebody else changed it: look again. Each round, somebody makes progress.
                Err(
                    belfry_catalog::Error::Conflict { .. }
                    | belfry_catalog::Error::AlreadyExists { .. },
                ) => {}
                Err(belfry_catalog::Error::NotFound { .. }) => return Err(Error::invalid("Topic")),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What has taken the place of a removed subscription, if something has.
    async fn current(&self, removed: &SubscriptionRow) -> Result<Option<SubscriptionRow>> {
        if let Some(row) = self.catalog.subscription(&removed.arn).await? {
            return Ok(Some(row));
        }
        Ok(self
            .catalog
            .subscription_by_endpoint(&removed.topic_arn, &removed.protocol, &removed.endpoint)
            .await?)
    }

    /// Removes a subscription. Unknown ones are no error. `caller` is `None` for unsigned
    /// requests; then the endpoint gets a farewell that lets it come back, as http(s)
    /// endpoints always do.
    ///
    /// # Errors
    /// ARNs that name no subscription; `AuthorizationError` for other accounts' ones and for
    /// unsigned requests where a signature is due.
    pub async fn unsubscribe(&self, caller: Option<&Caller>, arn: &str) -> Result<()> {
        match caller {
            Some(caller) => lookup::check_subscription_arn(&caller.tenant, arn)?,
            None => {
                lookup::parse_subscription_arn(arn)?;
            }
        }
        let Some(row) = self.catalog.subscription(arn).await? else {
            return Ok(());
        };
        if caller.is_none() && row.authenticate_on_unsubscribe {
            return Err(Error::AuthorizationError(
                "Unsubscribing from this subscription requires authentication".to_owned(),
            ));
        }
        self.remove(row, caller.is_some()).await
    }

    /// Follows the signed link of a mail. Links stay valid as long as the subscription.
    ///
    /// # Errors
    /// `AuthorizationError` when the signature is not ours; as [`Self::unsubscribe`].
    pub async fn unsubscribe_by_link(
        &self,
        arn: &str,
        endpoint: &str,
        signature: &str,
    ) -> Result<()> {
        self.check_unsubscribe_link(arn, endpoint, signature)?;
        self.unsubscribe(None, arn).await
    }

    /// Whether a mail of ours holds this link.
    ///
    /// # Errors
    /// `AuthorizationError`.
    pub fn check_unsubscribe_link(&self, arn: &str, endpoint: &str, signature: &str) -> Result<()> {
        if self
            .mint
            .unsubscribe_signature_matches(arn, endpoint, signature)
        {
            return Ok(());
        }
        Err(Error::AuthorizationError(
            "The link is not valid".to_owned(),
        ))
    }

    async fn remove(&self, row: SubscriptionRow, authenticated: bool) -> Result<()> {
        let protocol = Protocol::parse(&row.protocol);
        let says_farewell = row.confirmed
            && protocol.is_some_and(|p| p.is_http() || (p.is_email() && !authenticated));
        let mut outbox = Vec::new();
        if says_farewell {
            let now = self.clock.now();
            match self.mint.restore(&row, now)? {
                Some(token) => outbox.push(confirmation_row(
                    &row,
                    ConfirmationKind::Unsubscribe,
                    token,
                    None,
                    now,
                )?),
                None => tracing::warn!(
                    subscription = %row.arn,
                    "subscription is too large for a restore token, no farewell is sent"
                ),
            }
        }
        self.catalog.delete_subscription(&row.arn, outbox).await?;
        self.wake.notify_one();
        Ok(())
    }
}

fn invalid_token() -> Error {
    Error::InvalidParameterBare("Invalid token".to_owned())
}
