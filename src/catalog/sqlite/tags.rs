//! Tags by ARN.

use async_trait::async_trait;
use belfry_model::arn::Arn;
use sqlx::SqliteConnection;

use super::SqliteCatalog;
use crate::error::{Error, Result};
use crate::tags::TagCatalog;

#[async_trait]
impl TagCatalog for SqliteCatalog {
    async fn put_tags(&self, arn: &str, tags: &[(String, String)], max: usize) -> Result<()> {
        let mut tx = self.begin().await?;
        if !resource_may_exist(&mut tx, arn).await? {
            return Err(Error::NotFound {
                what: "resource",
                name: arn.to_owned(),
            });
        }
        insert(&mut tx, arn, tags).await?;
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM tag WHERE arn = $1")
            .bind(arn)
            .fetch_one(&mut *tx)
            .await?;
        if usize::try_from(count).is_ok_and(|count| count > max) {
            return Err(Error::Conflict {
                what: "set of tags of",
                name: arn.to_owned(),
            });
        }
        Ok(tx.commit().await?)
    }

    async fn remove_tags(&self, arn: &str, keys: &[String]) -> Result<()> {
        let mut tx = self.begin().await?;
        for key in keys {
            sqlx::query("DELETE FROM tag WHERE arn = $1 AND key = $2")
                .bind(arn)
                .bind(key)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn tags(&self, arn: &str) -> Result<Vec<(String, String)>> {
        Ok(
            sqlx::query_as("SELECT key, value FROM tag WHERE arn = $1 ORDER BY key")
                .bind(arn)
                .fetch_all(&self.readers)
                .await?,
        )
    }
}

/// Gives a resource that is created or deleted exactly these tags.
pub(super) async fn replace_all(
    connection: &mut SqliteConnection,
    arn: &str,
    tags: &[(String, String)],
) -> Result<()> {
    sqlx::query("DELETE FROM tag WHERE arn = $1")
        .bind(arn)
        .execute(&mut *connection)
        .await?;
    insert(connection, arn, tags).await
}

async fn insert(
    connection: &mut SqliteConnection,
    arn: &str,
    tags: &[(String, String)],
) -> Result<()> {
    for (key, value) in tags {
        sqlx::query(
            "INSERT INTO tag (arn, key, value) VALUES ($1, $2, $3) \
             ON CONFLICT (arn, key) DO UPDATE SET value = excluded.value",
        )
        .bind(arn)
        .bind(key)
        .bind(value)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// False only for an ARN of a kind that is kept here and names nothing.
pub(super) async fn resource_may_exist(
    connection: &mut SqliteConnection,
    text: &str,
) -> Result<bool> {
    let Ok(arn) = Arn::parse(text) else {
        return Ok(true);
    };
    let kind = arn.resource.split_once([':', '/']);
    let found: Option<i64> = match (arn.service, kind) {
        ("logs", Some(("log-group", name))) => {
            sqlx::query_scalar(
                "SELECT 1 FROM log_group WHERE account = $1 AND region = $2 AND name = $3",
            )
            .bind(arn.account)
            .bind(arn.region)
            .bind(name)
            .fetch_optional(connection)
            .await?
        }
        ("cloudwatch", Some(("alarm", name))) => {
            sqlx::query_scalar(
                "SELECT 1 FROM alarm WHERE account = $1 AND region = $2 AND name = $3",
            )
            .bind(arn.account)
            .bind(arn.region)
            .bind(name)
            .fetch_optional(connection)
            .await?
        }
        ("cloudwatch", Some(("dashboard", name))) => {
            sqlx::query_scalar("SELECT 1 FROM dashboard WHERE account = $1 AND name = $2")
                .bind(arn.account)
                .bind(name)
                .fetch_optional(connection)
                .await?
        }
        ("sns", None) => {
            sqlx::query_scalar("SELECT 1 FROM topic WHERE arn = $1")
                .bind(text)
                .fetch_optional(connection)
                .await?
        }
        _ => return Ok(true),
    };
    Ok(found.is_some())
}
