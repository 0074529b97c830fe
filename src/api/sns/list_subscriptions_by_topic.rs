//! ListSubscriptionsByTopic: of one topic, 100 a page.

use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::fail;
use super::subscription::Subscription;
use crate::operation::{Call, Operation};
use crate::pages::Pages;
use crate::services::Services;

pub struct ListSubscriptionsByTopic;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub topic_arn: Option<String>,
    pub next_token: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub subscriptions: Vec<Subscription>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("TopicArn", &self.topic_arn).required();
    }
}

impl Operation for ListSubscriptionsByTopic {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "ListSubscriptionsByTopic";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let topic_arn = input.topic_arn.unwrap_or_default();
        let pages = Pages::new(services, call, Self::NAME, &topic_arn);
        let after = pages.open(input.next_token.as_deref())?;
        let page = services
            .topics
            .list_subscriptions_by_topic(&call.tenant, &topic_arn, after.as_deref())
            .await
            .map_err(fail)?;
        Ok(Output {
            subscriptions: page.items.into_iter().map(Subscription::from).collect(),
            next_token: pages.next(page.next_after),
        })
    }
}
