//! The index of a segment: which rows may hold a text or a value.
//!
//! It is a pre-filter and never the answer: a reader may be given rows that do not match, but
//! never misses one that does. Each token of a message is indexed in the one place that suits it:
//! words as terms, ids in compact filters, values of low cardinality as row sets.
//!
//! | file | what |
//! |---|---|
//! | `tokens` | cutting text into tokens, and telling words from ids |
//! | `words` | terms to rows (the only file that names tantivy) |
//! | `ids` | which pages of rows may hold an id |
//! | `values` | row sets of the values of a column |
//! | `lookup` | from a condition to candidate rows |

pub mod ids;
pub mod lookup;
pub mod tokens;
pub mod values;
pub mod words;
