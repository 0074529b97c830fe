//! Logs Insights: queries over log events (spec logs-insights.md).
//!
//! [`compile`] checks a query's text; [`InsightsEngine::run`] runs it over a snapshot of the logs.
//!
//! | file | what |
//! |---|---|
//! | `answer_memory` | what answers made of results take |
//! | `compile_error` | why a query is refused, and where in its text |
//! | `compiled` | a query that can run, and the window and groups it runs over |
//! | `lower/` | from the syntax tree to DataFusion's logical plan |
//! | `engine` | running plans: threads, memory, cancellation |
//! | `result` | rows as texts, and what a query cost |
//! | `counts` | how many run, and how they ended |
//! | `service` | queries that callers start, look at and stop |

mod answer_memory;
pub mod compile_error;
pub mod compiled;
pub mod counts;
pub mod engine;
#[cfg(test)]
mod golden_tests;
mod lower;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod refusing_catalog;
pub mod result;
pub mod service;

pub use answer_memory::AnswerMemory;
pub use compile_error::CompileError;
pub use compiled::{CompiledQuery, QueryScope, QueryTimes, compile};
pub use counts::QueryCounts;
pub use engine::{Cancellation, EngineConfig, InsightsEngine};
pub use lower::RESULT_ROWS_DEFAULT;
pub use result::{Cell, ResultSet};
pub use service::{InsightsService, StartError, StartRequest, Stopped};
