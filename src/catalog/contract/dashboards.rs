use belfry_model::{Tenant, TimestampMs, arn};

use super::{pairs, stranger, tenant};
use crate::dashboards::{DashboardEntry, DashboardRow};
use crate::{Catalog, Error};

const NOW: TimestampMs = TimestampMs(1_772_000_000_000);

async fn put(catalog: &impl Catalog, name: &str, body: &str, at: TimestampMs) {
    let tags = pairs(&[("at", &at.0.to_string())]);
    let stored = catalog.put_dashboard(&tenant(), name, body, tags, at).await;
    stored.expect("stored");
}

pub async fn belong_to_the_account(catalog: &impl Catalog) {
    put(catalog, "one", "{}", NOW).await;
    put(catalog, "two", "{}", NOW).await;
    put(catalog, "one", "{\"é\":1}", NOW + 1).await;
    let elsewhere = Tenant::new("111122223333", "us-east-1");
    let row = catalog.dashboard(&elsewhere, "one").await;
    assert_eq!(
        row.expect("found"),
        Some(DashboardRow {
            name: "one".to_owned(),
            body: "{\"é\":1}".to_owned(),
            modified_at: NOW + 1,
        })
    );
    let foreign = catalog.dashboard(&stranger(), "one").await;
    assert_eq!(foreign.expect("none"), None);
    // The tags of the creation stay.
    let tags = catalog.tags(&arn::dashboard(&tenant(), "one")).await;
    assert_eq!(tags.expect("tags"), pairs(&[("at", &NOW.0.to_string())]));

    let page = catalog.dashboards(&tenant(), None, None, 1).await;
    let page = page.expect("page");
    assert_eq!(
        page.items,
        [DashboardEntry {
            name: "one".to_owned(),
            bytes: 8,
            modified_at: NOW + 1,
        }]
    );
    assert_eq!(page.next_after.as_deref(), Some("one"));
    let page = catalog.dashboards(&tenant(), None, Some("one"), 1).await;
    let page = page.expect("page");
    assert_eq!(page.items[0].name, "two");
    assert_eq!(page.next_after, None);
    let page = catalog.dashboards(&tenant(), Some("t"), None, 10).await;
    assert_eq!(page.expect("page").items.len(), 1);
}

pub async fn delete_all_or_none(catalog: &impl Catalog) {
    put(catalog, "one", "{}", NOW).await;
    put(catalog, "two", "{}", NOW).await;
    let names = ["one", "x", "two", "a"].map(String::from);
    match catalog.delete_dashboards(&tenant(), &names).await {
        Err(Error::NotFound { name, .. }) => assert_eq!(name, "a, x"),
        other => panic!("{other:?}"),
    }
    let kept = catalog.dashboards(&tenant(), None, None, 10).await;
    assert_eq!(kept.expect("page").items.len(), 2);
    let arn = arn::dashboard(&tenant(), "one");
    assert_eq!(catalog.tags(&arn).await.expect("tags").len(), 1);
    // The same name twice is one dashboard.
    let names = ["one", "two", "one"].map(String::from);
    let deleted = catalog.delete_dashboards(&tenant(), &names).await;
    deleted.expect("deleted");
    let kept = catalog.dashboards(&tenant(), None, None, 10).await;
    assert_eq!(kept.expect("page").items, []);
    assert_eq!(catalog.tags(&arn).await.expect("tags"), []);
}
