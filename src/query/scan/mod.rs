//! Reading events as DataFusion tables.
//!
//! | file | what |
//! |---|---|
//! | `column` | the columns a query can ask for, made from those of the store |
//! | `table` | the table of one query: which columns exist |
//! | `counters` | what a query read so far |
//! | `exec` | the scan node: newest parts first, skipping what a top-k cannot use |

pub mod column;
pub mod counters;
pub mod exec;

pub mod table;

pub use column::ScanColumn;
pub use counters::ScanCounters;
pub use table::EventTable;
