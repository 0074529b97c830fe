use belfry_model::{TimestampMs, arn};

use super::{pairs, tenant};
use crate::{Catalog, Error};

pub async fn set_replace_remove_within_the_limit(catalog: &impl Catalog) {
    let arn = "arn:aws:logs:eu-west-1:111122223333:destination:d";
    let put = |tags, max| async move { catalog.put_tags(arn, tags, max).await };
    let b_a_b = pairs(&[("b", "1"), ("a", "2"), ("b", "3")]);
    put(&b_a_b, 2).await.expect("two keys");
    let tags = catalog.tags(arn).await.expect("tags");
    assert_eq!(tags, pairs(&[("a", "2"), ("b", "3")]));
    let replace_and_add = pairs(&[("a", "9"), ("c", "1")]);
    let refused = put(&replace_and_add, 2).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
    let unchanged = catalog.tags(arn).await.expect("tags");
    assert_eq!(unchanged, tags);
    put(&replace_and_add, 3).await.expect("three keys");
    let keys = ["b", "nothing"].map(String::from);
    catalog.remove_tags(arn, &keys).await.expect("removed");
    let tags = catalog.tags(arn).await.expect("tags");
    assert_eq!(tags, replace_and_add);
    assert_eq!(catalog.tags("other").await.expect("none"), []);
}

pub async fn need_their_resource(catalog: &impl Catalog) {
    let now = TimestampMs(0);
    super::log_groups::create(catalog, "group").await;
    let alarm = super::alarms::create(catalog, "a/b:c").await;
    catalog
        .put_dashboard(&tenant(), "board", "{}", Vec::new(), now)
        .await
        .expect("dashboard");
    let topic = super::topics::topic("topic");
    let created = catalog.create_topic(topic.clone(), Vec::new()).await;
    created.expect("topic");
    let tag = pairs(&[("k", "v")]);
    for (known, unknown) in [
        (
            arn::log_group(&tenant(), "group"),
            arn::log_group(&tenant(), "x"),
        ),
        (
            arn::alarm(&tenant(), alarm.definition.name()),
            arn::alarm(&super::stranger(), alarm.definition.name()),
        ),
        (
            arn::dashboard(&tenant(), "board"),
            arn::dashboard(&tenant(), "x"),
        ),
        (topic.arn, arn::topic(&tenant(), "x")),
    ] {
        catalog.put_tags(&known, &tag, 50).await.expect("tagged");
        let missing = catalog.put_tags(&unknown, &tag, 50).await;
        assert!(matches!(missing, Err(Error::NotFound { .. })), "{unknown}");
    }
}
