//! What every engine behind [`Catalog`](crate::Catalog) must do, as tests generic over it.
//!
//! An engine writes `contract::suite!(open)` in its tests, where `open` is an async function
//! that returns a fresh, empty catalog, and what must be kept while it is used.

pub mod alarms;
pub mod dashboards;
pub mod leases;
pub mod log_groups;
pub mod objects;
pub mod outbox;
pub mod queries;
pub mod sample;
pub mod tags;
pub mod topics;

use belfry_model::Tenant;

pub fn tenant() -> Tenant {
    Tenant::new("111122223333", "eu-west-1")
}

pub fn stranger() -> Tenant {
    Tenant::new("444455556666", "eu-west-1")
}

pub fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Every test that needs nothing but a catalog, for a macro that does something with each.
macro_rules! each {
    ($with:ident, $open:path) => {
        $with! { $open;
            alarms: creates_then_replaces,
            alarms: tell_what_changed_after_a_version,
            alarms: guards_a_put_by_its_version,
            alarms: refuses_numbers_json_cannot_hold,
            alarms: transition_is_one_transaction,
            alarms: never_uses_a_version_twice,
            alarms: alarms_page_and_filter,
            alarms: deletes_those_that_exist,
            alarms: history_pages_both_ways,
            alarms: one_of_fifty_wins_each_round,
            dashboards: belong_to_the_account,
            dashboards: delete_all_or_none,
            leases: have_one_owner_and_growing_epochs,
            leases: can_be_voided,
            log_groups: create_find_delete,
            log_groups: log_groups_page_and_filter,
            log_groups: hidden_before_only_grows,
            log_groups: streams_by_name_and_by_last_event,
            log_groups: ids_are_never_reused,
            objects: publish_is_one_transaction,
            objects: checkpoint_is_compared_and_set,
            objects: activity_merges,
            objects: removed_objects_wait_for_the_sweep,
            objects: sequences_and_settings,
            outbox: claims_once_and_retries,
            outbox: an_order_key_is_delivered_in_order,
            outbox: an_idempotency_key_admits_one,
            outbox: a_stale_completion_changes_nothing,
            outbox: an_owner_that_died_gives_up_its_claims,
            queries: final_rows_stay,
            queries: pages_newest_first,
            queries: results_come_by_the_page,
            tags: set_replace_remove_within_the_limit,
            tags: need_their_resource,
            topics: create_change_delete,
            topics: subscriptions_live_with_their_topic,
            topics: filter_policies_are_limited,
            topics: a_change_does_not_undo_another,
        }
    };
}
pub(crate) use each;

macro_rules! test {
    ($open:path; $($file:ident: $test:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (catalog, _guard) = $open().await;
                $crate::contract::$file::$test(&catalog).await;
            }
        )*
    };
}
pub(crate) use test;

macro_rules! call {
    ($open:path; $($file:ident: $test:ident,)*) => {
        $(
            let (catalog, _guard) = $open().await;
            $crate::contract::$file::$test(&catalog).await;
        )*
    };
}
pub(crate) use call;

/// The tests of the suite for one engine.
macro_rules! suite {
    ($open:path) => {
        use $crate::contract::test;
        $crate::contract::each!(test, $open);

        proptest::proptest! {
            #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]
            #[test]
            fn outbox_follows_the_model(steps in $crate::contract::outbox::steps()) {
                let runtime = tokio::runtime::Runtime::new().expect("runtime");
                runtime.block_on(async {
                    let (catalog, _guard) = $open().await;
                    $crate::contract::outbox::follows_the_model(&catalog, steps).await
                })?;
            }

            #[test]
            fn stream_pages_are_the_sorted_list(
                case in $crate::contract::log_groups::stream_case()
            ) {
                let runtime = tokio::runtime::Runtime::new().expect("runtime");
                runtime.block_on(async {
                    let (catalog, _guard) = $open().await;
                    $crate::contract::log_groups::pages_are_the_sorted_list(&catalog, case).await
                })?;
            }
        }
    };
}
pub(crate) use suite;
