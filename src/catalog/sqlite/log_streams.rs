//! Log streams: the second half of the trait in `log_groups`.

use belfry_model::TimestampMs;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::fields::{Fields, stored};
use super::paging::{
    fetch_limit, numbered_cursor, page, parse_numbered_cursor, push_list, push_prefix,
};
use super::{PARAMETERS_MAX, SqliteCatalog, next_number};
use crate::Page;
use crate::error::{Error, Result};
use crate::log_groups::{
    LogGroupId, LogStream, LogStreamActivity, LogStreamId, LogStreamListing, LogStreamOrder,
    merge_activity,
};

/// What the generated column `event_order` holds for a stream without events.
const NO_EVENT: i64 = -i64::MAX;

pub(super) fn log_stream(row: &SqliteRow) -> Result<LogStream> {
    let fields = Fields::of(row, "log_stream", "name");
    Ok(LogStream {
        id: LogStreamId(fields.unsigned("id")?),
        group: LogGroupId(fields.unsigned("group_id")?),
        name: fields.get("name")?,
        created_at: fields.time("created_at")?,
        first_event: fields.time_opt("first_event")?,
        last_event: fields.time_opt("last_event")?,
        last_ingestion: fields.time_opt("last_ingestion")?,
    })
}

/// What the column of that name holds.
fn event_order(stream: &LogStream) -> i64 {
    stream.last_event.map_or(NO_EVENT, |time| time.0)
}

/// A list may hold more ids than a statement takes parameters.
fn json_list(unflushed: &[LogStreamActivity]) -> String {
    let ids: Vec<String> = unflushed
        .iter()
        .map(|row| row.stream.0.to_string())
        .collect();
    format!("[{}]", ids.join(","))
}

/// Ids beyond the column's range name nothing.
fn column(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(0)
}

impl SqliteCatalog {
    pub(super) async fn insert_stream(
        &self,
        group: LogGroupId,
        name: &str,
        now: TimestampMs,
    ) -> Result<LogStream> {
        let mut tx = self.begin().await?;
        let known: Option<i64> = sqlx::query_scalar("SELECT id FROM log_group WHERE id = $1")
            .bind(column(group.0))
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_none() {
            return Err(Error::NotFound {
                what: "log group with id",
                name: group.0.to_string(),
            });
        }
        let id = next_number(&mut tx, "catalog.log_stream").await?;
        let row = sqlx::query(
            "INSERT INTO log_stream (id, group_id, name, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING RETURNING *",
        )
        .bind(stored("log stream", name, id)?)
        .bind(column(group.0))
        .bind(name)
        .bind(now.0)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| Error::AlreadyExists {
            what: "log stream",
            name: name.to_owned(),
        })?;
        tx.commit().await?;
        log_stream(&row)
    }

    pub(super) async fn remove_stream(&self, group: LogGroupId, name: &str) -> Result<LogStream> {
        let mut tx = self.begin().await?;
        let row =
            sqlx::query("DELETE FROM log_stream WHERE group_id = $1 AND name = $2 RETURNING *")
                .bind(column(group.0))
                .bind(name)
                .fetch_optional(&mut *tx)
                .await?
                .ok_or_else(|| Error::NotFound {
                    what: "log stream",
                    name: name.to_owned(),
                })?;
        tx.commit().await?;
        log_stream(&row)
    }

    pub(super) async fn stream_by_name(
        &self,
        group: LogGroupId,
        name: &str,
    ) -> Result<Option<LogStream>> {
        let row = sqlx::query("SELECT * FROM log_stream WHERE group_id = $1 AND name = $2")
            .bind(column(group.0))
            .bind(name)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(log_stream).transpose()
    }

    pub(super) async fn stream_page(
        &self,
        group: LogGroupId,
        listing: LogStreamListing<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<LogStream>> {
        let LogStreamListing {
            prefix,
            order,
            descending,
        } = listing;
        let (beyond, direction) = if descending {
            (" < ", " DESC")
        } else {
            (" > ", "")
        };
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM log_stream WHERE group_id = ");
        query.push_bind(column(group.0));
        if let Some(prefix) = prefix {
            push_prefix(&mut query, prefix);
        }
        match order {
            LogStreamOrder::Name => {
                if let Some(after) = after {
                    query.push(" AND name").push(beyond).push_bind(after);
                }
                query.push(" ORDER BY name").push(direction);
            }
            LogStreamOrder::LastEvent { unflushed } => {
                if !unflushed.is_empty() {
                    query.push(" AND id NOT IN (SELECT value FROM json_each(");
                    query.push_bind(json_list(unflushed)).push("))");
                }
                if let Some(after) = after {
                    let (event_order, name) = parse_numbered_cursor(after)?;
                    query.push(" AND (event_order, name)").push(beyond);
                    query.push("(").push_bind(event_order);
                    query.push(", ").push_bind(name).push(")");
                }
                query.push(" ORDER BY event_order").push(direction);
                query.push(", name").push(direction);
            }
        }
        query.push(" LIMIT ").push_bind(fetch_limit(limit));
        let rows = query.build().fetch_all(&self.readers).await?;
        let mut streams = rows.iter().map(log_stream).collect::<Result<Vec<_>>>()?;
        if let LogStreamOrder::LastEvent { unflushed } = order
            && !unflushed.is_empty()
        {
            let cursor = after.map(parse_numbered_cursor).transpose()?;
            let ids: Vec<LogStreamId> = unflushed.iter().map(|row| row.stream).collect();
            let mut changed = self.streams_by_id(&ids).await?;
            merge_activity(&mut changed, unflushed);
            changed.retain(|stream| {
                let place = (event_order(stream), &*stream.name);
                let is_beyond = cursor.is_none_or(|cursor| {
                    if descending {
                        place < cursor
                    } else {
                        place > cursor
                    }
                });
                let is_listed = prefix.is_none_or(|prefix| stream.name.starts_with(prefix));
                stream.group == group && is_listed && is_beyond
            });
            streams.append(&mut changed);
            streams.sort_by(|a, b| {
                let ascending = (event_order(a), &a.name).cmp(&(event_order(b), &b.name));
                if descending {
                    ascending.reverse()
                } else {
                    ascending
                }
            });
        }
        Ok(page(streams, limit, |stream: &LogStream| match order {
            LogStreamOrder::Name => stream.name.clone(),
            LogStreamOrder::LastEvent { .. } => numbered_cursor(event_order(stream), &stream.name),
        }))
    }

    pub(super) async fn streams_by_id(&self, ids: &[LogStreamId]) -> Result<Vec<LogStream>> {
        let mut streams = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(PARAMETERS_MAX) {
            let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM log_stream WHERE id IN ");
            push_list(&mut query, chunk.iter().map(|id| column(id.0)));
            let rows = query
                .build()
                .persistent(false)
                .fetch_all(&self.readers)
                .await?;
            for row in &rows {
                streams.push(log_stream(row)?);
            }
        }
        Ok(streams)
    }
}
