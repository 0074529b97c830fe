//! `unnest` and `expand` (spec logs-insights.md 6.11, 6.12): a row for each element of a list.

use belfry_lang::insights::{Expand, Unnest};
use datafusion::common::{Column, UnnestOptions};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Sort as SortExpr;

use super::Pipeline;
use super::scope::column;
use crate::functions::elements::{Elements, POSITION, VALUE, elements};
use crate::insights::compile_error::Problem;
use crate::values::ValueType;

impl Pipeline<'_> {
    pub(super) fn unnest(&mut self, unnest: &Unnest) -> Result<(), Problem> {
        let list = self.expressions().operand(&unnest.list)?.dynamic();
        self.element_rows(elements(list, Elements::Structure), &unnest.into.text)?;
        self.output
            .add_created(std::iter::once(unnest.into.text.clone()));
        Ok(())
    }

    pub(super) fn expand(&mut self, expand: &Expand) -> Result<(), Problem> {
        let list = self.scope.resolve(&expand.field)?.dynamic();
        self.element_rows(elements(list, Elements::ArrayText), &expand.field.name())
    }

    /// Replaces each row by one for each element, which `name` is bound to; in order of the rows,
    /// then of the elements.
    fn element_rows(&mut self, lists: Expr, name: &str) -> Result<(), Problem> {
        let element = self.new_column();
        self.add_columns(vec![(element.clone(), lists)])?;
        let empty_lists_leave_no_row = UnnestOptions::new().with_preserve_nulls(false);
        self.extend(|plan| {
            let of = Column::new_unqualified(&element);
            plan.unnest_column_with_options(of, empty_lists_leave_no_row)
        })?;
        let (position, value) = (self.new_column(), self.new_column());
        self.add_columns(vec![
            (position.clone(), get_field(column(&element), POSITION)),
            (value.clone(), get_field(column(&element), VALUE)),
        ])?;
        self.scope
            .order
            .push(SortExpr::new(column(position), true, true));
        self.scope.bind(name, value, ValueType::Dynamic);
        Ok(())
    }
}
