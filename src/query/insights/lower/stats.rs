//! `stats` (spec logs-insights.md 6.6, 8).

use std::collections::HashMap;

use arrow::datatypes::DataType;
use belfry_lang::Span;
use belfry_lang::insights::{
    Argument, Call, Expr as Ast, ExprKind, FieldPath, Function, Item, Literal, Stats,
};
use datafusion::functions_aggregate::expr_fn::{
    avg, count, count_distinct, max, min, stddev_pop, sum, var_pop,
};
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, cast, lit};
use indexmap::IndexMap;

use super::expression::AggregateResults;
use super::scope::{Binding, Operand, column};
use super::{Expressions, Pipeline};
use crate::aggregates::value_aggregate::PARTS_PER_PERCENT;
use crate::aggregates::{Aggregate, aggregate};
use crate::functions::conversion;
use crate::insights::compile_error::Problem;
use crate::values::ValueType;

/// The largest `k` of `topk` (spec logs-insights.md 8.10), and of buckets of `histogram`.
const LIST_LENGTH_MAX: f64 = 10_000.0;

impl Pipeline<'_> {
    pub(super) fn stats(&mut self, stats: &Stats, span: Span) -> Result<(), Problem> {
        if stats.offset.is_some() {
            return Err(Problem::unsupported("offset in stats", span));
        }
        let keys = self.group_keys(&stats.by)?;
        let mut calls = AggregateCalls::default();
        for item in &stats.items {
            calls.collect(self, &item.expr)?;
        }
        let mut aggregates = calls.exprs;
        // First appearance: the greatest base order in the group.
        let first = self.new_column();
        let has_first = !keys.is_empty() && self.scope.base_order.is_some();
        if let (true, Some(base)) = (has_first, &self.scope.base_order) {
            aggregates.push(max(column(base)).alias(&first));
        }
        let group_by: Vec<Expr> = keys.iter().map(|(_, name, _)| column(name)).collect();
        self.extend(|plan| plan.aggregate(group_by, aggregates))?;

        self.scope.made = IndexMap::new();
        self.scope.calls = HashMap::new();
        self.scope.closed = true;
        self.scope.events = false;
        self.scope.base_order = has_first.then(|| first.clone());
        self.scope.order = keys
            .iter()
            .find(|(_, _, value_type)| *value_type == ValueType::Time)
            .map(|(_, name, _)| SortExpr::new(column(name), false, false))
            .into_iter()
            .chain(has_first.then(|| SortExpr::new(column(&first), false, false)))
            .collect();

        let mut outputs: Vec<String> = Vec::new();
        for (item, name, value_type) in &keys {
            self.name_output(item, name.clone(), *value_type, &mut outputs);
        }
        for item in &stats.items {
            let operand = Expressions {
                scope: &self.scope,
                times: self.times,
                aggregates: Some(&calls.places),
            }
            .operand(&item.expr)?;
            let (expr, value_type) = operand.typed();
            let name = self.new_column();
            self.add_columns(vec![(name.clone(), expr)])?;
            self.name_output(item, name, value_type, &mut outputs);
        }
        self.output.set_shape(outputs);
        Ok(())
    }

    /// The keys as columns of the plan.
    fn group_keys<'s>(
        &mut self,
        by: &'s [Item],
    ) -> Result<Vec<(&'s Item, String, ValueType)>, Problem> {
        let mut made = Vec::new();
        let mut keys = Vec::new();
        for item in by {
            let (expr, value_type) = self.expressions().operand(&item.expr)?.group_key();
            let name = self.new_column();
            made.push((name.clone(), expr));
            keys.push((item, name, value_type));
        }
        self.add_columns(made)?;
        Ok(keys)
    }

    fn name_output(
        &mut self,
        item: &Item,
        column: String,
        value_type: ValueType,
        outputs: &mut Vec<String>,
    ) {
        let name = item.column_name().to_owned();
        if let Some(key) = item.reference_key() {
            self.scope.calls.insert(key, name.clone());
        }
        self.scope
            .made
            .insert(name.clone(), Binding { column, value_type });
        if !outputs.contains(&name) {
            outputs.push(name);
        }
    }
}

/// The aggregate calls of a `stats`.
#[derive(Default)]
struct AggregateCalls {
    exprs: Vec<Expr>,
    /// By the bytes each call is written in: the column of its result.
    places: AggregateResults,
}

impl AggregateCalls {
    fn collect(&mut self, pipeline: &mut Pipeline<'_>, ast: &Ast) -> Result<(), Problem> {
        let ExprKind::Call(call) = &ast.kind else {
            return self.collect_children(pipeline, ast);
        };
        let is_reference = ast
            .reference_key()
            .is_some_and(|key| pipeline.scope.calls.contains_key(&key));
        if !call.function.is_aggregate() || is_reference && call.arguments.is_empty() {
            return self.collect_children(pipeline, ast);
        }
        let (expr, value_type) = lower_call(pipeline, ast, call)?;
        let name = pipeline.new_column();
        self.exprs.push(expr.alias(&name));
        let result = match call.function {
            // DataFusion counts in integers.
            Function::Count | Function::CountOverTime | Function::CountDistinct => {
                cast(column(name), DataType::Float64)
            }
            _ => column(name),
        };
        let place = (ast.span.start(), ast.span.end());
        self.places.insert(place, (result, value_type));
        Ok(())
    }

    fn collect_children(&mut self, pipeline: &mut Pipeline<'_>, ast: &Ast) -> Result<(), Problem> {
        for child in ast.children() {
            self.collect(pipeline, child)?;
        }
        Ok(())
    }
}

fn lower_call(
    pipeline: &Pipeline<'_>,
    ast: &Ast,
    call: &Call,
) -> Result<(Expr, ValueType), Problem> {
    let rows = pipeline.expressions();
    let argument = || match call.arguments.first() {
        Some(Argument::Expr(argument)) => rows.operand(argument),
        _ => Err(Problem::malformed(
            format!("{} needs an argument", call.function.name()),
            ast.span,
        )),
    };
    let number = |expr: Expr| Ok((expr, ValueType::Number));
    let of_values = |kind: Aggregate| {
        let (expr, value_type) = argument()?.typed();
        let expr = conversion::without_structures(expr, value_type);
        Ok((
            aggregate(kind, value_type, vec![expr]),
            kind.returns(value_type),
        ))
    };
    match call.function {
        Function::Count | Function::CountOverTime if call.arguments.is_empty() => {
            number(count(lit(1_i64)))
        }
        Function::Count | Function::CountOverTime => number(count(present(argument()?))),
        Function::CountDistinct => number(count_distinct(argument()?.text())),
        Function::Sum | Function::SumOverTime => number(sum(argument()?.number())),
        Function::Avg => number(avg(argument()?.number())),
        Function::Stddev => number(stddev_pop(argument()?.number())),
        Function::Variance => number(var_pop(argument()?.number())),
        Function::Min | Function::Max => {
            let native = if call.function == Function::Min {
                min
            } else {
                max
            };
            match argument()? {
                Operand::Typed(expr, value_type @ (ValueType::Number | ValueType::Time)) => {
                    Ok((native(expr), value_type))
                }
                operand @ Operand::Typed(_, ValueType::Bool) => number(native(operand.number())),
                _ if call.function == Function::Min => of_values(Aggregate::Min),
                _ => of_values(Aggregate::Max),
            }
        }
        Function::Pct | Function::Median => {
            let percent = match call.function {
                Function::Pct => constant_number(call, 1, 0.0..=100.0, ast)?,
                _ => 50.0,
            };
            let kind = Aggregate::Percentile {
                parts: (percent * PARTS_PER_PERCENT).round() as u64,
            };
            number(aggregate(
                kind,
                ValueType::Number,
                vec![argument()?.number()],
            ))
        }
        Function::SortsFirst => of_values(Aggregate::SortsFirst),
        Function::SortsLast => of_values(Aggregate::SortsLast),
        Function::Values => of_values(Aggregate::Values),
        Function::TopK => {
            let count = constant_number(call, 0, 1.0..=LIST_LENGTH_MAX, ast)? as usize;
            let kind = Aggregate::TopK { count };
            let value = match call.expressions().nth(1) {
                Some(value) => rows.operand(value)?.dynamic(),
                None => return argument().map(Operand::typed),
            };
            let value = conversion::without_structures(value, ValueType::Dynamic);
            Ok((
                aggregate(kind, ValueType::Dynamic, vec![value]),
                ValueType::Dynamic,
            ))
        }
        Function::Histogram => {
            let buckets = constant_number(call, 1, 1.0..=LIST_LENGTH_MAX, ast)? as usize;
            let kind = Aggregate::Histogram { buckets };
            Ok((
                aggregate(kind, ValueType::Number, vec![argument()?.number()]),
                ValueType::Dynamic,
            ))
        }
        Function::Earliest | Function::Latest => {
            let kind = match call.function {
                Function::Earliest => Aggregate::Earliest,
                _ => Aggregate::Latest,
            };
            let (expr, value_type) = argument()?.typed();
            let order = time_order(pipeline, ast)?;
            Ok((
                aggregate(kind, value_type, vec![expr, order]),
                kind.returns(value_type),
            ))
        }
        Function::Rate => {
            let period = call.duration().and_then(|duration| duration.millis());
            let Some(period_ms) = period.and_then(|ms| u64::try_from(ms).ok()) else {
                return Err(Problem::unsupported("rate by calendar months", ast.span));
            };
            let time = pipeline
                .scope
                .resolve(&FieldPath::key("@timestamp"))?
                .number();
            let arguments = vec![argument()?.number(), time, time_order(pipeline, ast)?];
            number(aggregate(
                Aggregate::Rate { period_ms },
                ValueType::Number,
                arguments,
            ))
        }
        _ => Err(Problem::unsupported(
            format!("the function {}", call.function.name()),
            ast.span,
        )),
    }
}

/// A column that is null where the value is missing.
fn present(operand: Operand) -> Expr {
    match operand {
        Operand::Typed(expr, _) => expr,
        field @ Operand::Field(_) => field.text(),
    }
}

fn time_order(pipeline: &Pipeline<'_>, ast: &Ast) -> Result<Expr, Problem> {
    match &pipeline.scope.base_order {
        Some(order) if pipeline.scope.events => Ok(column(order)),
        _ => Err(Problem::unsupported(
            "earliest, latest or rate after stats",
            ast.span,
        )),
    }
}

fn constant_number(
    call: &Call,
    index: usize,
    range: std::ops::RangeInclusive<f64>,
    ast: &Ast,
) -> Result<f64, Problem> {
    match call.arguments.get(index) {
        Some(Argument::Expr(Ast {
            kind: ExprKind::Literal(Literal::Number(number)),
            ..
        })) if range.contains(number) => Ok(*number),
        _ => Err(Problem::malformed(
            format!(
                "{} needs a number from {} to {} as argument {}",
                call.function.name(),
                range.start(),
                range.end(),
                index + 1
            ),
            ast.span,
        )),
    }
}
