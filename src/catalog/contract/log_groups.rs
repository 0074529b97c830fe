use belfry_model::{TimestampMs, arn};
use proptest::prelude::*;

use super::{pairs, stranger, tenant};
use crate::log_groups::{
    LogGroup, LogGroupFilter, LogStream, LogStreamActivity, LogStreamListing, LogStreamOrder,
    NewLogGroup,
};
use crate::objects::Publish;
use crate::{Catalog, Error};

const NOW: TimestampMs = TimestampMs(1_772_000_000_000);

fn new_group(name: &str) -> NewLogGroup {
    NewLogGroup {
        tenant: tenant(),
        name: name.to_owned(),
        class: "STANDARD".to_owned(),
        created_at: NOW,
        retention_days: None,
        kms_key_id: Some("key".to_owned()),
        deletion_protection: true,
        tags: pairs(&[("team", "a")]),
    }
}

pub async fn create(catalog: &impl Catalog, name: &str) -> LogGroup {
    let group = catalog.create_log_group(new_group(name)).await;
    group.expect("new group")
}

pub async fn create_find_delete(catalog: &impl Catalog) {
    let group = create(catalog, "/app/one").await;
    assert_eq!(
        group,
        LogGroup {
            id: group.id,
            tenant: tenant(),
            name: "/app/one".to_owned(),
            class: "STANDARD".to_owned(),
            created_at: NOW,
            retention_days: None,
            hidden_before: None,
            kms_key_id: Some("key".to_owned()),
            deletion_protection: true,
        }
    );
    let again = catalog.create_log_group(new_group("/app/one")).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    let by_id = catalog.log_group_by_id(&tenant(), group.id).await;
    assert_eq!(by_id.unwrap(), Some(group.clone()));
    let other = belfry_model::Tenant::new("999999999999", "us-east-1");
    let by_id = catalog.log_group_by_id(&other, group.id).await;
    assert_eq!(by_id.unwrap(), None);
    let found = catalog.log_group(&tenant(), "/app/one").await;
    assert_eq!(found.expect("found"), Some(group.clone()));
    let foreign = catalog.log_group(&stranger(), "/app/one").await;
    assert_eq!(foreign.expect("none"), None);
    let upper = catalog.log_group(&tenant(), "/APP/one").await;
    assert_eq!(upper.expect("none"), None);
    let all = catalog.all_log_groups().await;
    assert_eq!(all.expect("all"), std::slice::from_ref(&group));

    let arn = arn::log_group(&tenant(), "/app/one");
    assert_eq!(catalog.tags(&arn).await.expect("tags").len(), 1);
    let stream = catalog.create_log_stream(group.id, "s", NOW).await;
    let stream = stream.expect("stream");
    let twice = catalog.create_log_stream(group.id, "s", NOW).await;
    assert!(matches!(twice, Err(Error::AlreadyExists { .. })));
    let found = catalog.log_stream(group.id, "s").await;
    assert_eq!(found.expect("found"), Some(stream.clone()));

    let foreign = catalog.delete_log_group(&stranger(), "/app/one").await;
    assert!(matches!(foreign, Err(Error::NotFound { .. })));
    let deleted = catalog.delete_log_group(&tenant(), "/app/one").await;
    assert_eq!(deleted.expect("deleted"), group);
    assert_eq!(catalog.tags(&arn).await.expect("tags"), []);
    let orphans = catalog.log_streams_by_id(&[stream.id]).await;
    assert_eq!(orphans.expect("none"), []);
    let late = catalog.create_log_stream(group.id, "t", NOW).await;
    assert!(matches!(late, Err(Error::NotFound { .. })));
    let twice = catalog.delete_log_group(&tenant(), "/app/one").await;
    assert!(matches!(twice, Err(Error::NotFound { .. })));
    let gone = catalog.delete_log_stream(group.id, "s").await;
    assert!(matches!(gone, Err(Error::NotFound { .. })));
}

async fn names(
    catalog: &impl Catalog,
    filter: LogGroupFilter,
    after: Option<&str>,
    limit: usize,
) -> (Vec<String>, Option<String>) {
    let page = catalog.log_groups(&tenant(), &filter, after, limit).await;
    let page = page.expect("page");
    let names = page.items.into_iter().map(|group| group.name).collect();
    (names, page.next_after)
}

pub async fn log_groups_page_and_filter(catalog: &impl Catalog) {
    for name in ["b_1", "B%2", "a", "c\\d", "b", "b1x", "Z"] {
        create(catalog, name).await;
    }
    let mut infrequent = new_group("infrequent");
    infrequent.class = "INFREQUENT_ACCESS".to_owned();
    catalog.create_log_group(infrequent).await.expect("group");
    let mut foreign = new_group("b");
    foreign.tenant = stranger();
    catalog.create_log_group(foreign).await.expect("group");

    let all = LogGroupFilter::default;
    let expected = ["B%2", "Z", "a", "b", "b1x", "b_1", "c\\d", "infrequent"];
    assert_eq!(
        names(catalog, all(), None, 8).await,
        (expected.map(String::from).to_vec(), None)
    );
    let (page, next) = names(catalog, all(), None, 3).await;
    assert_eq!(
        (page, next.as_deref()),
        (
            expected[..3].iter().map(|s| (*s).into()).collect(),
            Some("a")
        )
    );
    let (page, next) = names(catalog, all(), next.as_deref(), 5).await;
    assert_eq!(
        (page, next),
        (expected[3..].iter().map(|s| (*s).into()).collect(), None)
    );

    let found = |filter| async { names(catalog, filter, None, 50).await.0 };
    let prefix = |text: &str| LogGroupFilter {
        prefix: Some(text.to_owned()),
        ..LogGroupFilter::default()
    };
    assert_eq!(found(prefix("b")).await, ["b", "b1x", "b_1"]);
    assert_eq!(found(prefix("b_")).await, ["b_1"]);
    assert_eq!(found(prefix("")).await.len(), 8);
    let pattern = |text: &str| LogGroupFilter {
        pattern: Some(text.to_owned()),
        ..LogGroupFilter::default()
    };
    assert_eq!(found(pattern("B")).await, ["B%2", "b", "b1x", "b_1"]);
    assert_eq!(found(pattern("_")).await, ["b_1"]);
    assert_eq!(found(pattern("%")).await, ["B%2"]);
    assert_eq!(found(pattern("\\D")).await, ["c\\d"]);
    let classes = LogGroupFilter {
        classes: vec!["INFREQUENT_ACCESS".to_owned(), "ESSENTIALS".to_owned()],
        ..LogGroupFilter::default()
    };
    assert_eq!(found(classes).await, ["infrequent"]);
    let exact = LogGroupFilter {
        names: vec!["nowhere".to_owned(), "b".to_owned(), "a".to_owned()],
        ..LogGroupFilter::default()
    };
    assert_eq!(found(exact).await, ["a", "b"]);
}

pub async fn hidden_before_only_grows(catalog: &impl Catalog) {
    create(catalog, "g").await;
    for (days, hidden, expected) in [
        (Some(7), None, None),
        (Some(1), Some(100), Some(100)),
        (Some(30), Some(50), Some(100)),
        (None, None, Some(100)),
        (Some(1), Some(200), Some(200)),
    ] {
        let group = catalog
            .set_retention(&tenant(), "g", days, hidden.map(TimestampMs))
            .await
            .expect("retention");
        assert_eq!(group.retention_days, days);
        assert_eq!(group.hidden_before, expected.map(TimestampMs));
        let stored = catalog.log_group(&tenant(), "g").await;
        assert_eq!(stored.expect("found"), Some(group));
    }
    let missing = catalog.set_retention(&stranger(), "g", None, None).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
}

pub async fn streams_by_name_and_by_last_event(catalog: &impl Catalog) {
    let group = create(catalog, "g").await;
    let other = create(catalog, "h").await;
    let mut activity = Vec::new();
    for (name, last_event) in [
        ("a", Some(20)),
        ("b", None),
        ("ab", Some(20)),
        ("c", Some(10)),
    ] {
        let stream = catalog.create_log_stream(group.id, name, NOW).await;
        let stream = stream.expect("stream").id;
        activity.extend(last_event.map(|last| LogStreamActivity {
            stream,
            first_event: TimestampMs(0),
            last_event: TimestampMs(last),
            last_ingestion: NOW,
        }));
    }
    let elsewhere = catalog.create_log_stream(other.id, "a", NOW).await;
    elsewhere.expect("stream");
    let change = Publish {
        stream_activity: activity,
        ..Publish::default()
    };
    catalog.publish(change, NOW).await.expect("activity");

    use LogStreamOrder::Name;
    const LAST_EVENT: LogStreamOrder<'_> = LogStreamOrder::LastEvent { unflushed: &[] };
    for (prefix, order, descending, expected) in [
        (None, Name, false, vec!["a", "ab", "b", "c"]),
        (None, Name, true, vec!["c", "b", "ab", "a"]),
        (Some("a"), Name, false, vec!["a", "ab"]),
        (None, LAST_EVENT, false, vec!["b", "c", "a", "ab"]),
        (None, LAST_EVENT, true, vec!["ab", "a", "c", "b"]),
        (Some("a"), LAST_EVENT, true, vec!["ab", "a"]),
    ] {
        for limit in 1..=5 {
            let walked = walk(catalog, group.id, listing(prefix, order, descending), limit).await;
            let names: Vec<_> = walked.iter().map(|stream| &*stream.name).collect();
            assert_eq!(names, expected, "{order:?} {descending} {limit}");
        }
    }
    let b = catalog.log_stream(group.id, "b").await;
    let unflushed = [LogStreamActivity {
        stream: b.expect("found").expect("there").id,
        first_event: TimestampMs(15),
        last_event: TimestampMs(15),
        last_ingestion: NOW,
    }];
    let order = LogStreamOrder::LastEvent {
        unflushed: &unflushed,
    };
    let walked = walk(catalog, group.id, listing(None, order, true), 1).await;
    let names: Vec<_> = walked.iter().map(|stream| &*stream.name).collect();
    assert_eq!(names, ["ab", "a", "b", "c"]);
    let foreign = catalog
        .log_streams(
            group.id,
            listing(None, LAST_EVENT, false),
            Some("nonsense"),
            1,
        )
        .await;
    assert!(matches!(foreign, Err(Error::InvalidCursor { .. })));
}

fn listing<'a>(
    prefix: Option<&'a str>,
    order: LogStreamOrder<'a>,
    descending: bool,
) -> LogStreamListing<'a> {
    LogStreamListing {
        prefix,
        order,
        descending,
    }
}

async fn walk(
    catalog: &impl Catalog,
    group: crate::log_groups::LogGroupId,
    listing: LogStreamListing<'_>,
    limit: usize,
) -> Vec<LogStream> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = catalog
            .log_streams(group, listing, after.as_deref(), limit)
            .await
            .expect("page");
        assert!(page.items.len() <= limit);
        all.extend(page.items);
        match page.next_after {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

pub async fn ids_are_never_reused(catalog: &impl Catalog) {
    let group = create(catalog, "g").await;
    let stream = catalog.create_log_stream(group.id, "s", NOW).await;
    let stream = stream.expect("stream");
    catalog
        .delete_log_group(&tenant(), "g")
        .await
        .expect("deleted");
    let reborn = create(catalog, "g").await;
    assert_ne!(reborn.id, group.id);
    let reborn = catalog.create_log_stream(reborn.id, "s", NOW).await;
    assert_ne!(reborn.expect("stream").id, stream.id);
}

#[derive(Clone, Debug)]
pub struct StreamCase {
    /// Name, the last event that is stored, and the one that is not flushed.
    streams: Vec<(String, Option<i64>, Option<i64>)>,
    prefix: Option<String>,
    by_event: bool,
    descending: bool,
    limit: usize,
}

pub fn stream_case() -> impl Strategy<Value = StreamCase> {
    let name = "[ab é/%_\\\\]{0,3}";
    let time = || proptest::option::of(-3_i64..3);
    let streams = proptest::collection::btree_map(name, (time(), time()), 0..12);
    let prefix = proptest::option::of("[abé%]{0,2}");
    (streams, prefix, any::<bool>(), any::<bool>(), 1_usize..6).prop_map(
        |(streams, prefix, by_event, descending, limit)| StreamCase {
            streams: streams
                .into_iter()
                .map(|(name, (stored, unflushed))| (name, stored, unflushed))
                .collect(),
            prefix,
            by_event,
            descending,
            limit,
        },
    )
}

/// Pages put together are the list sorted in memory, with what is not flushed counted in when
/// the order asks for it.
pub async fn pages_are_the_sorted_list(
    catalog: &impl Catalog,
    case: StreamCase,
) -> Result<(), TestCaseError> {
    let group = create(catalog, "g").await;
    let other = create(catalog, "h").await;
    let elsewhere = catalog.create_log_stream(other.id, "a", NOW).await;
    let activity = |stream, last| LogStreamActivity {
        stream,
        first_event: TimestampMs(last),
        last_event: TimestampMs(last),
        last_ingestion: NOW,
    };
    // Not of this group: never listed.
    let mut unflushed = vec![activity(elsewhere.expect("stream").id, 0)];
    for (name, stored, new) in &case.streams {
        let stream = catalog.create_log_stream(group.id, name, NOW).await;
        let stream = stream.expect("stream").id;
        if let Some(last) = *stored {
            let change = Publish {
                stream_activity: vec![activity(stream, last)],
                ..Publish::default()
            };
            catalog.publish(change, NOW).await.expect("activity");
        }
        unflushed.extend(new.map(|last| activity(stream, last)));
    }
    let prefix = case.prefix.as_deref();
    let mut expected: Vec<(&str, Option<TimestampMs>)> = case
        .streams
        .iter()
        .filter(|(name, ..)| name.starts_with(prefix.unwrap_or_default()))
        .map(|(name, stored, new)| {
            let new = new.filter(|_| case.by_event);
            (&**name, (*stored).max(new).map(TimestampMs))
        })
        .collect();
    let order = if case.by_event {
        expected.sort_by_key(|&(name, last)| (last, name));
        LogStreamOrder::LastEvent {
            unflushed: &unflushed,
        }
    } else {
        LogStreamOrder::Name
    };
    if case.descending {
        expected.reverse();
    }
    let listing = listing(prefix, order, case.descending);
    let walked = walk(catalog, group.id, listing, case.limit).await;
    let walked: Vec<_> = walked
        .iter()
        .map(|stream| (&*stream.name, stream.last_event))
        .collect();
    prop_assert_eq!(walked, expected);
    Ok(())
}
