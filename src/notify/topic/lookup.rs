//! ARNs to rows (spec notifications.md 1.5).

use belfry_catalog::topics::{SubscriptionRow, TopicRow};
use belfry_model::Tenant;
use belfry_model::arn::Arn;

use super::TopicService;
use crate::error::{Error, Result};

/// Items of one page of a list (spec notifications.md 1.4).
pub(super) const PAGE: usize = 100;

/// An ARN with at least its six elements.
pub(super) fn parse_arn<'a>(parameter: &str, text: &'a str) -> Result<Arn<'a>> {
    if text.is_empty() {
        return Err(Error::invalid(format!(
            "{parameter} Reason: no value for required parameter"
        )));
    }
    Arn::parse(text).map_err(|elements| {
        Error::invalid(format!(
            "{parameter} Reason: An ARN must have at least 6 elements, not {elements}"
        ))
    })
}

/// The ARN of a topic that `tenant` may act on.
pub(super) fn check_topic_arn(tenant: &Tenant, parameter: &str, text: &str) -> Result<()> {
    let arn = parse_arn(parameter, text)?;
    let is_topic = arn.service == "sns" && !arn.resource.is_empty() && !arn.resource.contains(':');
    if !is_topic || arn.region != &*tenant.region {
        return Err(Error::invalid(parameter));
    }
    check_account(tenant, &arn)
}

/// Other accounts' topics are out of reach, whether they exist or not.
fn check_account(tenant: &Tenant, arn: &Arn<'_>) -> Result<()> {
    if arn.account == &*tenant.account {
        return Ok(());
    }
    Err(Error::AuthorizationError(format!(
        "Account {} is not authorized to perform this operation on a resource of account {}",
        tenant.account, arn.account
    )))
}

/// The ARN of a subscription; its region and account are not looked at.
pub(super) fn parse_subscription_arn(text: &str) -> Result<Arn<'_>> {
    let arn = parse_arn("SubscriptionArn", text)?;
    match arn.resource.split_once(':') {
        Some((topic, id)) if !topic.is_empty() && !id.is_empty() && !id.contains(':') => Ok(arn),
        _ => Err(Error::invalid("SubscriptionId")),
    }
}

pub(super) fn check_subscription_arn(tenant: &Tenant, text: &str) -> Result<()> {
    let arn = parse_subscription_arn(text)?;
    if arn.service != "sns" || arn.region != &*tenant.region {
        return Err(Error::invalid("SubscriptionArn"));
    }
    check_account(tenant, &arn)
}

impl TopicService {
    pub(super) async fn topic(&self, tenant: &Tenant, arn: &str) -> Result<TopicRow> {
        check_topic_arn(tenant, "TopicArn", arn)?;
        self.catalog.topic(arn).await?.ok_or(Error::TopicNotFound)
    }

    pub(super) async fn subscription(&self, tenant: &Tenant, arn: &str) -> Result<SubscriptionRow> {
        check_subscription_arn(tenant, arn)?;
        self.catalog
            .subscription(arn)
            .await?
            .ok_or(Error::SubscriptionNotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of spec notifications.md 1.5.
    #[test]
    fn each_way_to_be_wrong_has_its_message() {
        let tenant = Tenant::new("111122223333", "eu-west-1");
        let topic = |text| {
            check_topic_arn(&tenant, "TopicArn", text)
                .expect_err(text)
                .to_string()
        };
        assert_eq!(
            topic("foo"),
            "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"
        );
        assert_eq!(
            topic("arn:aws:sns:us-east-1:111122223333:ops"),
            "Invalid parameter: TopicArn"
        );
        let subscription = |text| {
            check_subscription_arn(&tenant, text)
                .expect_err(text)
                .to_string()
        };
        assert_eq!(
            subscription("arn:aws:sns:eu-west-1:111122223333:ops"),
            "Invalid parameter: SubscriptionId"
        );
        assert_eq!(
            subscription(""),
            "Invalid parameter: SubscriptionArn Reason: no value for required parameter"
        );
        let foreign = check_topic_arn(&tenant, "TopicArn", "arn:aws:sns:eu-west-1:444455556666:x");
        assert_eq!(foreign.expect_err("foreign").code(), "AuthorizationError");
    }
}
