//! Evaluates the expressions of one call: a graph over Ids (spec metric-math.md 2, 4).

use std::collections::HashMap;

use belfry_lang::metric_math::{Argument as ArgumentAst, Expression, ExpressionKind, Function};

use super::budget::Budget;
use super::error::MathError;
use super::functions::{Argument, Call, implementation};
use super::operators::{binary, negate, power};
use super::series::{Grid, TimeSeries, Value};

/// References from expression to expression that may follow one another: no more than a call has
/// queries would ever be needed, and this many fit the stack.
const REFERENCE_LEVELS_MAX: usize = 32;

/// One query of a call, in request order.
#[derive(Clone, Debug)]
pub struct Query {
    pub id: String,
    pub definition: Definition,
}

#[derive(Clone, Debug)]
pub enum Definition {
    /// The series that was read, with its label.
    Metric(TimeSeries),
    Expression {
        expression: Expression,
        /// The query's own `Period`, if it has one.
        period_s: Option<i64>,
        label: Option<String>,
    },
}

/// The queries of one call over one range.
#[derive(Debug)]
pub struct Evaluator<'q> {
    queries: &'q [Query],
    by_id: HashMap<&'q str, usize>,
    start_s: i64,
    end_s: i64,
    budget: &'q Budget<'q>,
    results: HashMap<usize, Value>,
    running: Vec<usize>,
    /// Of expressions; `None` while it is being found.
    periods: HashMap<usize, Option<i64>>,
}

/// The period of an expression without any input that has one.
const PERIOD_DEFAULT_S: i64 = 300;

impl<'q> Evaluator<'q> {
    /// `start_s` is the first bucket of the range, `end_s` is not part of it.
    pub fn new(queries: &'q [Query], start_s: i64, end_s: i64, budget: &'q Budget<'q>) -> Self {
        let by_id = queries
            .iter()
            .enumerate()
            .map(|(index, query)| (query.id.as_str(), index))
            .collect();
        Self {
            queries,
            by_id,
            start_s,
            end_s,
            budget,
            results: HashMap::new(),
            running: Vec::new(),
            periods: HashMap::new(),
        }
    }

    /// The result of the query `id`: a series, or the members of an array.
    ///
    /// # Errors
    /// Also when the result is a scalar or a text.
    pub fn evaluate(&mut self, id: &str) -> Result<Value, MathError> {
        let index = self.index(id)?;
        let value = self.value(index)?;
        match value {
            Value::Series(_) | Value::Array(_) => Ok(value),
            other => Err(MathError::Result(other.type_name())),
        }
    }

    /// The period of the query `id`.
    pub fn period_s(&mut self, id: &str) -> Result<i64, MathError> {
        self.period_of(self.index(id)?, 0)
    }

    fn index(&self, id: &str) -> Result<usize, MathError> {
        self.by_id
            .get(id)
            .copied()
            .ok_or_else(|| MathError::UnknownId(id.to_owned()))
    }

    fn value(&mut self, index: usize) -> Result<Value, MathError> {
        if let Some(value) = self.results.get(&index) {
            return Ok(value.clone());
        }
        let queries: &'q [Query] = self.queries;
        let Some(query) = queries.get(index) else {
            return Err(MathError::UnknownId(index.to_string()));
        };
        let value = match &query.definition {
            Definition::Metric(series) => return Ok(Value::Series(series.clone())),
            Definition::Expression {
                expression, label, ..
            } => {
                if self.running.contains(&index) {
                    return Err(MathError::Cycle(query.id.clone()));
                }
                if self.running.len() >= REFERENCE_LEVELS_MAX {
                    return Err(MathError::TooDeep(REFERENCE_LEVELS_MAX));
                }
                let grid = Grid {
                    start_s: self.start_s,
                    end_s: self.end_s,
                    period_s: self.period_of(index, 0)?,
                };
                self.running.push(index);
                let value = self.expression(expression, grid);
                self.running.pop();
                match value? {
                    // A series that is an expression's result has the label of the expression.
                    Value::Series(series) => {
                        let label = label.clone().unwrap_or_else(|| query.id.clone());
                        Value::Series(series.with_label(Some(label)))
                    }
                    // Each Expression is a final result, also one that others refer to.
                    Value::Array(members) => Value::Array(members),
                    other => return Err(MathError::Result(other.type_name())),
                }
            }
        };
        self.results.insert(index, value.clone());
        Ok(value)
    }

    /// Its own; else the smallest among its inputs (spec metric-math.md 4). Found once for each
    /// expression: there may be exponentially many ways to reach one.
    fn period_of(&mut self, index: usize, depth: usize) -> Result<i64, MathError> {
        let queries: &'q [Query] = self.queries;
        let (id, expression) = match queries.get(index).map(|q| (&q.id, &q.definition)) {
            Some((_, Definition::Metric(series))) => return Ok(series.period_s),
            Some((
                _,
                Definition::Expression {
                    period_s: Some(period_s),
                    ..
                },
            )) => return Ok(*period_s),
            Some((id, Definition::Expression { expression, .. })) => (id, expression),
            None => return Ok(PERIOD_DEFAULT_S),
        };
        match self.periods.get(&index) {
            Some(Some(period_s)) => return Ok(*period_s),
            Some(None) => return Err(MathError::Cycle(id.clone())),
            None => {}
        }
        if depth > REFERENCE_LEVELS_MAX {
            return Err(MathError::TooDeep(REFERENCE_LEVELS_MAX));
        }
        self.periods.insert(index, None);
        let found = self.smallest_input(expression, depth);
        match &found {
            Ok(period_s) => self.periods.insert(index, Some(*period_s)),
            Err(_) => self.periods.remove(&index),
        };
        found
    }

    fn smallest_input(&mut self, expression: &Expression, depth: usize) -> Result<i64, MathError> {
        let mut smallest: Option<i64> = None;
        let mut take = |period_s: i64| {
            smallest = Some(smallest.map_or(period_s, |s| s.min(period_s)));
        };
        for id in expression.ids() {
            take(self.period_of(self.index(id)?, depth + 1)?);
        }
        if expression.calls(Function::Metrics) {
            self.metrics("").for_each(|series| take(series.period_s));
        }
        Ok(smallest.unwrap_or(PERIOD_DEFAULT_S))
    }

    /// The metrics of the call in request order whose Id contains `part`.
    fn metrics(&self, part: &str) -> impl Iterator<Item = &'q TimeSeries> + use<'q> {
        let part = part.to_owned();
        let queries: &'q [Query] = self.queries;
        queries
            .iter()
            .filter_map(move |query| match &query.definition {
                Definition::Metric(series) if query.id.contains(&part) => Some(series),
                _ => None,
            })
    }

    fn expression(&mut self, ast: &Expression, grid: Grid) -> Result<Value, MathError> {
        match &ast.kind {
            ExpressionKind::Number(number) => Ok(Value::Scalar(*number)),
            ExpressionKind::String(text) => Ok(Value::Text(text.clone())),
            ExpressionKind::Id(id) => self.value(self.index(id)?),
            ExpressionKind::Array(items) => self.array(items, grid),
            ExpressionKind::Negate(operand) => negate(self.expression(operand, grid)?, self.budget),
            ExpressionKind::Power { base, exponent } => power(
                self.expression(base, grid)?,
                self.expression(exponent, grid)?,
                self.budget,
            ),
            ExpressionKind::Chain { first, rest } => {
                let mut value = self.expression(first, grid)?;
                for (operator, operand) in rest {
                    let operand = self.expression(operand, grid)?;
                    value = binary(*operator, value, operand, self.budget)?;
                }
                Ok(value)
            }
            ExpressionKind::Call {
                function,
                arguments,
            } => self.call(*function, arguments, grid),
        }
    }

    fn array(&mut self, items: &[Expression], grid: Grid) -> Result<Value, MathError> {
        let mut members = Vec::with_capacity(items.len());
        let mut texts = Vec::new();
        for item in items {
            match self.expression(item, grid)? {
                Value::Series(series) => {
                    self.budget.share(&series)?;
                    members.push(series);
                }
                Value::Array(inner) => {
                    for member in inner {
                        self.budget.share(&member)?;
                        members.push(member);
                    }
                }
                Value::Text(text) => texts.push(text),
                other => {
                    return Err(MathError::argument(
                        "an array",
                        "time series, or only strings",
                        &other,
                    ));
                }
            }
        }
        match (members.is_empty(), texts.is_empty()) {
            (_, true) => Ok(Value::Array(members)),
            (true, false) => Ok(Value::Texts(texts)),
            (false, false) => Err(MathError::Argument(
                "an array cannot hold both time series and strings".to_owned(),
            )),
        }
    }

    fn call(
        &mut self,
        function: Function,
        arguments: &[ArgumentAst],
        grid: Grid,
    ) -> Result<Value, MathError> {
        match function {
            Function::Metrics => return self.metrics_call(arguments, grid),
            Function::Period => return self.period_call(arguments),
            _ => {}
        }
        let Some(implementation) = implementation(function) else {
            return Err(MathError::UnsupportedFunction(function.name()));
        };
        let arguments = arguments
            .iter()
            .map(|argument| match argument {
                ArgumentAst::Expression(ast) => self.expression(ast, grid).map(Argument::Value),
                ArgumentAst::Keyword(word) => Ok(Argument::Word(*word)),
            })
            .collect::<Result<_, _>>()?;
        implementation(Call {
            function,
            arguments,
            grid,
            budget: self.budget,
        })
    }

    fn metrics_call(&mut self, arguments: &[ArgumentAst], grid: Grid) -> Result<Value, MathError> {
        let part = match arguments.first().and_then(ArgumentAst::as_expression) {
            None => String::new(),
            Some(ast) => match self.expression(ast, grid)? {
                Value::Text(text) => text,
                other => return Err(MathError::argument("METRICS", "a string", &other)),
            },
        };
        let mut members = Vec::new();
        for series in self.metrics(&part) {
            self.budget.share(series)?;
            members.push(series.clone());
        }
        Ok(Value::Array(members))
    }

    /// Of a metric of the call, and of nothing else.
    fn period_call(&self, arguments: &[ArgumentAst]) -> Result<Value, MathError> {
        if let Some(ArgumentAst::Expression(ast)) = arguments.first()
            && let ExpressionKind::Id(id) = &ast.kind
            && let Some(Definition::Metric(series)) =
                self.queries.get(self.index(id)?).map(|q| &q.definition)
        {
            return Ok(Value::Scalar(series.period_s as f64));
        }
        Err(MathError::Argument(
            "PERIOD needs the id of a metric".to_owned(),
        ))
    }
}

#[cfg(test)]
#[path = "evaluator_tests.rs"]
mod tests;
