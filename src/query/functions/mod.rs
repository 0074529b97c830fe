//! The scalar functions and operators of Logs Insights as DataFusion functions.
//!
//! | file | what |
//! |---|---|
//! | `row_function` | a function of the table below as a DataFusion function |
//! | `numeric` | spec logs-insights.md 7.1 |
//! | `general` | 7.2 |
//! | `text` | 7.3: trimming, searching, replacing |
//! | `encoding` | 7.3: URL, Base64, hexadecimal, digests |
//! | `time` | 7.4: `fromMillis`, `toMillis` |
//! | `period` | 7.4: `bin`, `datefloor`, `dateceil` |
//! | `parse_date`, `format_date`, `zone` | 7.4 |
//! | `structure` | 7.5 |
//! | `ip` | 7.6 |
//! | `arithmetic` | 3.7 |
//! | `comparison` | 3.3, 3.6 |
//! | `conversion` | 3.2, 3.4: to number, to text, to condition, sort keys |
//! | `matching` | 3.5: substrings and regular expressions |
//! | `elements` | 6.11, 6.12: the elements of lists |
//! | `extract` | 6.10: the groups of `parse` |

pub mod arithmetic;
pub mod comparison;
pub mod conversion;
pub mod elements;
pub mod encoding;
pub mod extract;
pub mod format_date;
pub mod general;
pub mod ip;
pub mod matching;
pub mod numeric;
pub mod parse_date;
pub mod period;
pub mod row_function;
pub mod structure;
pub mod text;
pub mod time;
pub mod zone;
