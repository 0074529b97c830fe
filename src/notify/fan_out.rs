//! From a message on a topic to deliveries for those who want it.

use belfry_catalog::Catalog;
use belfry_catalog::outbox::NewOutboxRow;
use belfry_catalog::topics::{SubscriptionRow, TopicRow};
use belfry_model::{TimestampMs, arn};

use crate::error::Result;
use crate::message::{DeliveryPayload, Message, PublishPayload};
use crate::observer::NotifyObserver;
use crate::topic::EffectiveSubscription;

/// Ours: bytes that the deliveries of one step may put into the outbox. Larger topics take
/// several steps, so that neither memory nor a transaction grows with the subscribers.
const STEP_BYTES_MAX: usize = 4 * 1_048_576;
const STEP_SUBSCRIPTIONS_MAX: usize = 1_000;
const STEP_SUBSCRIPTIONS_MIN: usize = 16;

/// Outbox rows for the subscriptions of `topic` that `publish` has not reached yet: a delivery for each
/// one that is confirmed and whose filter accepts, and a row for the next step if there are
/// more subscriptions.
pub(crate) async fn next_step(
    catalog: &dyn Catalog,
    observer: &dyn NotifyObserver,
    topic: &TopicRow,
    publish: &PublishPayload,
    extensions: bool,
    now: TimestampMs,
) -> Result<Vec<NewOutboxRow>> {
    let message = &publish.message;
    let thread = publish
        .alarm
        .as_ref()
        .map(|alarm| arn::alarm(&topic.tenant, &alarm.alarm_name));
    let bytes = message.message.len().max(1);
    let limit = (STEP_BYTES_MAX / bytes).clamp(STEP_SUBSCRIPTIONS_MIN, STEP_SUBSCRIPTIONS_MAX);
    let page = catalog
        .subscriptions_of_topic(&topic.arn, publish.after.as_deref(), limit)
        .await?;
    let mut rows = Vec::with_capacity(page.items.len());
    for subscription in page.items {
        if wants(observer, &subscription, message, extensions) {
            let message = Message {
                message: message.text_for(&subscription.protocol),
                message_structure: None,
                ..message.clone()
            };
            let delivery = DeliveryPayload {
                thread: thread.clone(),
                ..DeliveryPayload::new(subscription.arn, message)
            };
            rows.push(delivery.into_row(&topic.tenant, now)?);
        }
    }
    if let Some(next) = page.next_after {
        let rest = PublishPayload {
            after: Some(next),
            ..publish.clone()
        };
        rows.push(rest.into_row(&topic.tenant)?);
    }
    Ok(rows)
}

fn wants(
    observer: &dyn NotifyObserver,
    subscription: &SubscriptionRow,
    message: &Message,
    extensions: bool,
) -> bool {
    if !subscription.confirmed {
        return false;
    }
    let filter = match EffectiveSubscription::of(subscription, extensions) {
        Ok(effective) => effective.filter,
        Err(error) => {
            // Delivering what was meant to be filtered is as wrong as silence; this one is
            // on record, and the operator who changed the setting can see why.
            tracing::warn!(subscription = %subscription.arn, error, "stored filter policy is unreadable");
            return false;
        }
    };
    let Some(filter) = filter else {
        return true;
    };
    let outcome = filter.evaluate(message);
    if !outcome.is_accepted() {
        observer.filtered(&subscription.tenant, &subscription.topic_arn, outcome);
    }
    outcome.is_accepted()
}
