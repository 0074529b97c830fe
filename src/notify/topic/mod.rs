//! Topics and subscriptions: every rule of the SNS API (spec notifications.md 1, 2, 5).
//!
//! | file | what |
//! |---|---|
//! | `lookup` | ARNs to rows, with AWS's messages for each way to be wrong |
//! | `lifecycle` | create, delete, list topics; their attributes and permissions |
//! | `attributes` | which attributes a topic has and what they may hold |
//! | `tags` | tags of topics |
//! | `endpoint` | what each protocol takes as its endpoint |
//! | `subscribe` | subscribe, list |
//! | `subscription_attributes` | which attributes a subscription has and what they may hold |
//! | `confirm` | confirm and unsubscribe |
//! | `message_check` | what may be published |
//! | `publish` | publish one message or a batch |

mod attributes;
mod confirm;
mod endpoint;
mod lifecycle;
mod lookup;
mod message_check;
mod publish;
mod subscribe;
mod subscription_attributes;
mod tags;

use std::sync::Arc;

use belfry_catalog::Catalog;
use belfry_model::{Clock, Tenant};
use tokio::sync::Notify;

use crate::config::NotifyConfig;
use crate::observer::NotifyObserver;
use crate::token::TokenMint;

pub(crate) use attributes::delivery_policy as topic_delivery_policy;
pub use confirm::ConfirmRequest;
pub use endpoint::{Protocol, masked};
pub use message_check::AttributeInput;
pub use publish::{
    BatchEntry, BatchFailure, BatchOutcome, BatchSuccess, PublishRequest, Published,
};
pub use subscribe::{SubscribeOutcome, SubscribeRequest, SubscriptionSummary};
pub use subscription_attributes::{EffectiveSubscription, delivery_policy_of};

/// Who calls, once the signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub tenant: Tenant,
    /// The principal's ARN, as `SubscriptionPrincipal` shows it; empty where nobody signs.
    pub principal: String,
}

impl Caller {
    fn named_principal(&self) -> Option<String> {
        Some(self.principal.clone()).filter(|principal| !principal.is_empty())
    }
}

/// The operations on topics and subscriptions. Cheap to clone.
#[derive(Clone)]
pub struct TopicService {
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<NotifyConfig>,
    pub(crate) mint: TokenMint,
    pub(crate) observer: Arc<dyn NotifyObserver>,
    /// Told whenever the outbox got a row that is due.
    pub(crate) wake: Arc<Notify>,
}
