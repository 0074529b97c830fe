use std::ops::Range;

use belfry_model::TimestampMs;

use super::{stranger, tenant};
use crate::queries::{QueryFilter, QueryRow, QueryStatistics, QueryStatus, ResultPiece};
use crate::{Catalog, Error};

pub fn query(id: &str, created_at: i64, status: QueryStatus) -> QueryRow {
    QueryRow {
        id: id.to_owned(),
        tenant: tenant(),
        query_string: "fields @message | limit 1".to_owned(),
        log_groups: vec!["g".to_owned(), "h".to_owned()],
        start_s: -1,
        end_s: i64::MAX,
        limit: Some(10_000),
        created_at: TimestampMs(created_at),
        finished_at: status.is_final().then_some(TimestampMs(created_at + 1)),
        status,
        statistics: QueryStatistics {
            records_matched: 0.1,
            bytes_scanned: 1e300,
            ..QueryStatistics::default()
        },
        error: None,
        row_count: 0,
    }
}

pub fn piece(first_row: u64, rows: &[&str]) -> ResultPiece {
    ResultPiece {
        first_row,
        row_count: rows.len() as u64,
        rows: format!("[{}]", rows.join(",")),
    }
}

pub async fn results_come_by_the_page(catalog: &impl Catalog) {
    let mut row = query("q", 0, QueryStatus::Scheduled);
    catalog.put_query(row.clone(), vec![]).await.expect("put");
    row.status = QueryStatus::Complete;
    row.row_count = 5;
    let pieces = [
        piece(0, &["[\"ä\"]", "[1]"]),
        piece(2, &["[2]", "[3]"]),
        piece(4, &["[4]"]),
    ];
    let put = catalog.put_query(row.clone(), pieces.to_vec()).await;
    put.expect("put");
    assert_eq!(
        catalog.query(&tenant(), "q").await.expect("get"),
        Some(row.clone())
    );
    let results_of = async |query: &QueryRow, rows: Range<u64>| {
        let found = catalog.query_results(query, rows.clone()).await;
        let found = found.expect("results");
        let bytes = catalog.query_result_bytes(query, rows).await;
        let texts = found.iter().map(|piece| piece.rows.len() as u64);
        assert_eq!(bytes.expect("bytes"), texts.sum::<u64>());
        found
    };
    let asked = row.clone();
    let results = async |rows| results_of(&asked, rows).await;
    assert_eq!(results(0..u64::MAX).await, pieces);
    assert_eq!(results(1..2).await, pieces[..1]);
    assert_eq!(results(1..3).await, pieces[..2]);
    assert_eq!(results(2..4).await, pieces[1..2]);
    assert_eq!(results(3..12).await, pieces[1..]);
    assert_eq!(results(5..6).await, []);
    assert_eq!(results(0..0).await, []);
    let foreign = QueryRow {
        tenant: stranger(),
        ..asked.clone()
    };
    assert_eq!(results_of(&foreign, 0..9).await, []);

    // Its end stays as it was, and goes with it.
    catalog.put_query(row, pieces.to_vec()).await.expect("put");
    assert_eq!(results(0..9).await, pieces);
    catalog.trim_queries(TimestampMs(1)).await.expect("trimmed");
    assert_eq!(results(0..9).await, []);
}

pub async fn final_rows_stay(catalog: &impl Catalog) {
    use QueryStatus::{Cancelled, Complete, Failed, Running, Scheduled};
    let put = |row| async move { catalog.put_query(row, vec![]).await.expect("put") };
    let get = |id| async move { catalog.query(&tenant(), id).await.expect("get") };
    for status in [Scheduled, Running, Cancelled] {
        put(query("stopped", 0, status)).await;
        assert_eq!(get("stopped").await, Some(query("stopped", 0, status)));
    }
    put(query("stopped", 0, Complete)).await;
    assert_eq!(get("stopped").await, Some(query("stopped", 0, Cancelled)));
    let foreign = catalog.query(&stranger(), "stopped").await;
    assert_eq!(foreign.expect("none"), None);

    put(query("running", 0, Running)).await;
    let failed = catalog
        .fail_unfinished_queries(TimestampMs(9), "restart")
        .await;
    assert_eq!(failed.expect("failed"), 1);
    let expected = QueryRow {
        status: Failed,
        finished_at: Some(TimestampMs(9)),
        error: Some("restart".to_owned()),
        ..query("running", 0, Running)
    };
    assert_eq!(get("running").await, Some(expected));
}

pub async fn pages_newest_first(catalog: &impl Catalog) {
    for (id, at) in [("a", 1), ("b", 3), ("c", 3), ("d", 2)] {
        let mut row = query(id, at, QueryStatus::Complete);
        if id == "d" {
            row.status = QueryStatus::Failed;
            row.log_groups = vec!["gg".to_owned()];
        }
        row.row_count = 1;
        let put = catalog.put_query(row, vec![piece(0, &["[]"])]).await;
        put.expect("put");
    }
    let mut foreign = query("x", 5, QueryStatus::Complete);
    foreign.tenant = stranger();
    catalog.put_query(foreign, vec![]).await.expect("put");

    let page = async |log_group: Option<&str>, status, limit| {
        let filter = QueryFilter {
            log_group: log_group.map(str::to_owned),
            status,
        };
        let mut ids = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = catalog
                .queries(&tenant(), &filter, after.as_deref(), limit)
                .await
                .expect("page");
            assert!(page.items.len() <= limit);
            ids.extend(page.items.into_iter().map(|row| row.id));
            after = page.next_after;
            if after.is_none() {
                return ids.concat();
            }
        }
    };
    for limit in 1..6 {
        assert_eq!(page(None, None, limit).await, "cbda");
        assert_eq!(page(Some("g"), None, limit).await, "cba");
        assert_eq!(page(None, Some(QueryStatus::Failed), limit).await, "d");
    }
    let all = QueryFilter::default();
    let nonsense = catalog.queries(&tenant(), &all, Some("?"), 1).await;
    assert!(matches!(nonsense, Err(Error::InvalidCursor { .. })));

    let trimmed = catalog.trim_queries(TimestampMs(3)).await;
    assert_eq!(trimmed.expect("trimmed"), 2);
    assert_eq!(page(None, None, 9).await, "cb");
}
