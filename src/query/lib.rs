//! Queries: metric math.
//!
//! | file | what |
//! |---|---|
//! | `metric_math/` | expressions over metrics |

pub mod metric_math;
