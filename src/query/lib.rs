//! Queries: Logs Insights on DataFusion, metrics and metric math.
//!
//! Guarantees: a query reads one snapshot; it runs on threads and in memory of its own, both
//! bounded, and stops when told; a query that asks for more than this server runs is refused before it
//! runs, never answered wrongly. Only this package names DataFusion.
//!
//! | file | what |
//! |---|---|
//! | `insights/` | compiling and running Logs Insights queries |
//! | `functions/` | scalar functions and operators |
//! | `aggregates/` | aggregate functions |
//! | `values/` | dynamically typed values and their columns |
//! | `discovery/` | fields of messages that are not JSON |
//! | `scan/` | the scan node over the store |
//! | `metric_math/` | expressions over metrics |
//! | `metrics/` | GetMetricData, GetMetricStatistics, datapoints of alarms |
//! | `off_async` | computing beside the async threads |
//! | `error` | what can go wrong, classified |

pub mod aggregates;
pub mod discovery;
pub mod error;
pub mod functions;
pub mod insights;
pub mod metric_math;
pub mod metrics;
pub mod off_async;
pub mod scan;
pub mod values;

pub use error::{Error, Result};
