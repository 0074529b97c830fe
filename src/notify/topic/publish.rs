//! Publish one message or a batch (spec notifications.md 5).

use std::collections::BTreeSet;

use belfry_catalog::outbox::NewOutboxRow;
use belfry_catalog::topics::TopicRow;
use belfry_model::Tenant;
use indexmap::IndexMap;

use super::TopicService;
use super::attributes::{self, MESSAGE_BYTES_DEFAULT};
use super::endpoint::{Protocol, is_phone_number};
use super::lookup;
use super::message_check::{self, AttributeInput};
use crate::error::{Error, Result};
use crate::fan_out;
use crate::message::{Message, MessageAttributes, PublishPayload, new_message_id};

const BATCH_ENTRIES_MAX: usize = 10;
const BATCH_ID_CHARS_MAX: usize = 80;
/// Subscriptions of a topic that gets messages of more than 256 KiB (spec 5.5).
const LARGE_MESSAGE_SUBSCRIPTIONS_MAX: usize = 100;

/// The members of `Publish`.
#[derive(Clone, Debug, Default)]
pub struct PublishRequest {
    pub topic_arn: Option<String>,
    pub target_arn: Option<String>,
    pub phone_number: Option<String>,
    pub message: String,
    pub subject: Option<String>,
    pub message_structure: Option<String>,
    pub attributes: IndexMap<String, AttributeInput>,
    pub deduplication_id: Option<String>,
    pub group_id: Option<String>,
}

/// What the publisher learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub message_id: String,
    /// FIFO topics only; there are none yet.
    pub sequence_number: Option<String>,
}

/// One message of a batch.
#[derive(Clone, Debug, Default)]
pub struct BatchEntry {
    pub id: String,
    pub message: String,
    pub subject: Option<String>,
    pub message_structure: Option<String>,
    pub attributes: IndexMap<String, AttributeInput>,
    pub deduplication_id: Option<String>,
    pub group_id: Option<String>,
}

/// A batch entry that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchSuccess {
    pub id: String,
    pub published: Published,
}

/// A batch entry that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchFailure {
    pub id: String,
    pub code: &'static str,
    pub message: String,
    pub sender_fault: bool,
}

/// The answer of `PublishBatch`, entries in the caller's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchOutcome {
    pub successful: Vec<BatchSuccess>,
    pub failed: Vec<BatchFailure>,
}

impl TopicService {
    /// Publishes to the topic. When this returns, the deliveries are durable.
    ///
    /// # Errors
    /// Everything of spec notifications.md 5.1.
    pub async fn publish(&self, tenant: &Tenant, request: PublishRequest) -> Result<Published> {
        let topic = self.publish_target(tenant, &request).await?;
        let entry = BatchEntry {
            id: String::new(),
            message: request.message,
            subject: request.subject,
            message_structure: request.message_structure,
            attributes: request.attributes,
            deduplication_id: request.deduplication_id,
            group_id: request.group_id,
        };
        let (message, bytes) = self.check_entry(&topic, entry).await?;
        let rows = self.deliveries(&topic, &message).await?;
        self.enqueue(rows).await?;
        self.observer.published(&topic.tenant, &topic.arn, bytes);
        Ok(Published {
            message_id: message.message_id,
            sequence_number: None,
        })
    }

    /// Publishes up to ten messages; each stands for itself, all that are fine become
    /// durable together.
    ///
    /// # Errors
    /// What concerns the whole call (spec notifications.md 5.6).
    pub async fn publish_batch(
        &self,
        tenant: &Tenant,
        topic_arn: &str,
        entries: Vec<BatchEntry>,
    ) -> Result<BatchOutcome> {
        check_batch_ids(&entries)?;
        let topic = self.topic(tenant, topic_arn).await?;
        let total = entries
            .iter()
            .map(entry_size)
            .fold(0, usize::saturating_add);
        if total > attributes::message_bytes_max(&topic) {
            return Err(Error::BatchRequestTooLong);
        }
        let mut outcome = BatchOutcome::default();
        let mut rows = Vec::new();
        let mut sizes = Vec::new();
        for entry in entries {
            let id = entry.id.clone();
            match self.check_entry(&topic, entry).await {
                Ok((message, bytes)) => {
                    sizes.push(bytes);
                    rows.extend(self.deliveries(&topic, &message).await?);
                    outcome.successful.push(BatchSuccess {
                        id,
                        published: Published {
                            message_id: message.message_id,
                            sequence_number: None,
                        },
                    });
                }
                Err(error) if !error.is_sender_fault() => return Err(error),
                Err(error) => outcome.failed.push(BatchFailure {
                    id,
                    code: error.code(),
                    message: error.to_string(),
                    sender_fault: true,
                }),
            }
        }
        self.enqueue(rows).await?;
        for bytes in sizes {
            self.observer.published(&topic.tenant, &topic.arn, bytes);
        }
        Ok(outcome)
    }

    /// The topic that a request names in one of three ways.
    async fn publish_target(&self, tenant: &Tenant, request: &PublishRequest) -> Result<TopicRow> {
        match (
            &request.topic_arn,
            &request.target_arn,
            &request.phone_number,
        ) {
            (Some(topic), None, None) => self.topic(tenant, topic).await,
            (None, Some(target), None) => {
                let arn = lookup::parse_arn("TargetArn", target)?;
                if arn.resource.starts_with("endpoint/") {
                    return Err(Error::invalid(
                        "TargetArn Reason: No endpoint found for the target arn specified",
                    ));
                }
                lookup::check_topic_arn(tenant, "TargetArn", target)?;
                self.catalog
                    .topic(target)
                    .await?
                    .ok_or(Error::TopicNotFound)
            }
            (None, None, Some(number)) if is_phone_number(number) => Err(Error::invalid(
                "PhoneNumber Reason: this server has no transport for text messages configured",
            )),
            (None, None, Some(number)) => Err(Error::invalid(format!(
                "PhoneNumber Reason: {number} is not valid to publish to"
            ))),
            (None, None, None) => Err(Error::invalid(
                "TopicArn or TargetArn Reason: no value for required parameter",
            )),
            _ => Err(Error::invalid(
                "TopicArn, TargetArn and PhoneNumber Reason: only one of them may be given",
            )),
        }
    }

    /// The message, and the bytes that count of it.
    async fn check_entry(&self, topic: &TopicRow, entry: BatchEntry) -> Result<(Message, usize)> {
        let message = self.check_message(topic, entry)?;
        let bytes = message_check::size(&message.message, &message.attributes);
        self.check_large(topic, bytes).await?;
        Ok((message, bytes))
    }

    fn check_message(&self, topic: &TopicRow, entry: BatchEntry) -> Result<Message> {
        message_check::check_body(&entry.message, entry.message_structure.as_deref())?;
        message_check::check_subject(entry.subject.as_deref())?;
        message_check::check_fifo_members(
            entry.group_id.as_deref(),
            entry.deduplication_id.as_deref(),
        )?;
        let attributes: MessageAttributes = message_check::check_attributes(entry.attributes)?;
        if message_check::size(&entry.message, &attributes) > attributes::message_bytes_max(topic) {
            return Err(Error::invalid("Message too long"));
        }
        Ok(Message {
            topic_arn: topic.arn.clone(),
            message_id: new_message_id(),
            timestamp: self.clock.now(),
            subject: entry.subject,
            message: entry.message,
            message_structure: entry.message_structure.filter(|s| !s.is_empty()),
            attributes,
            group_id: entry.group_id,
            deduplication_id: None,
        })
    }

    /// Above 256 KiB, few subscriptions, and only of protocols that take as much.
    async fn check_large(&self, topic: &TopicRow, bytes: usize) -> Result<()> {
        if bytes <= MESSAGE_BYTES_DEFAULT {
            return Ok(());
        }
        let page = self
            .catalog
            .subscriptions_of_topic(&topic.arn, None, LARGE_MESSAGE_SUBSCRIPTIONS_MAX)
            .await?;
        let relaxed = self.config.relaxed_limits;
        let fits = |protocol: &str| {
            Protocol::parse(protocol)
                .is_some_and(|p| p.takes_large_messages() || (relaxed && p.is_http()))
        };
        if page.next_after.is_some() || !page.items.iter().all(|row| fits(&row.protocol)) {
            return Err(Error::invalid(
                "Message Reason: messages of more than 262144 bytes need a topic with at most 100 subscriptions, all of them sqs, lambda or firehose",
            ));
        }
        Ok(())
    }

    async fn deliveries(&self, topic: &TopicRow, message: &Message) -> Result<Vec<NewOutboxRow>> {
        fan_out::next_step(
            &*self.catalog,
            &*self.observer,
            topic,
            &PublishPayload::new(message.clone()),
            self.config.filter_extensions,
            message.timestamp,
        )
        .await
    }

    async fn enqueue(&self, rows: Vec<NewOutboxRow>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.catalog.enqueue_outbox(rows, self.clock.now()).await?;
        self.wake.notify_one();
        Ok(())
    }
}

fn check_batch_ids(entries: &[BatchEntry]) -> Result<()> {
    if entries.is_empty() {
        return Err(Error::EmptyBatchRequest);
    }
    if entries.len() > BATCH_ENTRIES_MAX {
        return Err(Error::TooManyEntriesInBatchRequest);
    }
    let mut seen = BTreeSet::new();
    for BatchEntry { id, .. } in entries {
        if id.chars().count() > BATCH_ID_CHARS_MAX {
            return Err(Error::InvalidBatchEntryId(format!(
                "The Id of a batch entry in the batch request is too long: {id}"
            )));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if id.is_empty() || !id.chars().all(allowed) {
            return Err(Error::InvalidBatchEntryId(format!(
                "The Id of a batch entry in the batch request contains an impermissible character: {id}"
            )));
        }
        if !seen.insert(id) {
            return Err(Error::BatchEntryIdsNotDistinct);
        }
    }
    Ok(())
}

/// As [`message_check::size`], before anything was checked.
fn entry_size(entry: &BatchEntry) -> usize {
    entry
        .attributes
        .iter()
        .map(|(name, a)| {
            let text = a.string_value.as_ref().map_or(0, String::len);
            let bytes = a.binary_value.as_ref().map_or(0, Vec::len);
            let data_type = a.data_type.as_ref().map_or(0, String::len);
            [name.len(), text, bytes, data_type]
                .into_iter()
                .fold(0, usize::saturating_add)
        })
        .fold(entry.message.len(), usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_refused_whole_with_their_codes() {
        let entry = |id: &str| BatchEntry {
            id: id.to_owned(),
            ..BatchEntry::default()
        };
        let code = |ids: &[&str]| {
            let entries: Vec<_> = ids.iter().map(|id| entry(id)).collect();
            check_batch_ids(&entries).map_err(|error| error.code())
        };
        assert_eq!(code(&[]), Err("EmptyBatchRequest"));
        assert_eq!(code(&["a"; 11]), Err("TooManyEntriesInBatchRequest"));
        assert_eq!(code(&["a", "a"]), Err("BatchEntryIdsNotDistinct"));
        assert_eq!(code(&["a b"]), Err("InvalidBatchEntryId"));
        assert_eq!(code(&[&"a".repeat(81)]), Err("InvalidBatchEntryId"));
        assert_eq!(code(&["a", "b_-9"]), Ok(()));
    }
}
