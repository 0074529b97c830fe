//! CloudWatch Logs Insights, `CWLI` on the wire (spec logs-insights.md).
//!
//! [`parse`] gives a [`Query`]: an optional `SOURCE` and the stages of the pipeline. Every command
//! of the language parses, so that an engine can name what it does not run. What the text alone can
//! get wrong is refused here: unknown functions, wrong arguments, regexes that do not compile,
//! commands in the wrong order, names that do not exist behind a `stats`. All nodes print back with
//! `Display`, and `parse(print(query)) == query`.
//!
//! ```
//! use belfry_lang::insights::{Command, parse};
//!
//! let query = parse("filter level = 'ERROR' | stats count(*) as errors by bin(5m)")?;
//! let Command::Stats(stats) = &query.stages[1].command else { unreachable!() };
//! assert_eq!(stats.items[0].column_name(), "errors");
//! assert_eq!(stats.by[0].column_name(), "bin(5m)");
//! # Ok::<(), belfry_lang::SyntaxError>(())
//! ```
//!
//! | files | what |
//! |---|---|
//! | `query`, `query_grammar` | the pipeline: [`Query`], [`Stage`], [`Command`]; commands by name |
//! | `expression`, `expression_grammar`, `expression_text` | [`Expr`]: tree, parser, printer |
//! | `functions`, `constant_arguments` | the table of functions; arguments that must be constants |
//! | `tokens` | words, signs, strings, numbers |
//! | `field`, `item`, `duration`, `glob`, `regex_literal` | names and paths, columns, `5m`, `"* [*]"`, `/x/` |
//! | `order`, `scope` | which command may stand where, which names exist there |
//! | `source`, `join`, `append_cols` | `SOURCE`; commands with a query inside |
//! | `fields`, `display`, `filter`, `filter_index`, `parse`, `sort`, `limit`, `stats`, `dedup` | the commands of everyday queries |
//! | `pattern`, `diff`, `log_compare`, `anomaly`, `relevant_fields` | commands over the shape of texts |
//! | `unnest`, `expand`, `lookup`, `cidr_lookup`, `unmask`, `estimate` | further commands over rows |
//! | `accum`, `add_totals`, `auto_regress`, `count_frequent`, `fill_down`, `fill_missing`, `outlier`, `sessionize` | commands over the sequence of rows |

mod accum;
mod add_totals;
mod anomaly;
mod append_cols;
mod auto_regress;
mod cidr_lookup;
mod constant_arguments;
mod count_frequent;
mod dedup;
mod diff;
mod display;
mod duration;
mod estimate;
mod expand;
mod expression;
mod expression_grammar;
mod expression_text;
mod field;
mod fields;
mod fill_down;
mod fill_missing;
mod filter;
mod filter_index;
mod functions;
mod glob;
mod item;
mod join;
mod limit;
mod log_compare;
mod lookup;
mod order;
mod outlier;
mod parse;
mod pattern;
mod query;
mod query_grammar;
mod regex_literal;
mod relevant_fields;
mod scope;
mod sessionize;
mod sort;
mod source;
mod stats;
mod tokens;
mod unmask;
mod unnest;

pub use accum::Accum;
pub use add_totals::AddTotals;
pub use anomaly::Anomaly;
pub use append_cols::{APPENDED_ROWS_DEFAULT, AppendCols};
pub use auto_regress::{AutoRegress, LAG_MAX, LAGS_PER_COMMAND_MAX};
pub use cidr_lookup::{CidrLookup, CidrOutput};
pub use constant_arguments::{HISTOGRAM_BUCKETS_MAX, TOPK_MAX};
pub use count_frequent::CountFrequent;
pub use dedup::Dedup;
pub use diff::{Diff, DiffWindow};
pub use display::Display;
pub use duration::{Duration, DurationUnit};
pub use estimate::Estimate;
pub use expand::Expand;
pub use expression::{
    Argument, ArithmeticOperator, Call, ComparisonOperator, Expr, ExprKind, InSet, Literal,
    MatchPattern, Sign,
};
pub use expression_grammar::EXPRESSION_LEVELS_MAX;
pub use field::{FieldPath, Name, Segment};
pub use fields::Fields;
pub use fill_down::{FillDown, NamePattern};
pub use fill_missing::{Fill, FillMissing, SignedLiteral};
pub use filter::Filter;
pub use filter_index::{FilterIndex, IndexCondition, IndexTest};
pub use functions::{CASE_BRANCHES_MAX, Declaration, FUNCTIONS, Function, FunctionKind};
pub use glob::{Glob, GlobPart};
pub use item::{Item, ItemName};
pub use join::{Join, JoinCondition, JoinKind};
pub use limit::{HEAD_ROWS_DEFAULT, Head, Limit, ROWS_MAX, Tail};
pub use log_compare::LogCompare;
pub use lookup::{Lookup, LookupMatch, OutputMode};
pub use order::STATS_PER_QUERY_MAX;
pub use outlier::{OUTLIER_FACTOR_DEFAULT, Outlier, OutlierAction};
pub use parse::{Parse, ParsePattern};
pub use pattern::Pattern;
pub use query::{Command, Query, Stage};
pub use query_grammar::{QUERY_CHARACTERS_MAX, parse};
pub use regex_literal::{COMPILED_REGEX_BYTES_LIMIT, RegexLiteral, compile_regex};
pub use relevant_fields::RelevantFields;
pub use sessionize::{SESSION_GAP_DEFAULT, Sessionize};
pub use sort::{Direction, Sort, SortKey};
pub use source::{LogGroupClass, LogGroupSelection, Source, SourceItem, SourceTime, TagFilter};
pub use stats::Stats;
pub use unmask::Unmask;
pub use unnest::Unnest;

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod syntax_tests;
