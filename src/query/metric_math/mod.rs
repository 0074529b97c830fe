//! Metric math (spec metric-math.md): pure functions over small series.
//!
//! | file | what |
//! |---|---|
//! | `series` | scalars, series, arrays, and the grid |
//! | `operators` | arithmetic, comparison, logic |
//! | `functions/` | one file per family |
//! | `budget` | what a call may take of memory and time |
//! | `evaluator` | expressions that refer to each other |
//! | `error` | why an expression cannot be evaluated |

pub mod budget;
pub mod error;
pub mod evaluator;
mod functions;
#[cfg(test)]
mod golden_tests;
mod operators;
pub mod series;

pub use budget::{Budget, POINTS, PointPool};
pub use error::MathError;
pub use evaluator::{Definition, Evaluator, Query};
pub use series::{Grid, TimeSeries, Value};
