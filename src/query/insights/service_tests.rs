//! Queries from their start to their end.

use belfry_catalog::log_groups::LogGroup;
use belfry_catalog::{Catalog, SqliteCatalog};
use belfry_model::ManualClock;
use belfry_store::Objects;
use belfry_store::logs::{LogEventBatch, LogsConfig};

use super::super::answer_memory::COPIES;
use super::super::refusing_catalog::RefusingCatalog;
use super::*;
use crate::insights::EngineConfig;

/// For a query that ends, and for one that does not.
const PATIENT: Duration = Duration::from_secs(3_600);
const IMPATIENT: Duration = Duration::from_millis(20);

const NOW: TimestampMs = TimestampMs(1_772_600_400_000);

struct Bench {
    directory: tempfile::TempDir,
    catalog: Arc<dyn Catalog>,
    refusing: Arc<RefusingCatalog>,
    clock: Arc<ManualClock>,
    service: Arc<InsightsService>,
    tenant: Tenant,
    group: LogGroup,
}

async fn service(
    directory: &std::path::Path,
    catalog: &Arc<dyn Catalog>,
    queries: Arc<dyn QueryCatalog>,
    clock: &Arc<ManualClock>,
) -> (Arc<InsightsService>, LogsStore) {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let store = LogsStore::open(
        &directory.join("wal"),
        Objects::open_local(&directory.join("objects")).unwrap(),
        catalog.clone(),
        Arc::clone(&clock),
        LogsConfig::default(),
    )
    .await
    .unwrap();
    let engine = InsightsEngine::new(EngineConfig::default()).unwrap();
    let service = InsightsService::open(engine, store.clone(), queries, clock)
        .await
        .unwrap();
    (service, store)
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.db");
        let catalog: Arc<dyn Catalog> = Arc::new(SqliteCatalog::open(&path).await.unwrap());
        let clock = ManualClock::new(NOW);
        let refusing = Arc::new(RefusingCatalog::new(catalog.clone()));
        let queries = refusing.clone();
        let (service, store) = service(directory.path(), &catalog, queries, &clock).await;
        let tenant = Tenant::new("000000000000", "eu-west-1");
        let group = catalog
            .create_log_group(belfry_catalog::log_groups::NewLogGroup::standard(
                &tenant, "app", NOW,
            ))
            .await
            .unwrap();
        catalog.create_log_stream(group.id, "s", NOW).await.unwrap();
        let mut batch = LogEventBatch::default();
        for i in 0..5 {
            let message = format!("{{\"i\":{i},\"level\":\"INFO\"}}");
            batch.push(NOW.saturating_add_ms(i), &message).unwrap();
        }
        store
            .put_events(&tenant, "app", "s", batch, None)
            .await
            .unwrap();
        Self {
            directory,
            catalog,
            refusing,
            clock,
            service,
            tenant,
            group,
        }
    }

    /// The write-ahead log somewhere else, as another process would find it after this one.
    fn copied(&self) -> tempfile::TempDir {
        let elsewhere = tempfile::tempdir().unwrap();
        let (from, to) = (
            self.directory.path().join("wal"),
            elsewhere.path().join("wal"),
        );
        std::fs::create_dir(&to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
        elsewhere
    }

    async fn start(&self, text: &str) -> std::result::Result<String, StartError> {
        self.start_over(text, 1).await
    }

    /// Names the group so many times.
    async fn start_over(
        &self,
        text: &str,
        times: usize,
    ) -> std::result::Result<String, StartError> {
        let request = StartRequest {
            tenant: self.tenant.clone(),
            text: text.to_owned(),
            named_groups: vec!["app".to_owned(); times],
            groups: vec![self.group.clone(); times],
            start: 0,
            end: 2_000_000_000,
            limit: None,
        };
        self.service.start(request).await
    }

    /// The only piece of a result.
    async fn results(&self, id: &str) -> String {
        let row = self.ended(id).await;
        let (pieces, _memory) = self.service.results(&row, 0..10_000).await.unwrap();
        let [piece] = pieces.try_into().unwrap();
        piece.rows
    }

    /// The ids that a listing of queries of a status shows, one a page.
    async fn listed(&self, status: Option<QueryStatus>) -> Vec<(String, QueryStatus)> {
        let mut listed = Vec::new();
        let mut after = None;
        let filter = QueryFilter {
            log_group: Some("app".to_owned()),
            status,
        };
        loop {
            let tenant = &self.tenant;
            let page = self.service.queries(tenant, &filter, after.as_deref(), 1);
            let page = page.await.unwrap();
            assert!(page.items.len() <= 1);
            listed.extend(page.items.into_iter().map(|row| (row.id, row.status)));
            after = page.next_after;
            if after.is_none() {
                return listed;
            }
        }
    }

    /// The row of a query that has ended.
    async fn ended(&self, id: &str) -> QueryRow {
        let row = self.service.query(&self.tenant, id, PATIENT);
        // It has to be told: to look again at the end would be too late.
        let row = tokio::time::timeout(PATIENT / 60, row).await.unwrap();
        let row = row.unwrap().unwrap();
        assert!(row.status.is_final(), "{row:?}");
        row
    }
}

#[tokio::test]
async fn a_result_is_kept() {
    let bench = Bench::new().await;
    let text = "fields i | filter level = \"INFO\" and i > 0";
    let id = bench.start(text).await.unwrap();
    let row = bench.ended(&id).await;
    assert_eq!((row.status, row.error), (QueryStatus::Complete, None));
    let rows = bench.results(&id).await;
    let rows: Vec<Vec<super::super::Cell>> = serde_json::from_str(&rows).unwrap();
    assert_eq!((rows.len(), row.row_count), (4, 4));
    let fields: Vec<&str> = rows[0].iter().map(|cell| &*cell.field).collect();
    assert_eq!(fields, ["i", "@ptr"]);
    assert_eq!(rows[0][0].value, "4");
    assert_eq!(row.statistics.records_matched, 4.0);
    assert_eq!(row.statistics.records_scanned, 5.0);

    // Another process finds it in the catalog; another tenant does not.
    let elsewhere = bench.copied();
    let (other, _) = service(
        elsewhere.path(),
        &bench.catalog,
        bench.catalog.clone(),
        &bench.clock,
    )
    .await;
    let found = other
        .query(&bench.tenant, &id, IMPATIENT)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.status, QueryStatus::Complete);
    let stranger = Tenant::new("111111111111", "eu-west-1");
    assert_eq!(other.query(&stranger, &id, IMPATIENT).await.unwrap(), None);

    // Until it is too old.
    bench.clock.advance_ms(KEPT_MS + 1);
    other.run_due(bench.clock.now()).await.unwrap();
    assert_eq!(
        other.query(&bench.tenant, &id, IMPATIENT).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_group_that_is_named_twice_is_read_once() {
    let bench = Bench::new().await;
    for text in ["stats count(*) as n", "fields i | stats sum(1) as n"] {
        let id = bench.start_over(text, 2).await.unwrap();
        let row = bench.ended(&id).await;
        assert_eq!(bench.results(&id).await, r#"[[{"field":"n","value":"5"}]]"#);
        assert_eq!(row.statistics.log_groups_scanned, 1.0);
        assert_eq!(row.log_groups, ["app", "app"]);
    }
}

#[tokio::test]
async fn what_cannot_run_is_refused_at_once() {
    let bench = Bench::new().await;
    for text in ["fieldz x", "fields x | diff", "stats pct(x, 101)"] {
        let refused = bench.start(text).await;
        assert!(matches!(refused, Err(StartError::Compile(_))), "{text}");
    }
}

#[tokio::test]
async fn the_first_reason_to_end_counts() {
    let bench = Bench::new().await;
    let places = &bench.service.places;
    let all = places.acquire_many(RUNNING_MAX as u32).await.unwrap();
    let stopped = bench.start("fields i").await.unwrap();
    let late = bench.start("fields i").await.unwrap();
    let waiting = bench
        .service
        .query(&bench.tenant, &stopped, IMPATIENT)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(waiting.status, QueryStatus::Scheduled);
    let stop = async |id: &str| bench.service.stop(&bench.tenant, id).await.unwrap();
    assert_eq!(stop(&stopped).await, Stopped::Stopped);
    bench.clock.advance_ms(TIMEOUT_MS);
    assert!(bench.service.next_due() <= bench.clock.now());
    bench.service.run_due(bench.clock.now()).await.unwrap();
    drop(all);
    assert_eq!(bench.ended(&stopped).await.status, QueryStatus::Cancelled);
    assert_eq!(bench.ended(&late).await.status, QueryStatus::Timeout);
    assert_eq!(stop(&stopped).await, Stopped::HadEnded);
    assert_eq!(stop("nope").await, Stopped::Unknown);
}

#[tokio::test]
async fn no_more_than_a_hundred_at_a_time() {
    let bench = Bench::new().await;
    let places = &bench.service.places;
    let all = places.acquire_many(RUNNING_MAX as u32).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..QUERIES_PER_TENANT_MAX {
        ids.push(bench.start("fields i | limit 1").await.unwrap());
    }
    let refused = bench.start("fields i").await;
    assert!(matches!(
        refused,
        Err(StartError::Failed(Error::TooManyQueries { .. }))
    ));
    drop(all);
    for id in ids {
        assert_eq!(bench.ended(&id).await.status, QueryStatus::Complete);
    }
    assert!(bench.start("fields i").await.is_ok());
}

#[tokio::test]
async fn a_restart_fails_what_was_running() {
    let bench = Bench::new().await;
    let places = &bench.service.places;
    let _all = places.acquire_many(RUNNING_MAX as u32).await.unwrap();
    let id = bench.start("fields i").await.unwrap();
    let elsewhere = bench.copied();
    let (after, _) = service(
        elsewhere.path(),
        &bench.catalog,
        bench.catalog.clone(),
        &bench.clock,
    )
    .await;
    let row = after
        .query(&bench.tenant, &id, IMPATIENT)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.status, QueryStatus::Failed);
}

#[tokio::test]
async fn listings_tell_what_runs_from_what_waits() {
    use QueryStatus::{Complete, Running, Scheduled};
    let bench = Bench::new().await;
    let done = bench.start("fields i").await.unwrap();
    bench.ended(&done).await;
    let places = &bench.service.places;
    let all = places.acquire_many(RUNNING_MAX as u32).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..3 {
        bench.clock.advance_ms(1);
        ids.push(bench.start("fields i").await.unwrap());
    }
    let [first, second, third] = &ids[..] else {
        panic!("three");
    };
    bench
        .service
        .running
        .lock()
        .get_mut(second)
        .unwrap()
        .row
        .status = Running;
    let pair = |id: &String, status| (id.clone(), status);
    assert_eq!(
        bench.listed(None).await,
        [
            pair(third, Scheduled),
            pair(second, Running),
            pair(first, Scheduled),
            pair(&done, Complete)
        ]
    );
    let scheduled = [pair(third, Scheduled), pair(first, Scheduled)];
    assert_eq!(bench.listed(Some(Scheduled)).await, scheduled);
    assert_eq!(bench.listed(Some(Running)).await, [pair(second, Running)]);
    assert_eq!(bench.listed(Some(Complete)).await, [pair(&done, Complete)]);
    let of_other_group = QueryFilter {
        log_group: Some("x".to_owned()),
        status: Some(Running),
    };
    let elsewhere = bench
        .service
        .queries(&bench.tenant, &of_other_group, None, 9);
    assert_eq!(elsewhere.await.unwrap().items, []);
    drop(all);
}

#[tokio::test]
async fn an_answer_takes_memory_from_queries() {
    let bench = Bench::new().await;
    let id = bench.start("fields i").await.unwrap();
    let row = bench.ended(&id).await;
    let others = bench.service.engine.reserve_answer(usize::MAX);
    assert!(matches!(others, Err(Error::Busy(_))), "{others:?}");
    let everything = EngineConfig::default().memory_bytes / COPIES;
    let others = bench.service.engine.reserve_answer(everything).unwrap();
    let refused = bench.service.results(&row, 0..5).await;
    assert_eq!(refused.unwrap_err().class(), StatusClass::Throttled);
    drop(others);
    let (pieces, _memory) = bench.service.results(&row, 0..5).await.unwrap();
    assert_eq!(pieces.len(), 1);
}

#[tokio::test]
async fn a_result_that_cannot_be_stored_makes_a_query_fail() {
    let bench = Bench::new().await;
    let refuse = |when| bench.refusing.refuse(when);
    refuse(|row| row.status == QueryStatus::Complete);
    let id = bench.start("fields i").await.unwrap();
    let row = bench.ended(&id).await;
    assert_eq!((row.status, row.row_count), (QueryStatus::Failed, 0));
    assert!(row.error.unwrap().contains("could not be stored"));

    // Not even that it failed.
    refuse(|row| row.status.is_final());
    let id = bench.start("fields i").await.unwrap();
    assert_eq!(bench.ended(&id).await.status, QueryStatus::Failed);
    let written = async || {
        bench
            .catalog
            .query(&bench.tenant, &id)
            .await
            .unwrap()
            .unwrap()
    };
    assert_eq!(written().await.status, QueryStatus::Scheduled);
    bench.clock.advance_ms(RETRY_AFTER_MS);
    bench.service.run_due(bench.clock.now()).await.unwrap();
    assert_eq!(bench.ended(&id).await.status, QueryStatus::Failed);
    assert!(bench.service.next_due() > bench.clock.now());
    refuse(|_| false);
    bench.clock.advance_ms(RETRY_AFTER_MS);
    assert!(bench.service.next_due() <= bench.clock.now());
    bench.service.run_due(bench.clock.now()).await.unwrap();
    assert_eq!(written().await.status, QueryStatus::Failed);
    assert!(bench.service.running.lock().is_empty());
}

#[tokio::test]
async fn a_query_is_ended_by_nothing_before_its_start_is_written() {
    let bench = Bench::new().await;
    for refused in [false, true] {
        let held = bench.refusing.hold_starts().await;
        let start = bench.start("fields i");
        tokio::pin!(start);
        let mut id = None;
        // Until the query has read everything, and then some.
        let mut turns_left = 100;
        while turns_left > 0 {
            tokio::select! {
                biased;
                _ = &mut start => panic!("started without being written"),
                () = tokio::task::yield_now() => {}
            }
            let running = bench.service.running.lock();
            let query = running.iter().next();
            if query.is_some_and(|(_, query)| query.counters.get().rows_returned == 5) {
                turns_left -= 1;
            }
            id = query.map(|(id, _)| id.clone());
        }
        let id = id.unwrap();
        let written = async || bench.catalog.query(&bench.tenant, &id).await.unwrap();
        assert_eq!(written().await, None);
        let stopped = bench.service.stop(&bench.tenant, &id).await.unwrap();
        assert_eq!(stopped, Stopped::Unknown);
        if refused {
            bench
                .refusing
                .refuse(|row| row.status == QueryStatus::Scheduled);
        }
        drop(held);
        match start.await {
            Ok(started) if !refused => {
                assert_eq!(started, id);
                assert_eq!(bench.ended(&id).await.status, QueryStatus::Complete);
            }
            Err(StartError::Failed(_)) if refused => assert_eq!(written().await, None),
            other => panic!("{other:?}"),
        }
        assert!(bench.service.running.lock().is_empty());
    }
}
