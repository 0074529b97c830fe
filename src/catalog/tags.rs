//! Tags by ARN, one shelf for every kind of resource.

use async_trait::async_trait;

use crate::error::Result;

#[async_trait]
pub trait TagCatalog: Send + Sync {
    /// Adds or replaces. The last of several tags with one key counts.
    ///
    /// # Errors
    /// `Conflict` if the resource would carry more than `max` tags; then none is set.
    /// `NotFound` if the ARN is that of an alarm, dashboard, log group or topic which does
    /// not exist: tags set while their resource is being deleted must not survive it.
    async fn put_tags(&self, arn: &str, tags: &[(String, String)], max: usize) -> Result<()>;
    async fn remove_tags(&self, arn: &str, keys: &[String]) -> Result<()>;
    /// In order of key.
    async fn tags(&self, arn: &str) -> Result<Vec<(String, String)>>;
}
