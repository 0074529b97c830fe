use std::collections::BTreeMap;

use belfry_model::{TimestampMs, arn};

use super::outbox::new_row;
use super::{pairs, stranger, tenant};
use crate::topics::{FilterPolicyLimits, SubscriptionCounts, SubscriptionRow, TopicRow};
use crate::{Catalog, Error};

const NOW: TimestampMs = TimestampMs(1_772_000_000_000);

pub const LIMITS: FilterPolicyLimits = FilterPolicyLimits {
    of_topic: 2,
    of_account: 3,
};

pub fn topic(name: &str) -> TopicRow {
    TopicRow {
        arn: arn::topic(&tenant(), name),
        tenant: tenant(),
        name: name.to_owned(),
        attributes: BTreeMap::from([("DisplayName".to_owned(), "é".to_owned())]),
        created_at: NOW,
        subscriptions_deleted: 0,
    }
}

pub fn subscription(topic: &TopicRow, id: &str) -> SubscriptionRow {
    SubscriptionRow {
        arn: arn::subscription(&topic.arn, id),
        topic_arn: topic.arn.clone(),
        tenant: tenant(),
        protocol: "https".to_owned(),
        endpoint: format!("https://example.com/{id}"),
        attributes: BTreeMap::from([("RawMessageDelivery".to_owned(), "true".to_owned())]),
        confirmed: false,
        confirmation_was_authenticated: false,
        authenticate_on_unsubscribe: true,
        token_hash: Some(format!("hash of {id}")),
        token_expires_at: Some(NOW + 1),
        created_at: NOW,
    }
}

pub async fn create_change_delete(catalog: &impl Catalog) {
    let (a, b) = (topic("a"), topic("b"));
    for topic in [&b, &a] {
        let tags = pairs(&[("k", "v")]);
        let created = catalog.create_topic(topic.clone(), tags).await;
        created.expect("created");
    }
    let again = catalog.create_topic(a.clone(), Vec::new()).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    assert_eq!(catalog.topic(&a.arn).await.expect("found"), Some(a.clone()));
    let page = catalog.topics(&tenant(), None, 1).await.expect("page");
    assert_eq!(page.items, std::slice::from_ref(&a));
    let page = catalog
        .topics(&tenant(), page.next_after.as_deref(), 1)
        .await;
    let page = page.expect("page");
    assert_eq!((page.items, page.next_after), (vec![b.clone()], None));
    let foreign = catalog.topics(&stranger(), None, 9).await;
    assert_eq!(foreign.expect("none").items, []);

    let set = |name, value| catalog.set_topic_attribute(&a.arn, name, value);
    set("Policy", Some("{}")).await.expect("set");
    set("DisplayName", None).await.expect("removed");
    set("Nothing", None).await.expect("was not there");
    let stored = catalog.topic(&a.arn).await.expect("found").expect("row");
    let expected = BTreeMap::from([("Policy".to_owned(), "{}".to_owned())]);
    assert_eq!(stored.attributes, expected);
    let replace =
        |name, read, changed| catalog.replace_topic_attribute(&a.arn, name, read, changed);
    for read in [None, Some("{ }")] {
        let stale = replace("Policy", read, "[]").await;
        assert!(matches!(stale, Err(Error::Conflict { .. })), "{read:?}");
    }
    replace("Policy", Some("{}"), "[]").await.expect("as read");
    replace("Policy", Some("[]"), "{}").await.expect("as read");
    let stale = replace("DisplayName", Some("é"), "x").await;
    assert!(matches!(stale, Err(Error::Conflict { .. })));
    let missing = catalog
        .replace_topic_attribute("x", "Policy", None, "{}")
        .await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    let missing = catalog.set_topic_attribute("x", "Policy", None).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));

    for arn in [&a.arn, &a.arn] {
        catalog.delete_topic(arn).await.expect("deleted");
    }
    assert_eq!(catalog.topic(&a.arn).await.expect("none"), None);
    assert_eq!(catalog.tags(&a.arn).await.expect("none"), []);
    assert_eq!(catalog.tags(&b.arn).await.expect("tags").len(), 1);
}

pub async fn subscriptions_live_with_their_topic(catalog: &impl Catalog) {
    let (a, b) = (topic("a"), topic("b"));
    for topic in [&a, &b] {
        let created = catalog.create_topic(topic.clone(), Vec::new()).await;
        created.expect("created");
    }
    let put = |row, key| async move {
        catalog
            .put_subscription(row, LIMITS, vec![new_row(key, None)])
            .await
    };
    let (one, two) = (subscription(&a, "1"), subscription(&a, "2"));
    let mut other = subscription(&b, "1");
    other.created_at = NOW + -10;
    put(one.clone(), "one").await.expect("put");
    put(two.clone(), "two").await.expect("put");
    put(other.clone(), "other").await.expect("put");

    // Refused, and nothing is sent.
    let orphan = put(subscription(&topic("x"), "1"), "orphan").await;
    assert!(matches!(orphan, Err(Error::NotFound { .. })));
    let mut twin = subscription(&a, "3");
    twin.endpoint = one.endpoint.clone();
    let twin = put(twin, "twin").await;
    assert!(matches!(twin, Err(Error::AlreadyExists { .. })));
    assert_eq!(catalog.outbox_len().await.expect("len"), 3);

    assert_eq!(
        catalog.subscription(&one.arn).await.expect("row"),
        Some(one.clone())
    );
    let found = catalog
        .subscription_by_endpoint(&a.arn, "https", &two.endpoint)
        .await;
    assert_eq!(found.expect("row"), Some(two.clone()));
    let found = catalog.subscription_by_token(&a.arn, "hash of 1").await;
    assert_eq!(found.expect("row"), Some(one.clone()));
    let found = catalog.subscription_by_token(&b.arn, "hash of 2").await;
    assert_eq!(found.expect("none"), None);

    let page = catalog.subscriptions_of_topic(&a.arn, None, 1).await;
    let page = page.expect("page");
    assert_eq!(page.items, std::slice::from_ref(&one));
    let page = catalog
        .subscriptions_of_topic(&a.arn, page.next_after.as_deref(), 1)
        .await
        .expect("page");
    assert_eq!((page.items, page.next_after), (vec![two.clone()], None));
    let all = catalog.subscriptions(&tenant(), None, 9).await;
    assert_eq!(
        all.expect("page").items,
        [one.clone(), two.clone(), other.clone()]
    );

    let confirmed = SubscriptionRow {
        confirmed: true,
        token_hash: None,
        ..one.clone()
    };
    catalog
        .put_subscription(confirmed, LIMITS, Vec::new())
        .await
        .expect("put");
    let counts = catalog.subscription_counts(&a.arn).await;
    let expected = SubscriptionCounts {
        confirmed: 1,
        pending: 1,
    };
    assert_eq!(counts.expect("counts"), expected);
    let counts = catalog.subscription_counts("x").await;
    assert_eq!(counts.expect("counts"), SubscriptionCounts::default());

    let expired = catalog.expire_pending_subscriptions(NOW).await;
    assert_eq!(expired.expect("expired"), 1);
    assert_eq!(catalog.subscription(&other.arn).await.expect("none"), None);
    for _ in 0..2 {
        let farewell = vec![new_row("farewell", None)];
        let deleted = catalog.delete_subscription(&one.arn, farewell).await;
        deleted.expect("deleted");
    }
    assert_eq!(catalog.outbox_len().await.expect("len"), 4);
    let row = catalog.topic(&a.arn).await.expect("found").expect("row");
    assert_eq!(row.subscriptions_deleted, 1);
    catalog.delete_topic(&a.arn).await.expect("deleted");
    assert_eq!(catalog.subscription(&two.arn).await.expect("none"), None);
}

pub async fn a_change_does_not_undo_another(catalog: &impl Catalog) {
    let topic = topic("a");
    let created = catalog.create_topic(topic.clone(), Vec::new()).await;
    created.expect("created");
    let read = subscription(&topic, "1");
    catalog
        .put_subscription(read.clone(), LIMITS, Vec::new())
        .await
        .expect("put");

    let confirmed = SubscriptionRow {
        confirmed: true,
        ..read.clone()
    };
    let mut attributed = read.clone();
    attributed.attributes.clear();
    let replace = |read, changed, key| async move {
        catalog
            .replace_subscription(read, changed, LIMITS, vec![new_row(key, None)])
            .await
    };
    replace(&read, confirmed.clone(), "first")
        .await
        .expect("confirmed");
    let lost = replace(&read, attributed, "second").await;
    assert!(matches!(lost, Err(Error::Conflict { .. })));
    let stored = catalog.subscription(&read.arn).await;
    assert_eq!(stored.expect("row"), Some(confirmed.clone()));
    assert_eq!(catalog.outbox_len().await.expect("len"), 1);

    let deleted = catalog.delete_subscription(&read.arn, Vec::new()).await;
    deleted.expect("deleted");
    let gone = replace(&confirmed, read.clone(), "third").await;
    assert!(matches!(gone, Err(Error::NotFound { .. })));
}

pub async fn filter_policies_are_limited(catalog: &impl Catalog) {
    let (a, b, c) = (topic("a"), topic("b"), topic("c"));
    for topic in [&a, &b, &c] {
        let created = catalog.create_topic(topic.clone(), Vec::new()).await;
        created.expect("created");
    }
    let filtered = |topic: &TopicRow, id: &str| {
        let mut row = subscription(topic, id);
        let policy = ("FilterPolicy".to_owned(), "{\"k\":[\"v\"]}".to_owned());
        row.attributes.extend([policy]);
        row
    };
    let put = |row| catalog.put_subscription(row, LIMITS, Vec::new());
    let is_full_of = |result: Result<(), Error>| match result {
        Err(Error::LimitExceeded { of, .. }) => of,
        other => panic!("{other:?}"),
    };
    put(filtered(&a, "1")).await.expect("first");
    put(filtered(&a, "2")).await.expect("second");
    assert_eq!(is_full_of(put(filtered(&a, "3")).await), "topic");
    put(filtered(&a, "2")).await.expect("has one");
    let plain = subscription(&a, "3");
    put(plain.clone()).await.expect("without");
    let late = catalog.replace_subscription(&plain, filtered(&a, "3"), LIMITS, Vec::new());
    assert_eq!(is_full_of(late.await), "topic");
    put(filtered(&b, "1")).await.expect("third");
    assert_eq!(is_full_of(put(filtered(&c, "1")).await), "account");

    // One that goes makes room.
    let gone = filtered(&a, "1").arn;
    let gone = catalog.delete_subscription(&gone, Vec::new()).await;
    gone.expect("deleted");
    put(filtered(&c, "1")).await.expect("third again");
}
