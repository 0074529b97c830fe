//! Metric math (spec metric-math.md): the tree of an expression over the metrics of one call.
//!
//! [`parse`] checks the grammar, the functions and their numbers of arguments. What type a value
//! has, and which Ids exist, is known where expressions are evaluated. [`SearchQuery`] is the
//! language inside the first string of `SEARCH`.
//!
//! | files | what |
//! |---|---|
//! | `expression`, `expression_grammar` | [`Expression`]: tree and printer, parser |
//! | `functions` | the table of functions and the words they take |
//! | `search` | [`SearchQuery`] |

mod expression;
mod expression_grammar;
mod functions;
mod search;

pub use expression::{Argument, Expression, ExpressionKind, Operator, OperatorLevel};
pub use expression_grammar::{
    EXPRESSION_CHARACTERS_MAX, EXPRESSION_LEVELS_MAX, is_metrics_insights, parse,
};
pub use functions::{Declaration, FUNCTIONS, Function, Keyword};
pub use search::{
    SEARCH_CHARACTERS_MAX, SearchCondition, SearchProperty, SearchQuery, SearchSchema, SearchTerm,
    SearchValue,
};

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
