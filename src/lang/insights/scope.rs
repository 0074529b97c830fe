//! Which names an expression may use (spec logs-insights.md 6.6.1, 6.6.3).
//!
//! Before a `stats` every name is legal: an unknown field is missing. Behind it only its outputs
//! exist, and what later commands add to them.

use crate::grammar::{Fault, rule};
use crate::span::Span;

use super::expression::{Expr, ExprKind, InSet};
use super::field::{FieldPath, Name};
use super::functions::Function;
use super::item::Item;
use super::order::check_order;
use super::parse::{Parse, ParsePattern};
use super::query::{Command, Query};
use super::stats::Stats;

type Checked = Result<(), nom::Err<Fault>>;

/// Checks the order of commands and the names of a query and of all queries inside it.
pub(super) fn check_query(query: &Query) -> Checked {
    check_order(query)?;
    let mut scope = Scope::Events;
    for stage in &query.stages {
        scope.enter(&stage.command)?;
    }
    Ok(())
}

/// The names that exist in front of a command.
#[derive(Clone, Debug)]
enum Scope {
    /// Rows are events, possibly with more columns: any name may be a discovered field.
    Events,
    /// Rows are groups.
    Groups(Columns),
}

#[derive(Clone, Debug, Default)]
struct Columns {
    names: Vec<String>,
    /// How unnamed calls may be repeated, see [`Expr::reference_key`].
    calls: Vec<String>,
}

impl Columns {
    fn add_item(&mut self, item: &Item) {
        self.names.push(item.column_name().to_owned());
        self.calls.extend(item.reference_key());
    }

    fn has_path(&self, path: &FieldPath) -> bool {
        (1..=path.segments.len()).any(|count| self.names.contains(&path.prefix_name(count)))
    }

    fn has_call(&self, expr: &Expr) -> bool {
        expr.reference_key()
            .is_some_and(|key| self.calls.contains(&key))
    }
}

impl Scope {
    /// Checks a command against the names in front of it and moves behind it.
    fn enter(&mut self, command: &Command) -> Checked {
        match command {
            Command::Fields(fields) => self.items(&fields.items)?,
            Command::Display(display) => self.items(&display.items)?,
            Command::Filter(filter) => self.row_expr(&filter.condition)?,
            Command::FilterIndex(filter) => {
                self.paths(filter.conditions.iter().map(|condition| &condition.field))?;
            }
            Command::Parse(parse) => self.parse(parse)?,
            Command::Sort(sort) => {
                for key in &sort.keys {
                    self.row_expr(&key.expr)?;
                    self.add(key.alias.iter().map(|alias| alias.text.clone()));
                }
            }
            Command::Limit(_) | Command::Head(_) | Command::Tail(_) | Command::Estimate(_) => {}
            Command::Stats(stats) => *self = self.stats(stats)?,
            Command::Dedup(dedup) => self.paths(&dedup.fields)?,
            Command::Pattern(pattern) => self.row_expr(&pattern.text)?,
            Command::Diff(_) | Command::LogCompare(_) | Command::Anomaly(_) => {}
            Command::Unmask(unmask) => self.paths(&unmask.fields)?,
            Command::Unnest(unnest) => {
                self.row_expr(&unnest.list)?;
                self.add([unnest.into.text.clone()]);
            }
            Command::Expand(expand) => self.path(&expand.field)?,
            Command::Lookup(lookup) => {
                for wanted in &lookup.matches {
                    match &wanted.field {
                        Some(field) => self.path(field)?,
                        None => self.name(&wanted.column)?,
                    }
                }
                self.add(lookup.outputs.iter().map(|output| output.text.clone()));
            }
            Command::CidrLookup(lookup) => {
                self.path(&lookup.field)?;
                let name = |name: &Name| name.text.clone();
                self.add(
                    lookup
                        .outputs
                        .iter()
                        .map(|output| name(output.alias.as_ref().unwrap_or(&output.column))),
                );
            }
            Command::Join(join) => {
                self.paths(join.conditions.iter().map(|condition| &condition.left))?;
                check_query(&join.query)?;
                // The text does not tell what the other side brings.
                *self = Self::Events;
            }
            Command::AppendCols(append) => {
                check_query(&append.query)?;
                *self = Self::Events;
            }
            Command::AddTotals(totals) => {
                self.paths(&totals.fields)?;
                self.add([totals.total_column().to_owned()]);
            }
            Command::Accum(accum) => {
                self.path(&accum.field)?;
                self.add(accum.alias.iter().map(|alias| alias.text.clone()));
            }
            Command::AutoRegress(copies) => {
                self.path(&copies.field)?;
                self.add(copies.columns());
            }
            Command::FillDown(_) => {}
            Command::FillMissing(fill) => {
                for fill in &fill.fills {
                    self.name(&fill.column)?;
                }
            }
            Command::Outlier(outlier) => {
                self.paths(&outlier.fields)?;
                self.add(outlier.fields.iter().map(outlier_column));
            }
            Command::Sessionize(sessionize) => {
                self.paths(&sessionize.fields)?;
                self.add([sessionize.column().to_owned()]);
            }
            Command::CountFrequent(count) => {
                self.paths(&count.fields)?;
                if let Self::Groups(columns) = self {
                    *columns = Columns::default();
                    columns
                        .names
                        .extend(count.fields.iter().map(FieldPath::name));
                    columns.names.push("_approxcount".to_owned());
                }
            }
            Command::RelevantFields(relevant) => {
                self.paths(&relevant.fields)?;
                self.row_expr(&relevant.condition)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, names: impl IntoIterator<Item = String>) {
        if let Self::Groups(columns) = self {
            columns.names.extend(names);
        }
    }

    fn items(&mut self, items: &[Item]) -> Checked {
        for item in items {
            self.row_expr(&item.expr)?;
        }
        if let Self::Groups(columns) = self {
            items.iter().for_each(|item| columns.add_item(item));
        }
        Ok(())
    }

    fn parse(&mut self, parse: &Parse) -> Checked {
        match &parse.source {
            Some(source) => self.row_expr(source)?,
            None => self.path(&FieldPath::key("@message"))?,
        }
        match &parse.pattern {
            ParsePattern::Glob { names, .. } => {
                self.add(names.iter().map(|name| name.text.clone()));
            }
            ParsePattern::Regex { regex, names } => {
                self.add(names.iter().map(|name| name.text.clone()));
                self.add(regex.group_names());
            }
        }
        Ok(())
    }

    /// Behind a `stats`, only its outputs exist.
    fn stats(&self, stats: &Stats) -> Result<Self, nom::Err<Fault>> {
        let mut outputs = Columns::default();
        for key in &stats.by {
            self.row_expr(&key.expr)?;
            outputs.add_item(key);
            // An aliased key is still the same expression inside this command.
            outputs.names.extend(match &key.expr.kind {
                ExprKind::Field(path) => Some(path.name()),
                _ => None,
            });
            outputs.calls.extend(key.expr.reference_key());
        }
        for item in &stats.items {
            self.group_expr(&item.expr, &outputs)?;
            outputs.add_item(item);
        }
        check_topk_is_alone(stats)?;
        let mut columns = Columns::default();
        let outputs = stats.by.iter().chain(&stats.items);
        outputs.for_each(|item| columns.add_item(item));
        Ok(Self::Groups(columns))
    }

    /// An item of a `stats`: outside of aggregates only keys and earlier aliases.
    fn group_expr(&self, expr: &Expr, outputs: &Columns) -> Checked {
        if outputs.has_call(expr) {
            return Ok(());
        }
        match &expr.kind {
            ExprKind::Call(call) if call.function.is_aggregate() => call
                .expressions()
                .try_for_each(|inside| self.row_expr(inside)),
            ExprKind::Field(path) => match outputs.has_path(path) {
                true => Ok(()),
                false => Err(unknown(&path.name(), path.span)),
            },
            ExprKind::Call(call) if call.function == Function::Bin => Err(rule(
                expr.span,
                "bin in a stats command must be one of its keys",
            )),
            _ => {
                check_inner_query(expr)?;
                let mut parts = expr.children().into_iter();
                parts.try_for_each(|part| self.group_expr(part, outputs))
            }
        }
    }

    fn has_call(&self, expr: &Expr) -> bool {
        match self {
            Self::Events => false,
            Self::Groups(columns) => columns.has_call(expr),
        }
    }

    /// An expression over one row: no aggregates but those that name a column.
    fn row_expr(&self, expr: &Expr) -> Checked {
        if self.has_call(expr) {
            return Ok(());
        }
        match &expr.kind {
            ExprKind::Call(call) if call.function.is_aggregate() => {
                let name = call.function.name();
                let text = format!("the aggregate function {name} outside of the items of stats");
                return Err(rule(expr.span, text));
            }
            ExprKind::Call(call) if call.function == Function::Bin => {
                let timestamp = FieldPath {
                    span: expr.span,
                    ..FieldPath::key("@timestamp")
                };
                return self.path(&timestamp);
            }
            ExprKind::Field(path) => return self.path(path),
            _ => {}
        }
        check_inner_query(expr)?;
        expr.children()
            .into_iter()
            .try_for_each(|part| self.row_expr(part))
    }

    fn paths<'p>(&self, paths: impl IntoIterator<Item = &'p FieldPath>) -> Checked {
        paths.into_iter().try_for_each(|path| self.path(path))
    }

    fn path(&self, path: &FieldPath) -> Checked {
        match self {
            Self::Groups(columns) if !columns.has_path(path) => {
                Err(unknown(&path.name(), path.span))
            }
            _ => Ok(()),
        }
    }

    fn name(&self, name: &Name) -> Checked {
        match self {
            Self::Groups(columns) if !columns.names.contains(&name.text) => {
                Err(unknown(&name.text, name.span))
            }
            _ => Ok(()),
        }
    }
}

fn outlier_column(field: &FieldPath) -> String {
    format!("{}_outlier", field.name())
}

/// The text is the service's own (spec 10.2).
fn unknown(name: &str, span: Span) -> nom::Err<Fault> {
    rule(
        span,
        format!("Unknown symbols found in or after stats: {name}"),
    )
}

fn check_inner_query(expr: &Expr) -> Checked {
    match &expr.kind {
        ExprKind::In {
            set: InSet::Subquery(query),
            ..
        } => check_query(query),
        _ => Ok(()),
    }
}

/// `topk` stands alone and without `by` (8.10).
fn check_topk_is_alone(stats: &Stats) -> Checked {
    fn calls_topk(expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Call(call) if call.function == Function::TopK)
            || expr.children().into_iter().any(calls_topk)
    }
    let topk = stats.items.iter().find(|item| calls_topk(&item.expr));
    match topk {
        Some(item) if stats.items.len() > 1 || !stats.by.is_empty() => Err(rule(
            item.expr.span,
            "topk must be the only item of stats, without by",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    fn refusal(query: &str) -> String {
        parse(query).unwrap_err().to_string()
    }

    #[test]
    fn behind_stats_only_its_outputs_exist() {
        for (query, name) in [
            ("stats count(*) as n by svc | fields b", "b"),
            ("stats count(*) as n by svc as s | filter svc = 1", "svc"),
            ("stats count(*) | sort count(*) + x", "x"),
            ("stats count(*) as n by a | stats sum(m) by a", "m"),
            (
                "stats count(*) as n by a | stats sum(n) by bin(5m)",
                "@timestamp",
            ),
            ("stats count(*) as n by a | dedup n, b", "b"),
            ("stats x, count(*)", "x"),
            ("stats count(*) as n, n / m by k", "m"),
            ("stats count(*) by a | parse 'x *' as y", "@message"),
        ] {
            let text = refusal(query);
            let wanted = format!("Unknown symbols found in or after stats: {name} at");
            assert!(text.starts_with(&wanted), "{query}: {text}");
        }
    }

    #[test]
    fn aggregates_stand_in_items_of_stats() {
        for query in [
            "filter count(*) > 1",
            "fields sum(x)",
            "stats max(avg(x))",
            "stats count(*) by sum(x)",
            "sort count(*)",
            "stats count(*) as n by a | sort count(*)",
        ] {
            let text = refusal(query);
            assert!(
                text.starts_with("the aggregate function"),
                "{query}: {text}"
            );
        }
        assert!(refusal("stats topk(3, a) by b").starts_with("topk must"));
        assert!(refusal("stats topk(3, a), count(*)").starts_with("topk must"));
        assert!(refusal("stats bin(5m), count(*)").starts_with("bin in a stats"));
    }

    #[test]
    fn what_refers_to_columns() {
        for query in [
            "stats count(*), SUM( Fault ) by bin(5m) | sort COUNT(*) desc, bin(5m), sum(Fault)",
            "stats sum(ms) / 10 by a | filter `sum(ms) / 10` > 2",
            "stats bin(5m), count(*) by bin(5m)",
            "stats a, count(*) as n, n * 2 as m, m + n by a",
            "stats max(@timestamp) as @timestamp by a | stats count(*) by bin(1h)",
            "stats values(x) as m by a.b | fields m[0], a.b | unnest m into e | display e.k",
            "stats count(*) by a | stats max(count(*)), count(*)",
            "stats count(*) as n by k | autoregress n as p p=1-2 | fields p_p1, p_p2",
            "stats count(*) as n by k | autoregress n p=2 | fields n_p2",
            "stats count(*) as n by k | addtotals | fields Total",
            "stats max(m) as m by k | parse m /(?<y>\\d+)-(\\d+)/ as z | display y, z",
            "stats count(*) as n by k | lookup t k OUTPUT v | fields v",
            "stats count(*) as n by k | countFrequent k | fields k, _approxcount",
            "stats count(*) as n by k | join left=a right=b where a.k = b.k (SOURCE 'g') | fields b.x",
            "fields nowhere | filter nothing = 1 | stats count(*)",
        ] {
            if let Err(error) = parse(query) {
                panic!("{query}: {error}");
            }
        }
    }
}
