//! SNS: one file for each operation.
//!
//! Beside the operations: `tag`, `subscription` and `message_attribute`, structures that several
//! of them share.

mod add_permission;
mod confirm_subscription;
mod create_topic;
mod delete_topic;
mod get_subscription_attributes;
mod get_topic_attributes;
mod list_subscriptions;
mod list_subscriptions_by_topic;
mod list_tags_for_resource;
mod list_topics;
mod message_attribute;
mod publish;
mod publish_batch;
mod remove_permission;
mod set_subscription_attributes;
mod set_topic_attributes;
mod subscribe;
mod subscription;
mod tag;
mod tag_resource;
mod unsubscribe;
mod untag_resource;

#[cfg(test)]
mod tests;

use belfry_model::{Classified, StatusClass};
use belfry_notify::Error;
use belfry_notify::topic::Caller;
use belfry_wire::Service;
use belfry_wire::errors::{self, ApiError};

use crate::failure::failure;
use crate::operation::{Call, Handler, Typed};

pub use add_permission::AddPermission;
pub use confirm_subscription::ConfirmSubscription;
pub use create_topic::CreateTopic;
pub use delete_topic::DeleteTopic;
pub use get_subscription_attributes::GetSubscriptionAttributes;
pub use get_topic_attributes::GetTopicAttributes;
pub use list_subscriptions::ListSubscriptions;
pub use list_subscriptions_by_topic::ListSubscriptionsByTopic;
pub use list_tags_for_resource::ListTagsForResource;
pub use list_topics::ListTopics;
pub use publish::Publish;
pub use publish_batch::PublishBatch;
pub use remove_permission::RemovePermission;
pub use set_subscription_attributes::SetSubscriptionAttributes;
pub use set_topic_attributes::SetTopicAttributes;
pub use subscribe::Subscribe;
pub use tag_resource::TagResource;
pub use unsubscribe::Unsubscribe;
pub use untag_resource::UntagResource;

pub const OPERATIONS: &[&dyn Handler] = &[
    &Typed::<AddPermission>::NEW,
    &Typed::<ConfirmSubscription>::NEW,
    &Typed::<CreateTopic>::NEW,
    &Typed::<DeleteTopic>::NEW,
    &Typed::<GetSubscriptionAttributes>::NEW,
    &Typed::<GetTopicAttributes>::NEW,
    &Typed::<ListSubscriptions>::NEW,
    &Typed::<ListSubscriptionsByTopic>::NEW,
    &Typed::<ListTagsForResource>::NEW,
    &Typed::<ListTopics>::NEW,
    &Typed::<Publish>::NEW,
    &Typed::<PublishBatch>::NEW,
    &Typed::<RemovePermission>::NEW,
    &Typed::<SetSubscriptionAttributes>::NEW,
    &Typed::<SetTopicAttributes>::NEW,
    &Typed::<Subscribe>::NEW,
    &Typed::<TagResource>::NEW,
    &Typed::<Unsubscribe>::NEW,
    &Typed::<UntagResource>::NEW,
];

/// The service's error under its wire code; failures of ours without their cause.
fn fail(error: Error) -> ApiError {
    let is_ours = matches!(
        error.class(),
        StatusClass::Internal | StatusClass::Corrupt | StatusClass::Throttled
    );
    if is_ours {
        return failure(Service::Sns, error);
    }
    errors::sns::error(error.code(), error.to_string())
}

/// Who calls, for operations that note it.
fn caller(call: &Call) -> Caller {
    Caller {
        tenant: call.tenant.clone(),
        principal: call.principal.clone().unwrap_or_default(),
    }
}
