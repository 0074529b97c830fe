//! The languages of the service: text in, typed trees with positions out, and back.
//!
//! Guarantees: a parser never panics, whatever the text; size and nesting are bounded; what a tree
//! prints parses to the same tree; an error names its place.
//!
//! | file | what |
//! |---|---|
//! | `span.rs` | where something was written |
//! | `error.rs` | the one error: what was found, what was expected, where |
//! | `grammar.rs` | the input with its place, faults, the guard against deep nesting |
//! | `dashboard/` | dashboard bodies and their validation |
//! | `filter_pattern/` | filter patterns, with their matcher |
//! | `insights/` | Logs Insights queries |
//! | `metric_math/` | metric math expressions |
//! | `print.rs` | pieces of the printers |

pub mod dashboard;
pub mod error;
pub mod filter_pattern;
mod grammar;
pub mod insights;
pub mod metric_math;
mod print;
pub mod span;

pub use error::{Language, SyntaxError, SyntaxErrorKind};
pub use span::Span;
