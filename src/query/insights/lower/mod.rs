//! From the syntax tree to DataFusion's logical plan.
//!
//! | file | what |
//! |---|---|
//! | `scope` | what names mean at a place in the pipeline, and the order of rows there |
//! | `expression` | expressions over the columns of a row |
//! | `names` | the discovered fields a query can ask for |
//! | `columns` | which columns come back (spec logs-insights.md 6.3) |
//! | `counting` | queries that an index may answer alone |
//! | `prefilter` | what an index can know of the filters |
//! | `reading_order` | which way through time to read, and how much may be enough |
//! | `stats` | `stats` |
//! | `parse` | `parse` |
//! | `dedup` | `dedup` |
//! | `unnest` | `unnest`, `expand` |
//! | `row_sequence` | `accum`, `autoregress`, `filldown` |
//! | `count_frequent` | `countFrequent` |

mod columns;
mod count_frequent;
pub(in crate::insights) mod counting;
mod dedup;
mod expression;
mod names;
mod parse;
pub(in crate::insights) mod prefilter;
pub(in crate::insights) mod reading_order;
mod row_sequence;
pub(in crate::insights) mod scope;
mod stats;
mod unnest;

use std::sync::Arc;

use belfry_lang::Span;
use belfry_lang::insights::{Command, Direction, ExprKind, Item, Query, Sort, Stage};
use datafusion::common::Result as PlanResult;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::compile_error::Problem;
use super::compiled::{QueryTimes, TableOf};
use crate::scan::ScanColumn;
use crate::values::ValueType;
use columns::OutputColumns;
use expression::Expressions;
use scope::{Operand, Scope, column, scan_column};

/// Rows of a result when nothing says how many (documented).
pub const RESULT_ROWS_DEFAULT: u32 = 10_000;

/// A query as DataFusion runs it.
#[derive(Debug)]
pub(in crate::insights) struct Lowered {
    pub plan: LogicalPlan,
    /// The names of the plan's columns by position. Where the rows are events, the plan has one
    /// more: the pointer.
    pub columns: Vec<String>,
}

/// Who asks, and over which window.
#[derive(Clone, Debug)]
pub(in crate::insights) struct Surroundings {
    pub account: Arc<str>,
    pub region: Arc<str>,
    pub times: QueryTimes,
    /// Rows of the result, by the API's parameter.
    pub limit: Option<u32>,
}

/// Lowers `query` over the table that `table` makes for the columns it can ask for.
pub(in crate::insights) fn lower(
    query: &Query,
    surroundings: &Surroundings,
    table: &TableOf<'_>,
) -> Result<Lowered, Problem> {
    if query.source.is_some() {
        return Err(Problem::unsupported("SOURCE", Span::default()));
    }
    let provider = table(scan_columns(query), prefilter::of_query(query));
    let plan = LogicalPlanBuilder::scan("events", provider_as_source(provider), None)
        .and_then(drop_qualifiers)
        .map_err(|error| Problem::plan(&error))?;
    let mut pipeline = Pipeline {
        plan,
        scope: Scope::of_events(
            Arc::clone(&surroundings.account),
            Arc::clone(&surroundings.region),
        ),
        times: &surroundings.times,
        output: OutputColumns::default(),
        limit: surroundings.limit,
        made: 0,
    };
    for stage in &query.stages {
        pipeline.stage(stage)?;
    }
    pipeline.finish()
}

/// Columns are found by name alone.
fn drop_qualifiers(plan: LogicalPlanBuilder) -> PlanResult<LogicalPlanBuilder> {
    let names: Vec<String> = plan
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    plan.project(names.into_iter().map(column).collect::<Vec<_>>())
}

fn scan_columns(query: &Query) -> Vec<ScanColumn> {
    let mut columns = vec![
        ScanColumn::Order,
        ScanColumn::Timestamp,
        ScanColumn::IngestionTime,
        ScanColumn::Message,
        ScanColumn::LogStream,
        ScanColumn::Log,
        ScanColumn::Ptr,
    ];
    for name in names::of_query(query) {
        for value_type in [ValueType::Dynamic, ValueType::Number, ValueType::Text] {
            columns.push(ScanColumn::Field(Arc::clone(&name), value_type));
        }
    }
    columns
}

/// The plan so far, and what its columns mean.
struct Pipeline<'a> {
    plan: LogicalPlanBuilder,
    scope: Scope,
    times: &'a QueryTimes,
    output: OutputColumns,
    /// The smallest limit that holds for the whole result.
    limit: Option<u32>,
    /// Columns made so far: their names are numbers.
    made: usize,
}

impl Pipeline<'_> {
    fn stage(&mut self, stage: &Stage) -> Result<(), Problem> {
        match &stage.command {
            Command::Fields(fields) => {
                self.add_items(&fields.items)?;
                let names = fields
                    .items
                    .iter()
                    .map(|item| item.column_name().to_owned());
                self.output.add_fields(names);
            }
            Command::Display(display) => {
                self.add_items(&display.items)?;
                let names = display
                    .items
                    .iter()
                    .map(|item| item.column_name().to_owned());
                self.output.set_display(names.collect());
            }
            Command::Filter(filter) => {
                let condition = self.expressions().condition(&filter.condition, true)?;
                self.extend(|plan| plan.filter(condition))?;
            }
            Command::Parse(parse) => self.parse(parse, stage.span)?,
            Command::Sort(sort) => self.sort(sort)?,
            Command::Limit(limit) if limit.any => {
                self.extend(|plan| plan.limit(0, Some(limit.rows as usize)))?;
            }
            Command::Limit(limit) => self.keep_first(limit.rows)?,
            Command::Head(head) => self.keep_first(head.rows)?,
            Command::Tail(tail) => {
                let reversed = self
                    .scope
                    .order
                    .iter()
                    .map(|key| SortExpr::new(key.expr.clone(), !key.asc, !key.nulls_first));
                let reversed: Vec<_> = reversed.collect();
                self.extend(|plan| plan.sort_with_limit(reversed, Some(tail.rows as usize)))?;
            }
            Command::Stats(stats) => self.stats(stats, stage.span)?,
            Command::Dedup(dedup) => self.dedup(&dedup.fields)?,
            Command::Unnest(unnest) => self.unnest(unnest)?,
            Command::Expand(expand) => self.expand(expand)?,
            Command::Accum(accum) => self.accum(accum)?,
            Command::AutoRegress(command) => self.auto_regress(command)?,
            Command::FillDown(command) => self.fill_down(command, stage.span)?,
            Command::CountFrequent(count) => self.count_frequent(&count.fields)?,
            // This server masks nothing: what is stored is what shows.
            Command::Unmask(_) => {}
            other => {
                let name = other.to_string();
                let word = name
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                return Err(Problem::unsupported(
                    format!("the command {word}"),
                    stage.span,
                ));
            }
        }
        Ok(())
    }

    fn expressions(&self) -> Expressions<'_> {
        Expressions {
            scope: &self.scope,
            times: self.times,
            aggregates: None,
        }
    }

    fn extend(
        &mut self,
        f: impl FnOnce(LogicalPlanBuilder) -> PlanResult<LogicalPlanBuilder>,
    ) -> Result<(), Problem> {
        self.plan = f(self.plan.clone()).map_err(|error| Problem::plan(&error))?;
        Ok(())
    }

    /// A name for a new column.
    fn new_column(&mut self) -> String {
        self.made += 1;
        format!("c{}", self.made)
    }

    /// Adds columns to those that are there.
    fn add_columns(&mut self, made: Vec<(String, Expr)>) -> Result<(), Problem> {
        if made.is_empty() {
            return Ok(());
        }
        let present = self.plan.schema().fields().iter();
        let mut all: Vec<Expr> = present.map(|field| column(field.name())).collect();
        all.extend(made.into_iter().map(|(name, expr)| expr.alias(name)));
        self.extend(|plan| plan.project(all))
    }

    /// The items of `fields` and `display` as named columns. All of them see the names as they
    /// were before. A plain discovered field stays what it is.
    fn add_items(&mut self, items: &[Item]) -> Result<(), Problem> {
        let mut made = Vec::new();
        let mut bindings = Vec::new();
        for item in items {
            let operand = self.expressions().operand(&item.expr)?;
            let is_plain = item.alias().is_none()
                && matches!(&item.expr.kind, ExprKind::Field(path)
                    if self.is_plain(&path.name(), &operand));
            if is_plain {
                continue;
            }
            let (expr, value_type) = operand.typed();
            let name = self.new_column();
            made.push((name.clone(), expr));
            bindings.push((item, name, value_type));
        }
        self.add_columns(made)?;
        for (item, name, value_type) in bindings {
            self.scope.bind(item.column_name(), name, value_type);
            if let Some(key) = item.reference_key() {
                self.scope.calls.insert(key, item.column_name().to_owned());
            }
        }
        Ok(())
    }

    /// Whether the name alone finds the value again.
    fn is_plain(&self, name: &str, operand: &Operand) -> bool {
        matches!(operand, Operand::Field(_))
            || self.scope.made.contains_key(name)
            || (!self.scope.closed && name.starts_with('@'))
    }

    fn sort(&mut self, sort: &Sort) -> Result<(), Problem> {
        let mut made = Vec::new();
        let mut keys = Vec::new();
        let mut aliases = Vec::new();
        for key in &sort.keys {
            let operand = self.expressions().operand(&key.expr)?;
            let ascending = key.direction == Direction::Ascending;
            let is_time = self.scope.events
                && matches!(&operand, Operand::Typed(expr, _)
                    if *expr == scan_column(&ScanColumn::Timestamp));
            if let Some(alias) = &key.alias {
                let (expr, value_type) = operand.clone().typed();
                let name = self.new_column();
                made.push((name.clone(), expr));
                aliases.push((alias.text.clone(), name, value_type));
            }
            if is_time {
                // Equal timestamps follow ingestion in the key's direction; nothing ties further.
                let order = scan_column(&ScanColumn::Order);
                keys.push(SortExpr::new(order, ascending, ascending));
                continue;
            }
            let name = self.new_column();
            made.push((name.clone(), operand.sort_key()));
            // Missing sorts first; descending is the exact reverse.
            keys.push(SortExpr::new(column(name), ascending, ascending));
        }
        self.add_columns(made)?;
        for (alias, name, value_type) in aliases {
            self.scope.bind(&alias, name, value_type);
        }
        // Stable: what ties keeps the order it had.
        keys.extend(std::mem::take(&mut self.scope.order));
        self.scope.order = keys;
        Ok(())
    }

    fn keep_first(&mut self, rows: u32) -> Result<(), Problem> {
        let order = self.scope.order.clone();
        self.extend(|plan| {
            if order.is_empty() {
                plan.limit(0, Some(rows as usize))
            } else {
                plan.sort_with_limit(order, Some(rows as usize))
            }
        })
    }

    fn finish(mut self) -> Result<Lowered, Problem> {
        let rows = self.limit.unwrap_or(RESULT_ROWS_DEFAULT);
        self.keep_first(rows)?;
        let names = self.output.names(&self.scope);
        let mut outputs = Vec::with_capacity(names.len() + 1);
        for (at, name) in names.iter().enumerate() {
            let (expr, _) = self.scope.name(name, Span::default())?.typed();
            outputs.push(expr.alias(format!("out{at}")));
        }
        if self.scope.events {
            outputs.push(scan_column(&ScanColumn::Ptr));
        }
        self.extend(|plan| plan.project(outputs))?;
        let plan = self.plan.build().map_err(|error| Problem::plan(&error))?;
        Ok(Lowered {
            plan,
            columns: names,
        })
    }
}
