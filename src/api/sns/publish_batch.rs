//! PublishBatch: up to ten messages, each with its own outcome.

use belfry_notify::topic::BatchEntry;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::message_attribute::MessageAttribute;
use super::{fail, message_attribute};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct PublishBatch;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub topic_arn: Option<String>,
    pub publish_batch_request_entries: Option<Vec<Entry>>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub successful: Vec<Successful>,
    pub failed: Vec<Failed>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Successful {
    pub id: String,
    pub message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Failed {
    pub id: String,
    pub code: &'static str,
    pub message: String,
    pub sender_fault: bool,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Entry {
    pub id: Option<String>,
    pub message: Option<String>,
    pub subject: Option<String>,
    pub message_structure: Option<String>,
    pub message_attributes: Option<IndexMap<String, MessageAttribute>>,
    pub message_deduplication_id: Option<String>,
    pub message_group_id: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("TopicArn", &self.topic_arn).required();
        c.member(
            "PublishBatchRequestEntries",
            &self.publish_batch_request_entries,
        )
        .required()
        .elements();
    }
}

impl Operation for PublishBatch {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "PublishBatch";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let entries = input.publish_batch_request_entries.unwrap_or_default();
        let outcome = services
            .topics
            .publish_batch(
                &call.tenant,
                &input.topic_arn.unwrap_or_default(),
                entries.into_iter().map(BatchEntry::from).collect(),
            )
            .await
            .map_err(fail)?;
        let successful = outcome.successful.into_iter().map(|entry| Successful {
            id: entry.id,
            message_id: entry.published.message_id,
            sequence_number: entry.published.sequence_number,
        });
        let failed = outcome.failed.into_iter().map(|entry| Failed {
            id: entry.id,
            code: entry.code,
            message: entry.message,
            sender_fault: entry.sender_fault,
        });
        Ok(Output {
            successful: successful.collect(),
            failed: failed.collect(),
        })
    }
}

impl Constrained for Entry {
    fn check(&self, c: &mut Constraints) {
        c.member("Id", &self.id).required();
        c.member("Message", &self.message).required();
    }
}

impl From<Entry> for BatchEntry {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id.unwrap_or_default(),
            message: entry.message.unwrap_or_default(),
            subject: entry.subject,
            message_structure: entry.message_structure,
            attributes: message_attribute::inputs(entry.message_attributes),
            deduplication_id: entry.message_deduplication_id,
            group_id: entry.message_group_id,
        }
    }
}
