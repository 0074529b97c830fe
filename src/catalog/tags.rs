//! Tags by ARN, one shelf for every kind of resource.

use async_trait::async_trait;

use crate::error::Result;

#[async_trait]
pub trait TagCatalog: Send + Sync {
    /// Adds or replaces; in order of key.
    ///
    /// # Errors
    /// `Conflict` if the resource would carry more than `max` tags; then none is set.
    async fn put_tags(&self, arn: &str, tags: &[(String, String)], max: usize) -> Result<()>;
    async fn remove_tags(&self, arn: &str, keys: &[String]) -> Result<()>;
    async fn tags(&self, arn: &str) -> Result<Vec<(String, String)>>;
}
