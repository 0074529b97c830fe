//! What a result takes, and how it is stored.

use arrow::array::{ArrayRef, StringViewArray};
use datafusion::execution::memory_pool::GreedyMemoryPool;

use super::*;

fn batch(texts: impl IntoIterator<Item = String>) -> RecordBatch {
    let texts: StringViewArray = texts.into_iter().map(Some).collect();
    RecordBatch::try_from_iter([("@message", Arc::new(texts) as ArrayRef)]).unwrap()
}

fn result() -> ResultSet {
    ResultSet::new(vec!["@message".to_owned()])
}

#[test]
fn pieces_hold_all_rows_in_order() {
    let mut result = result();
    result
        .add(&batch((0..2_500).map(|n| n.to_string())))
        .unwrap();
    let pieces = result.pieces().unwrap();
    let shape: Vec<_> = pieces.iter().map(|p| (p.first_row, p.row_count)).collect();
    assert_eq!(shape, [(0, 1_000), (1_000, 1_000), (2_000, 500)]);
    let mut values = Vec::new();
    for piece in &pieces {
        let rows: Vec<Vec<Cell>> = serde_json::from_str(&piece.rows).unwrap();
        assert_eq!(rows.len() as u64, piece.row_count);
        values.extend(rows.into_iter().map(|row| row[0].value.clone()));
    }
    assert!(values.into_iter().eq((0..2_500).map(|n| n.to_string())));
    assert_eq!(super::ResultSet::new(vec![]).pieces().unwrap(), []);
}

#[test]
fn what_is_stored_is_not_larger_than_what_is_counted() {
    let mut result = result();
    result
        .add(&batch(["\u{1}\u{1f}\"\\\n\t/ü\u{7f}".repeat(1_000)]))
        .unwrap();
    let counted = result.bytes;
    let stored: usize = result.pieces().unwrap().iter().map(|p| p.rows.len()).sum();
    assert!(stored > 10_000);
    assert!(
        stored <= counted && counted < stored + 1_000,
        "{stored} {counted}"
    );
}

#[test]
fn a_result_counts_in_the_pool_until_it_is_dropped() {
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(3 << 20));
    let mut first = result();
    first.reserve_in(&pool);
    let megabyte = batch(["x".repeat(1 << 20)]);
    first.add(&megabyte).unwrap();
    first.add(&megabyte).unwrap();
    let mut second = result();
    second.reserve_in(&pool);
    let refused = second.add(&batch(["x".repeat(2 << 20)]));
    assert!(matches!(refused, Err(Error::OutOfMemory(_))), "{refused:?}");
    let copy = first.clone();
    drop(first);
    assert!(second.add(&batch(["x".repeat(2 << 20)])).is_err());
    drop(copy);
    second.add(&batch(["x".repeat(2 << 20)])).unwrap();
    drop(second);
    assert_eq!(pool.reserved(), 0);
}

#[test]
fn a_result_has_a_limit_of_its_own() {
    let mut result = result();
    let message = batch(["x".repeat(1 << 20)]);
    for _ in 0..31 {
        result.add(&message).unwrap();
    }
    let refused = result.add(&message);
    assert!(matches!(refused, Err(Error::OutOfMemory(_))), "{refused:?}");
}
