//! A subscription as the lists show it.

use belfry_notify::topic::SubscriptionSummary;
use serde::Serialize;

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Subscription {
    pub subscription_arn: String,
    pub owner: String,
    pub protocol: String,
    pub endpoint: String,
    pub topic_arn: String,
}

impl From<SubscriptionSummary> for Subscription {
    fn from(summary: SubscriptionSummary) -> Self {
        Self {
            subscription_arn: summary.subscription_arn,
            owner: summary.owner,
            protocol: summary.protocol,
            endpoint: summary.endpoint,
            topic_arn: summary.topic_arn,
        }
    }
}
