//! ListTopics: 100 a page.

use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::fail;
use crate::operation::{Call, Operation};
use crate::pages::Pages;
use crate::services::Services;

pub struct ListTopics;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub next_token: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub topics: Vec<Topic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Topic {
    pub topic_arn: String,
}

impl Constrained for Input {
    fn check(&self, _: &mut Constraints) {}
}

impl Operation for ListTopics {
    const SERVICE: Service = Service::Sns;
    const NAME: &'static str = "ListTopics";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let pages = Pages::new(services, call, Self::NAME, &());
        let after = pages.open(input.next_token.as_deref())?;
        let page = services
            .topics
            .list_topics(&call.tenant, after.as_deref())
            .await
            .map_err(fail)?;
        let topics = page.items.into_iter().map(|topic_arn| Topic { topic_arn });
        Ok(Output {
            topics: topics.collect(),
            next_token: pages.next(page.next_after),
        })
    }
}
