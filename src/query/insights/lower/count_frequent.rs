//! `countFrequent` (spec logs-insights.md 6.21): how often each combination occurs, exactly.

use std::collections::HashMap;

use arrow::datatypes::DataType;
use belfry_lang::insights::FieldPath;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, cast, lit};
use indexmap::IndexMap;

use super::Pipeline;
use super::scope::column;
use crate::functions::conversion::sort_key;
use crate::insights::compile_error::Problem;
use crate::values::ValueType;

/// The column of the counts.
const COUNT: &str = "_approxcount";

impl Pipeline<'_> {
    pub(super) fn count_frequent(&mut self, fields: &[FieldPath]) -> Result<(), Problem> {
        let mut keys = Vec::with_capacity(fields.len());
        let mut made = Vec::with_capacity(fields.len());
        for field in fields {
            let (key, value_type) = self.scope.resolve(field)?.group_key();
            let name = self.new_column();
            made.push((name.clone(), key));
            keys.push((field.name(), name, value_type));
        }
        self.add_columns(made)?;
        let counted = self.new_column();
        let by: Vec<Expr> = keys.iter().map(|(_, name, _)| column(name)).collect();
        let counts = vec![count(lit(1_i64)).alias(&counted)];
        self.extend(|plan| plan.aggregate(by, counts))?;

        let number = self.new_column();
        let mut made = vec![(number.clone(), cast(column(&counted), DataType::Float64))];
        // Descending by count, ties by the fields in natural order.
        let mut order = vec![SortExpr::new(column(&number), false, false)];
        for (_, name, value_type) in &keys {
            let key = self.new_column();
            made.push((key.clone(), sort_key(column(name), *value_type)));
            order.push(SortExpr::new(column(key), true, true));
        }
        self.add_columns(made)?;

        self.scope.made = IndexMap::new();
        self.scope.calls = HashMap::new();
        self.scope.closed = true;
        self.scope.events = false;
        self.scope.base_order = Some(number.clone());
        self.scope.order = order;
        let mut outputs = Vec::with_capacity(keys.len() + 1);
        for (field, name, value_type) in keys {
            self.scope.bind(&field, name, value_type);
            outputs.push(field);
        }
        self.scope.bind(COUNT, number, ValueType::Number);
        outputs.push(COUNT.to_owned());
        self.output.set_shape(outputs);
        Ok(())
    }
}
