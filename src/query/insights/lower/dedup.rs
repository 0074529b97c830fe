//! `dedup` (spec logs-insights.md 6.9): the first row of each combination in the current order.

use belfry_lang::insights::FieldPath;
use datafusion::functions_window::row_number::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, lit};

use super::Pipeline;
use super::scope::column;
use crate::insights::compile_error::Problem;

impl Pipeline<'_> {
    pub(super) fn dedup(&mut self, fields: &[FieldPath]) -> Result<(), Problem> {
        let mut made = Vec::new();
        let mut keys = Vec::new();
        for field in fields {
            let (key, _) = self.scope.resolve(field)?.group_key();
            let name = self.new_column();
            made.push((name.clone(), key));
            keys.push(column(name));
        }
        self.add_columns(made)?;
        let position = self.new_column();
        let numbered = row_number()
            .partition_by(keys.clone())
            .order_by(self.scope.order.clone())
            .build()
            .map_err(|error| Problem::plan(&error))?;
        self.extend(|plan| plan.window([numbered.alias(&position)]))?;
        // Rows in which a key is missing are all kept.
        let any_missing = keys.into_iter().map(Expr::is_null).reduce(Expr::or);
        let is_first = column(&position).eq(lit(1_u64));
        let kept = match any_missing {
            Some(missing) => is_first.or(missing),
            None => is_first,
        };
        self.extend(|plan| plan.filter(kept))
    }
}
