//! Create, delete and list topics; their attributes and permissions (spec notifications.md 1).

use std::collections::BTreeMap;

use belfry_catalog::Page;
use belfry_catalog::topics::TopicRow;
use belfry_model::{Tenant, arn};

use super::attributes::{self, Setting};
use super::lookup::{self, PAGE};
use super::{TopicService, tags};
use crate::error::{Error, Result};
use crate::policy::access;

const NAME_CHARS_MAX: usize = 256;
const POLICY: &str = "Policy";
const FIFO_SUFFIX: &str = ".fifo";

impl TopicService {
    /// The ARN of the new topic, or of the one that is there already and agrees.
    ///
    /// # Errors
    /// Names, attributes and tags that are not allowed, or that differ from those of the
    /// existing topic.
    pub async fn create_topic(
        &self,
        tenant: &Tenant,
        name: &str,
        given: BTreeMap<String, String>,
        tags: Vec<(String, String)>,
    ) -> Result<String> {
        let given = check_fifo(name, given)?;
        check_name(name)?;
        let mut kept = BTreeMap::new();
        for (name, value) in &given {
            let setting = attributes::check(name, value)
                .map_err(|text| Error::invalid(format!("Attributes Reason: {text}")))?;
            if let Setting::Keep(value) = setting {
                kept.insert(name.clone(), value);
            }
        }
        tags::check(&tags)?;
        let topic_arn = arn::topic(tenant, name);
        if let Some(existing) = self.catalog.topic(&topic_arn).await? {
            return self.agree_or_refuse(existing, &given, &tags).await;
        }
        let topic = TopicRow {
            arn: topic_arn.clone(),
            tenant: tenant.clone(),
            name: name.to_owned(),
            attributes: kept,
            created_at: self.clock.now(),
            subscriptions_deleted: 0,
        };
        match self.catalog.create_topic(topic, tags.clone()).await {
            Ok(()) => Ok(topic_arn),
            // Somebody was faster.
            Err(belfry_catalog::Error::AlreadyExists { .. }) => {
                let existing = self.catalog.topic(&topic_arn).await?;
                let existing = existing.ok_or(Error::TopicNotFound)?;
                self.agree_or_refuse(existing, &given, &tags).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn agree_or_refuse(
        &self,
        existing: TopicRow,
        given: &BTreeMap<String, String>,
        tags: &[(String, String)],
    ) -> Result<String> {
        if !attributes::agree(&existing, given) {
            return Err(Error::invalid(
                "Attributes Reason: Topic already exists with different attributes",
            ));
        }
        if !tags.is_empty() {
            let mut stored = self.catalog.tags(&existing.arn).await?;
            let mut wanted = tags.to_vec();
            stored.sort();
            wanted.sort();
            if stored != wanted {
                return Err(Error::invalid(
                    "Tags Reason: Topic already exists with different tags",
                ));
            }
        }
        Ok(existing.arn)
    }

    /// With its subscriptions, at once. Unknown topics are no error.
    ///
    /// # Errors
    /// ARNs that name no topic of the caller's account and region.
    pub async fn delete_topic(&self, tenant: &Tenant, topic_arn: &str) -> Result<()> {
        lookup::check_topic_arn(tenant, "TopicArn", topic_arn)?;
        Ok(self.catalog.delete_topic(topic_arn).await?)
    }

    /// ARNs of the caller's topics after the one given, 100 a page.
    ///
    /// # Errors
    /// The catalog's.
    pub async fn list_topics(&self, tenant: &Tenant, after: Option<&str>) -> Result<Page<String>> {
        let page = self.catalog.topics(tenant, after, PAGE).await?;
        Ok(page.map(|topic| topic.arn))
    }

    /// # Errors
    /// `NotFound`, and ARNs that name no topic of the caller.
    pub async fn topic_attributes(
        &self,
        tenant: &Tenant,
        topic_arn: &str,
    ) -> Result<BTreeMap<String, String>> {
        let topic = self.topic(tenant, topic_arn).await?;
        let counts = self.catalog.subscription_counts(topic_arn).await?;
        Ok(attributes::visible(&topic, counts))
    }

    /// No value counts as an empty one.
    ///
    /// # Errors
    /// `NotFound`; names and values that are not allowed.
    pub async fn set_topic_attribute(
        &self,
        tenant: &Tenant,
        topic_arn: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<()> {
        self.topic(tenant, topic_arn).await?;
        let setting = attributes::check(name, value.unwrap_or_default()).map_err(Error::invalid)?;
        let value = match &setting {
            Setting::Keep(value) => Some(value.as_str()),
            Setting::Clear => None,
        };
        match self
            .catalog
            .set_topic_attribute(topic_arn, name, value)
            .await
        {
            Err(belfry_catalog::Error::NotFound { .. }) => Err(Error::TopicNotFound),
            other => Ok(other?),
        }
    }

    /// Adds a statement to the topic's policy.
    ///
    /// # Errors
    /// `NotFound`; a label that is taken; actions that topics do not have.
    pub async fn add_permission(
        &self,
        tenant: &Tenant,
        topic_arn: &str,
        label: &str,
        accounts: &[String],
        actions: &[String],
    ) -> Result<()> {
        self.change_policy(tenant, topic_arn, |policy| {
            let policy = access::with_statement(policy, topic_arn, label, accounts, actions)?;
            attributes::check(POLICY, &policy)?;
            Ok(policy)
        })
        .await
    }

    /// Unknown labels are no error.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn remove_permission(
        &self,
        tenant: &Tenant,
        topic_arn: &str,
        label: &str,
    ) -> Result<()> {
        self.change_policy(tenant, topic_arn, |policy| {
            access::without_statement(policy, label)
        })
        .await
    }

    /// Of two changes at once, none is lost.
    async fn change_policy(
        &self,
        tenant: &Tenant,
        topic_arn: &str,
        change: impl Fn(&str) -> Result<String, String>,
    ) -> Result<()> {
        loop {
            let topic = self.topic(tenant, topic_arn).await?;
            let changed = change(&current_policy(&topic)).map_err(Error::invalid)?;
            let read = topic.attributes.get(POLICY).map(String::as_str);
            let replaced = self
                .catalog
                .replace_topic_attribute(topic_arn, POLICY, read, &changed);
            match replaced.await {
                // Somebody else changed it: judge anew. Each round, somebody makes progress.
                Err(belfry_catalog::Error::Conflict { .. }) => {}
                Err(belfry_catalog::Error::NotFound { .. }) => return Err(Error::TopicNotFound),
                other => return Ok(other?),
            }
        }
    }
}

fn current_policy(topic: &TopicRow) -> String {
    topic
        .attributes
        .get(POLICY)
        .cloned()
        .unwrap_or_else(|| access::default_policy(&topic.tenant, &topic.arn))
}

fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(allowed) {
        return Err(Error::invalid("Topic Name"));
    }
    Ok(())
}

/// FIFO topics deliver to queues only, and no queue transport exists: a clear refusal
/// instead of a topic that reaches nobody. `FifoTopic=false` is accepted and forgotten.
fn check_fifo(name: &str, mut given: BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    match given.remove("FifoTopic").as_deref() {
        None | Some("false") => Ok(given),
        Some("true") => {
            let stem = name.strip_suffix(FIFO_SUFFIX).unwrap_or_default();
            check_name(stem).and(Err(Error::invalid(
                "Attributes Reason: FIFO topics are not offered by this server yet",
            )))
        }
        Some(other) => Err(Error::invalid(format!(
            "Attributes Reason: FifoTopic: Invalid value [{other}]. Must be true or false."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        for name in ["a", "A_b-9", &"x".repeat(256)] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a.fifo", "é", &"x".repeat(257)] {
            let error = check_name(name).expect_err(name);
            assert_eq!(error.to_string(), "Invalid parameter: Topic Name");
        }
    }

    #[test]
    fn fifo_topics_are_refused_whole() {
        let with = |value: &str| BTreeMap::from([("FifoTopic".to_owned(), value.to_owned())]);
        assert_eq!(
            check_fifo("a", with("false")).expect("accepted"),
            BTreeMap::new()
        );
        let error = check_fifo("a.fifo", with("true")).expect_err("not offered");
        assert!(error.to_string().contains("FIFO topics are not offered"));
        let error = check_fifo("a", with("true")).expect_err("no suffix");
        assert_eq!(error.to_string(), "Invalid parameter: Topic Name");
    }
}
