//! The aggregate functions of `stats` that DataFusion does not have as we need them
//! (spec logs-insights.md 8). Counting, sums, averages and deviations are DataFusion's own.
//!
//! | file | what |
//! |---|---|
//! | `value_aggregate` | what is common: partial states as bytes, the DataFusion function |
//! | `extreme` | `min`, `max`, `sortsFirst`, `sortsLast` |
//! | `timely` | `earliest`, `latest`, `rate` |
//! | `percentile` | `pct`, `median` |
//! | `collection` | `values`, `topk` |
//! | `histogram` | `histogram` |

pub mod collection;
pub mod extreme;
pub mod histogram;
pub mod percentile;
pub mod timely;
pub mod value_aggregate;

pub use value_aggregate::{Aggregate, aggregate};
