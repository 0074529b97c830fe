//! Queries that only count, and whose condition an index may answer alone.

use belfry_lang::insights::{Command, Expr, ExprKind, Function, Item, MatchPattern, Query};
use belfry_store::logs::Prefilter;

use super::expression::constant_text;

/// `filter … | stats count(*)` and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::insights) struct Count {
    /// The name of the only column.
    pub column: String,
    /// Not only necessary for a row to count, but sufficient.
    pub condition: Prefilter,
}

impl Count {
    pub fn of_query(query: &Query) -> Option<Self> {
        let (last, filters) = query.stages.split_last()?;
        let Command::Stats(stats) = &last.command else {
            return None;
        };
        let ([item], [], None) = (stats.items.as_slice(), stats.by.as_slice(), stats.offset) else {
            return None;
        };
        if query.source.is_some() || !counts_rows(item) {
            return None;
        }
        let mut condition = Prefilter::All;
        for stage in filters {
            let Command::Filter(filter) = &stage.command else {
                return None;
            };
            condition = condition.and(exact(&filter.condition)?);
        }
        Some(Self {
            column: item.column_name().to_owned(),
            condition,
        })
    }
}

fn counts_rows(item: &Item) -> bool {
    matches!(&item.expr.kind, ExprKind::Call(call)
        if call.function == Function::Count && call.arguments.is_empty())
}

/// The condition as an index knows it, if it is the same.
fn exact(condition: &Expr) -> Option<Prefilter> {
    let all = |parts: &[Expr]| parts.iter().map(exact).collect::<Option<Vec<_>>>();
    match &condition.kind {
        ExprKind::And(parts) => Some(Prefilter::And(all(parts)?)),
        ExprKind::Or(parts) => Some(Prefilter::Or(all(parts)?)),
        ExprKind::Like {
            value,
            pattern: MatchPattern::Text(text),
            negated: false,
        } if is_message(value) => Some(Prefilter::contains(constant_text(text)?)),
        _ => None,
    }
}

fn is_message(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Field(path) if path.name() == "@message")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Count> {
        Count::of_query(&belfry_lang::insights::parse(text).unwrap())
    }

    #[test]
    fn only_what_is_the_same() {
        let count = of("filter @message like \"a\" | stats count(*) as n").unwrap();
        assert_eq!(count.column, "n");
        assert_eq!(count.condition, Prefilter::contains("a"));
        assert_eq!(of("stats count()").unwrap().condition, Prefilter::All);
        for text in [
            "filter @message like /a/ | stats count(*)",
            "filter @message not like \"a\" | stats count(*)",
            "filter a like \"a\" | stats count(*)",
            "stats count(a)",
            "stats count(*) by a",
            "stats count(*), sum(a)",
            "stats count(*) + 1",
            "fields 1 as @message | filter @message like \"1\" | stats count(*)",
            "stats count(*) as n | filter n > 1",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
