//! The dynamically typed values of Logs Insights and their form in Arrow columns.
//!
//! A column whose type is known when the query is planned is a plain Arrow column; only where the
//! type depends on the row is it a *dynamic* column, whose bytes carry a tag.
//!
//! | file | what |
//! |---|---|
//! | `value` | one value, its conversions (spec logs-insights.md 3.1, 3.2) |
//! | `number_text` | numbers from text and to text (spec 2.3, 11) |
//! | `compare` | `=` and `<` (spec 3.3) |
//! | `sort_key` | the order of `sort` as bytes that compare (spec 6.7) |
//! | `column` | reading and building Arrow columns of values |
//! | `json` | stepping into and printing the JSON text of structures |

pub mod column;
pub mod compare;
pub mod json;
pub mod number_text;
pub mod sort_key;
pub mod value;

pub use column::{ColumnBuilder, ColumnView};
pub use value::{Value, ValueType};
