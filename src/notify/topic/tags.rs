//! Tags of topics (spec notifications.md 1.4).

use std::collections::BTreeSet;

use belfry_model::Tenant;
use belfry_model::quota::TAGS_MAX;

use super::{TopicService, lookup};
use crate::error::{Error, Result};

/// As AWS documents for tags everywhere.
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// Judges the tags of one call.
pub(super) fn check(tags: &[(String, String)]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (key, value) in tags {
        if !seen.insert(key) {
            return Err(Error::invalid("Duplicated keys are not allowed."));
        }
        let key_chars = key.chars().count();
        if key_chars == 0 || key_chars > KEY_CHARS_MAX || reserved(key) {
            return Err(Error::invalid("Tags Reason: Invalid tag key"));
        }
        if value.chars().count() > VALUE_CHARS_MAX {
            return Err(Error::invalid("Tags Reason: Invalid tag value"));
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(Error::TagLimitExceeded);
    }
    Ok(())
}

fn reserved(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("aws:"))
}

impl TopicService {
    /// # Errors
    /// `ResourceNotFound`, `TagLimitExceeded`, duplicate keys.
    pub async fn tag_topic(
        &self,
        tenant: &Tenant,
        topic_arn: &str,
        tags: &[(String, String)],
    ) -> Result<()> {
        check(tags)?;
        self.taggable(tenant, topic_arn).await?;
        match self.catalog.put_tags(topic_arn, tags, TAGS_MAX).await {
            Err(belfry_catalog::Error::Conflict { .. }) => Err(Error::TagLimitExceeded),
            other => Ok(other?),
        }
    }

    /// # Errors
    /// `ResourceNotFound`.
    pub async fn untag_topic(
        &self,
        tenant: &Tenant,
        topic_arn: &str,
        keys: &[String],
    ) -> Result<()> {
        self.taggable(tenant, topic_arn).await?;
        Ok(self.catalog.remove_tags(topic_arn, keys).await?)
    }

    /// # Errors
    /// `ResourceNotFound`.
    pub async fn topic_tags(
        &self,
        tenant: &Tenant,
        topic_arn: &str,
    ) -> Result<Vec<(String, String)>> {
        self.taggable(tenant, topic_arn).await?;
        Ok(self.catalog.tags(topic_arn).await?)
    }

    async fn taggable(&self, tenant: &Tenant, topic_arn: &str) -> Result<()> {
        lookup::check_topic_arn(tenant, "ResourceArn", topic_arn)?;
        let topic = self.catalog.topic(topic_arn).await?;
        topic.map(|_| ()).ok_or(Error::ResourceNotFound)
    }
}
