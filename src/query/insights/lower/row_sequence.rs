//! `accum`, `autoregress` and `filldown` (spec logs-insights.md 6.21): commands that look at the rows
//! before, in the current order.

use belfry_lang::Span;
use belfry_lang::insights::{Accum, AutoRegress, FillDown};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::functions_window::expr_fn::lag;
use datafusion::functions_window::nth_value::last_value_udwf;
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition, lit,
};
use datafusion::scalar::ScalarValue;

use super::Pipeline;
use super::scope::column;
use crate::insights::compile_error::Problem;
use crate::values::ValueType;

impl Pipeline<'_> {
    /// A running sum; a value that is no number adds nothing.
    pub(super) fn accum(&mut self, accum: &Accum) -> Result<(), Problem> {
        let number = self.scope.resolve(&accum.field)?.number();
        let addends = self.materialised(coalesce(vec![number, lit(0.0)]))?;
        let definition = WindowFunctionDefinition::AggregateUDF(sum_udaf());
        let total = self.over_rows_before(window(definition, vec![column(addends)]), None)?;
        match &accum.alias {
            Some(alias) => {
                self.scope.bind(&alias.text, total, ValueType::Number);
                self.output.add_created(std::iter::once(alias.text.clone()));
            }
            None => self
                .scope
                .bind(&accum.field.name(), total, ValueType::Number),
        }
        Ok(())
    }

    /// Copies of a field from earlier rows; missing where there is none.
    pub(super) fn auto_regress(&mut self, command: &AutoRegress) -> Result<(), Problem> {
        let field = command.field.name();
        let (value, value_type) = self.scope.resolve(&command.field)?.typed();
        let value = self.materialised(value)?;
        for rows in command.first_lag..=command.last_lag {
            let name = match &command.alias {
                Some(alias) if command.first_lag == command.last_lag => alias.text.clone(),
                Some(alias) => format!("{}_p{rows}", alias.text),
                None => format!("{field}_p{rows}"),
            };
            let earlier = lag(column(&value), Some(i64::from(rows)), None);
            let earlier = self.over_rows_before(earlier, None)?;
            self.scope.bind(&name, earlier, value_type);
            self.output.add_created(std::iter::once(name));
        }
        Ok(())
    }

    /// The last value that is not missing, carried forward.
    pub(super) fn fill_down(&mut self, command: &FillDown, span: Span) -> Result<(), Problem> {
        let shown = self.output.names(&self.scope);
        let mut names: Vec<String> = shown
            .into_iter()
            .filter(|name| {
                command.columns.is_empty()
                    || command.columns.iter().any(|pattern| pattern.matches(name))
            })
            .collect();
        // A field that is named need not be a column yet.
        for pattern in &command.columns {
            let is_name = pattern.exact || !pattern.text.contains('*');
            if is_name && !names.contains(&pattern.text) {
                names.push(pattern.text.clone());
            }
        }
        for name in names {
            let (value, value_type) = self.scope.name(&name, span)?.typed();
            let value = self.materialised(value)?;
            let definition = WindowFunctionDefinition::WindowUDF(last_value_udwf());
            let last = window(definition, vec![column(value)]);
            let filled = self.over_rows_before(last, Some(NullTreatment::IgnoreNulls))?;
            self.scope.bind(&name, filled, value_type);
        }
        Ok(())
    }

    /// `expr` as a column of the plan.
    fn materialised(&mut self, expr: Expr) -> Result<String, Problem> {
        let name = self.new_column();
        self.add_columns(vec![(name.clone(), expr)])?;
        Ok(name)
    }

    /// A window function over the rows up to this one, in the current order, as a column.
    fn over_rows_before(
        &mut self,
        function: Expr,
        nulls: Option<NullTreatment>,
    ) -> Result<String, Problem> {
        let rows_so_far = WindowFrame::new_bounds(
            WindowFrameUnits::Rows,
            WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
            WindowFrameBound::CurrentRow,
        );
        let name = self.new_column();
        let function = function
            .order_by(self.scope.order.clone())
            .window_frame(rows_so_far)
            .null_treatment(nulls)
            .build()
            .map_err(|error| Problem::plan(&error))?;
        self.extend(|plan| plan.window([function.alias(&name)]))?;
        Ok(name)
    }
}

fn window(definition: WindowFunctionDefinition, arguments: Vec<Expr>) -> Expr {
    Expr::from(WindowFunction::new(definition, arguments))
}
