//! A catalog with something in every table, and all that it holds as texts.

use std::fmt::Debug;

use belfry_model::alarm::AlarmState;
use belfry_model::{TimestampMs, arn};

use super::{alarms, log_groups, objects, outbox, pairs, queries, tenant, topics};
use crate::alarms::{AlarmFilter, HistoryFilter};
use crate::log_groups::{LogStreamActivity, LogStreamListing, LogStreamOrder};
use crate::objects::{ObjectKind, Publish, WalCheckpoint};
use crate::queries::{QueryFilter, QueryStatus};
use crate::{Catalog, Result};

const NOW: TimestampMs = TimestampMs(1_772_000_000_000);

pub async fn fill(catalog: &impl Catalog) -> Result<()> {
    let group = log_groups::create(catalog, "/app/größe").await;
    catalog
        .set_retention(&tenant(), &group.name, Some(7), Some(NOW))
        .await?;
    let stream = catalog.create_log_stream(group.id, "s", NOW).await?;
    let publish = Publish {
        insert: vec![
            objects::object(1, ObjectKind::LogSegment),
            objects::object(2, ObjectKind::LogSegment),
            objects::object(3, ObjectKind::MetricsBlock),
        ],
        checkpoint: Some(WalCheckpoint {
            wal: "logs".to_owned(),
            before: 0,
            lsn: 10,
        }),
        stream_activity: vec![LogStreamActivity {
            stream: stream.id,
            first_event: NOW,
            last_event: NOW + 5,
            last_ingestion: NOW + 6,
        }],
        ..Publish::default()
    };
    catalog.publish(publish, NOW).await?;
    let publish = Publish {
        remove: vec![objects::object(2, ObjectKind::LogSegment).id],
        ..Publish::default()
    };
    catalog.publish(publish, NOW + 1).await?;
    catalog.reserve_sequence("log_events", 41).await?;
    catalog.init_setting("key", b"\x00\xff").await?;
    let alarm = alarms::create(catalog, "a/b:c").await;
    let to_alarm = alarms::transition(&alarm, AlarmState::Alarm);
    catalog.transition_alarm(to_alarm).await?;
    catalog
        .put_dashboard(&tenant(), "board", "{\"é\":1}", pairs(&[("k", "v")]), NOW)
        .await?;
    let topic = topics::topic("topic");
    catalog
        .create_topic(topic.clone(), pairs(&[("k", "v")]))
        .await?;
    let mut filtered = topics::subscription(&topic, "2");
    let policy = ("FilterPolicy".to_owned(), "{\"a\":[1]}".to_owned());
    filtered.attributes.extend([policy]);
    filtered.confirmed = true;
    for subscription in [topics::subscription(&topic, "1"), filtered] {
        let queued = vec![outbox::new_row(&subscription.arn, Some("order"))];
        catalog
            .put_subscription(subscription, topics::LIMITS, queued)
            .await?;
    }
    let running = queries::query("running", 1, QueryStatus::Running);
    catalog.put_query(running, Vec::new()).await?;
    let mut complete = queries::query("complete", 2, QueryStatus::Complete);
    complete.row_count = 2;
    let pieces = vec![queries::piece(0, &["[\"ä\"]", "[1]"])];
    catalog.put_query(complete, pieces).await?;
    catalog.acquire_lease("l", "owner", 10, NOW).await?;
    Ok(())
}

/// Everything, with what is decided by chance left out. Reserves, claims and acquires on the way.
pub async fn contents(catalog: &impl Catalog) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut note = |what: &dyn Debug| found.push(format!("{what:?}"));
    let groups = catalog.all_log_groups().await?;
    note(&groups);
    for group in &groups {
        let listing = LogStreamListing {
            prefix: None,
            order: LogStreamOrder::Name,
            descending: false,
        };
        let streams = catalog.log_streams(group.id, listing, None, 9);
        note(&streams.await?.items);
        note(
            &catalog
                .tags(&arn::log_group(&tenant(), &group.name))
                .await?,
        );
    }
    for kind in [ObjectKind::LogSegment, ObjectKind::MetricsBlock] {
        note(&catalog.live_objects(kind).await?);
        note(&catalog.removed_objects(kind, NOW + 2, 9).await?);
    }
    for wal in ["logs", "metrics"] {
        note(&catalog.wal_checkpoint(wal).await?);
    }
    note(&catalog.reserve_sequence("log_events", 1).await?);
    note(&catalog.get_setting("key").await?);
    let filter = AlarmFilter::default();
    let alarms = catalog.alarms(&tenant(), &filter, None, 9).await?.items;
    note(&alarms);
    for alarm in &alarms {
        let arn = arn::alarm(&tenant(), alarm.definition.name());
        note(&catalog.tags(&arn).await?);
    }
    let filter = HistoryFilter::default();
    note(
        &catalog
            .alarm_history(&tenant(), &filter, None, 9)
            .await?
            .items,
    );
    note(&catalog.dashboard(&tenant(), "board").await?);
    note(&catalog.tags(&arn::dashboard(&tenant(), "board")).await?);
    let topics = catalog.topics(&tenant(), None, 9).await?.items;
    note(&topics);
    for topic in &topics {
        note(&catalog.tags(&topic.arn).await?);
        let subscriptions = catalog.subscriptions_of_topic(&topic.arn, None, 9).await?;
        note(&subscriptions.items);
    }
    let filter = QueryFilter::default();
    let queries = catalog.queries(&tenant(), &filter, None, 9).await?.items;
    note(&queries);
    for query in &queries {
        note(&catalog.query_results(query, 0..9).await?);
    }
    note(&catalog.acquire_lease("l", "other", 10, NOW + 1).await?);
    note(&catalog.acquire_lease("l", "other", 10, NOW + 11).await?);
    let claimed = catalog.claim_outbox("owner", NOW, 10, 9).await?;
    let mut claimed: Vec<String> = claimed
        .into_iter()
        .map(|row| {
            format!(
                "{:?} {:?} {:?} {} {} {:?} {:?}",
                row.tenant,
                row.kind,
                row.order_key,
                row.idempotency_key,
                row.payload,
                row.created_at,
                row.due_at
            )
        })
        .collect();
    claimed.sort();
    note(&claimed);
    Ok(found)
}
