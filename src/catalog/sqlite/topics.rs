//! Topics and subscriptions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use belfry_model::{Tenant, TimestampMs};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::fields::{Fields, stored, to_json};
use super::paging::{of_tenant, push_order_after};
use super::{SqliteCatalog, outbox, tags};
use crate::Page;
use crate::error::{Error, Result};
use crate::outbox::NewOutboxRow;
use crate::topics::{
    FilterPolicyLimits, SubscriptionCounts, SubscriptionRow, TopicCatalog, TopicRow,
};

pub(super) fn topic(row: &SqliteRow) -> Result<TopicRow> {
    let fields = Fields::of(row, "topic", "arn");
    Ok(TopicRow {
        arn: fields.get("arn")?,
        tenant: fields.tenant()?,
        name: fields.get("name")?,
        attributes: fields.json("attributes")?,
        created_at: fields.time("created_at")?,
        subscriptions_deleted: fields.unsigned("subscriptions_deleted")?,
    })
}

pub(super) fn subscription(row: &SqliteRow) -> Result<SubscriptionRow> {
    let fields = Fields::of(row, "subscription", "arn");
    Ok(SubscriptionRow {
        arn: fields.get("arn")?,
        topic_arn: fields.get("topic_arn")?,
        tenant: fields.tenant()?,
        protocol: fields.get("protocol")?,
        endpoint: fields.get("endpoint")?,
        attributes: fields.json("attributes")?,
        confirmed: fields.get("confirmed")?,
        confirmation_was_authenticated: fields.get("confirmation_was_authenticated")?,
        authenticate_on_unsubscribe: fields.get("authenticate_on_unsubscribe")?,
        token_hash: fields.get("token_hash")?,
        token_expires_at: fields.time_opt("token_expires_at")?,
        created_at: fields.time("created_at")?,
    })
}

fn not_found(what: &'static str, arn: &str) -> Error {
    Error::NotFound {
        what,
        name: arn.to_owned(),
    }
}

#[async_trait]
impl TopicCatalog for SqliteCatalog {
    async fn create_topic(&self, topic: TopicRow, tags: Vec<(String, String)>) -> Result<()> {
        let mut tx = self.begin().await?;
        let created = sqlx::query(
            "INSERT INTO topic (arn, account, region, name, attributes, created_at, \
                 subscriptions_deleted) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(&topic.arn)
        .bind(&*topic.tenant.account)
        .bind(&*topic.tenant.region)
        .bind(&topic.name)
        .bind(to_json(
            "attributes of topic",
            &topic.arn,
            &topic.attributes,
        )?)
        .bind(topic.created_at.0)
        .bind(stored("topic", &topic.arn, topic.subscriptions_deleted)?)
        .execute(&mut *tx)
        .await?;
        if created.rows_affected() == 0 {
            return Err(Error::AlreadyExists {
                what: "topic",
                name: topic.arn,
            });
        }
        tags::replace_all(&mut tx, &topic.arn, &tags).await?;
        Ok(tx.commit().await?)
    }

    async fn topic(&self, arn: &str) -> Result<Option<TopicRow>> {
        let row = sqlx::query("SELECT * FROM topic WHERE arn = $1")
            .bind(arn)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(topic).transpose()
    }

    async fn topics(
        &self,
        tenant: &Tenant,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<TopicRow>> {
        let mut query = of_tenant("topic", tenant);
        push_order_after(&mut query, "arn", after);
        self.fetch_page(query, limit, topic, |row| row.arn.clone())
            .await
    }

    async fn set_topic_attribute(&self, arn: &str, name: &str, value: Option<&str>) -> Result<()> {
        self.change_topic_attribute(arn, name, value, |_| true)
            .await
    }

    async fn replace_topic_attribute(
        &self,
        arn: &str,
        name: &str,
        read: Option<&str>,
        changed: &str,
    ) -> Result<()> {
        self.change_topic_attribute(arn, name, Some(changed), |stored| stored == read)
            .await
    }

    async fn delete_topic(&self, arn: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM topic WHERE arn = $1")
            .bind(arn)
            .execute(&mut *tx)
            .await?;
        tags::replace_all(&mut tx, arn, &[]).await?;
        Ok(tx.commit().await?)
    }

    async fn subscription_counts(&self, topic_arn: &str) -> Result<SubscriptionCounts> {
        let row = sqlx::query(
            "SELECT $1 AS arn, COUNT(*) AS total, \
                 COALESCE(SUM(CASE WHEN confirmed THEN 1 ELSE 0 END), 0) AS confirmed \
             FROM subscription WHERE topic_arn = $1",
        )
        .bind(topic_arn)
        .fetch_one(&self.readers)
        .await?;
        let fields = Fields::of(&row, "subscription", "arn");
        let total: u64 = fields.unsigned("total")?;
        let confirmed: u64 = fields.unsigned("confirmed")?;
        Ok(SubscriptionCounts {
            confirmed,
            pending: total.saturating_sub(confirmed),
        })
    }

    async fn put_subscription(
        &self,
        subscription: SubscriptionRow,
        limits: FilterPolicyLimits,
        outbox: Vec<NewOutboxRow>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        upsert(&mut tx, &subscription, limits).await?;
        outbox::insert_all(&mut tx, &outbox, None).await?;
        Ok(tx.commit().await?)
    }

    async fn replace_subscription(
        &self,
        read: &SubscriptionRow,
        changed: SubscriptionRow,
        limits: FilterPolicyLimits,
        outbox: Vec<NewOutboxRow>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = sqlx::query("SELECT * FROM subscription WHERE arn = $1")
            .bind(&read.arn)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| not_found("subscription", &read.arn))?;
        let same_place = changed.arn == read.arn && changed.topic_arn == read.topic_arn;
        if subscription(&row)? != *read || !same_place {
            return Err(Error::Conflict {
                what: "subscription",
                name: changed.arn,
            });
        }
        upsert(&mut tx, &changed, limits).await?;
        outbox::insert_all(&mut tx, &outbox, None).await?;
        Ok(tx.commit().await?)
    }

    async fn subscription(&self, arn: &str) -> Result<Option<SubscriptionRow>> {
        let row = sqlx::query("SELECT * FROM subscription WHERE arn = $1")
            .bind(arn)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(subscription).transpose()
    }

    async fn subscription_by_endpoint(
        &self,
        topic_arn: &str,
        protocol: &str,
        endpoint: &str,
    ) -> Result<Option<SubscriptionRow>> {
        let row = sqlx::query(
            "SELECT * FROM subscription WHERE topic_arn = $1 AND protocol = $2 AND endpoint = $3",
        )
        .bind(topic_arn)
        .bind(protocol)
        .bind(endpoint)
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(subscription).transpose()
    }

    async fn subscription_by_token(
        &self,
        topic_arn: &str,
        token_hash: &str,
    ) -> Result<Option<SubscriptionRow>> {
        let row = sqlx::query(
            "SELECT * FROM subscription WHERE topic_arn = $1 AND token_hash = $2 LIMIT 1",
        )
        .bind(topic_arn)
        .bind(token_hash)
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(subscription).transpose()
    }

    async fn subscriptions(
        &self,
        tenant: &Tenant,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<SubscriptionRow>> {
        let query = of_tenant("subscription", tenant);
        self.subscription_page(query, after, limit).await
    }

    async fn subscriptions_of_topic(
        &self,
        topic_arn: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<SubscriptionRow>> {
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT * FROM subscription WHERE topic_arn = ");
        query.push_bind(topic_arn);
        self.subscription_page(query, after, limit).await
    }

    async fn delete_subscription(&self, arn: &str, outbox: Vec<NewOutboxRow>) -> Result<()> {
        let mut tx = self.begin().await?;
        let topic_arn: Option<String> =
            sqlx::query_scalar("DELETE FROM subscription WHERE arn = $1 RETURNING topic_arn")
                .bind(arn)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(topic_arn) = topic_arn else {
            return Ok(());
        };
        sqlx::query(
            "UPDATE topic SET subscriptions_deleted = subscriptions_deleted + 1 WHERE arn = $1",
        )
        .bind(topic_arn)
        .execute(&mut *tx)
        .await?;
        outbox::insert_all(&mut tx, &outbox, None).await?;
        Ok(tx.commit().await?)
    }

    async fn expire_pending_subscriptions(&self, before: TimestampMs) -> Result<u64> {
        self.trim(
            "DELETE FROM subscription WHERE arn IN (SELECT arn FROM subscription \
             WHERE NOT confirmed AND created_at < $1 LIMIT $2)",
            before,
        )
        .await
    }
}

impl SqliteCatalog {
    async fn subscription_page(
        &self,
        mut query: QueryBuilder<Sqlite>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<SubscriptionRow>> {
        push_order_after(&mut query, "arn", after);
        self.fetch_page(query, limit, subscription, |row| row.arn.clone())
            .await
    }

    /// # Errors
    /// `Conflict` unless the stored value is one `may_change`.
    async fn change_topic_attribute(
        &self,
        arn: &str,
        name: &str,
        value: Option<&str>,
        may_change: impl FnOnce(Option<&str>) -> bool + Send,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = sqlx::query("SELECT arn, attributes FROM topic WHERE arn = $1")
            .bind(arn)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| not_found("topic", arn))?;
        let mut attributes: BTreeMap<String, String> =
            Fields::of(&row, "topic", "arn").json("attributes")?;
        if !may_change(attributes.get(name).map(String::as_str)) {
            return Err(Error::Conflict {
                what: "topic",
                name: arn.to_owned(),
            });
        }
        match value {
            Some(value) => attributes.insert(name.to_owned(), value.to_owned()),
            None => attributes.remove(name),
        };
        sqlx::query("UPDATE topic SET attributes = $2 WHERE arn = $1")
            .bind(arn)
            .bind(to_json("attributes of topic", arn, &attributes)?)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}

/// Whether there is room for the filter policy of `row`.
async fn check_filter_policies(
    connection: &mut SqliteConnection,
    row: &SubscriptionRow,
    limits: FilterPolicyLimits,
) -> Result<()> {
    let counts = sqlx::query(
        "SELECT $1 AS account, COUNT(*) AS of_account, \
             COALESCE(SUM(CASE WHEN topic_arn = $2 THEN 1 ELSE 0 END), 0) AS of_topic, \
             COALESCE(SUM(CASE WHEN arn = $3 THEN 1 ELSE 0 END), 0) AS own \
         FROM subscription WHERE account = $1 AND has_filter_policy = 1",
    )
    .bind(&*row.tenant.account)
    .bind(&row.topic_arn)
    .bind(&row.arn)
    .fetch_one(connection)
    .await?;
    let fields = Fields::of(&counts, "subscription", "account");
    if fields.unsigned::<u64>("own")? > 0 {
        return Ok(());
    }
    for (of, column, limit) in [
        ("topic", "of_topic", limits.of_topic),
        ("account", "of_account", limits.of_account),
    ] {
        if fields.unsigned::<u64>(column)? >= limit {
            return Err(Error::LimitExceeded {
                what: "filter policies",
                of,
                limit,
            });
        }
    }
    Ok(())
}

/// # Errors
/// `NotFound` without the topic, `AlreadyExists` if the endpoint is another row's,
/// `LimitExceeded`.
async fn upsert(
    connection: &mut SqliteConnection,
    row: &SubscriptionRow,
    limits: FilterPolicyLimits,
) -> Result<()> {
    let topic: Option<i64> = sqlx::query_scalar("SELECT 1 FROM topic WHERE arn = $1")
        .bind(&row.topic_arn)
        .fetch_optional(&mut *connection)
        .await?;
    if topic.is_none() {
        return Err(not_found("topic", &row.topic_arn));
    }
    let occupant: Option<String> = sqlx::query_scalar(
        "SELECT arn FROM subscription WHERE topic_arn = $1 AND protocol = $2 AND endpoint = $3",
    )
    .bind(&row.topic_arn)
    .bind(&row.protocol)
    .bind(&row.endpoint)
    .fetch_optional(&mut *connection)
    .await?;
    if occupant.is_some_and(|arn| arn != row.arn) {
        return Err(Error::AlreadyExists {
            what: "subscription of endpoint",
            name: row.endpoint.clone(),
        });
    }
    if row.attributes.contains_key("FilterPolicy") {
        check_filter_policies(&mut *connection, row, limits).await?;
    }
    sqlx::query(
        "INSERT INTO subscription (arn, topic_arn, account, region, protocol, endpoint, \
             attributes, confirmed, confirmation_was_authenticated, \
             authenticate_on_unsubscribe, token_hash, token_expires_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         ON CONFLICT (arn) DO UPDATE SET topic_arn = excluded.topic_arn, \
             account = excluded.account, region = excluded.region, \
             protocol = excluded.protocol, endpoint = excluded.endpoint, \
             attributes = excluded.attributes, confirmed = excluded.confirmed, \
             confirmation_was_authenticated = excluded.confirmation_was_authenticated, \
             authenticate_on_unsubscribe = excluded.authenticate_on_unsubscribe, \
             token_hash = excluded.token_hash, token_expires_at = excluded.token_expires_at, \
             created_at = excluded.created_at",
    )
    .bind(&row.arn)
    .bind(&row.topic_arn)
    .bind(&*row.tenant.account)
    .bind(&*row.tenant.region)
    .bind(&row.protocol)
    .bind(&row.endpoint)
    .bind(to_json(
        "attributes of subscription",
        &row.arn,
        &row.attributes,
    )?)
    .bind(row.confirmed)
    .bind(row.confirmation_was_authenticated)
    .bind(row.authenticate_on_unsubscribe)
    .bind(&row.token_hash)
    .bind(row.token_expires_at.map(|time| time.0))
    .bind(row.created_at.0)
    .execute(connection)
    .await?;
    Ok(())
}
