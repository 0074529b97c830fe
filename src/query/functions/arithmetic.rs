//! `+ - * / % ^` and unary minus on columns of numbers (spec logs-insights.md 3.7). Division by
//! zero, overflow and undefined powers are missing.

use std::sync::Arc;

use arrow::array::{Array, Float64Array};
use arrow::compute::kernels::arity::{binary, unary};
use arrow::datatypes::DataType;
use belfry_lang::insights::ArithmeticOperator;
use datafusion::common::cast::as_float64_array;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::row_function::{any_arguments, udf};

/// `left operator right`, both columns of numbers.
pub fn arithmetic(operator: ArithmeticOperator, left: Expr, right: Expr) -> Expr {
    udf(Arithmetic {
        operator,
        signature: any_arguments(),
    })
    .call(vec![left, right])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Arithmetic {
    operator: ArithmeticOperator,
    signature: Signature,
}

fn apply(operator: ArithmeticOperator, left: f64, right: f64) -> f64 {
    let value = match operator {
        ArithmeticOperator::Add => left + right,
        ArithmeticOperator::Subtract => left - right,
        ArithmeticOperator::Multiply => left * right,
        ArithmeticOperator::Divide => left / right,
        ArithmeticOperator::Modulo => left % right,
        ArithmeticOperator::Power => left.powf(right),
    };
    // Zero has no sign, so that columns of numbers compare bit by bit.
    value + 0.0
}

/// Turns infinities and NaN into nulls.
fn only_finite(array: Float64Array) -> Float64Array {
    if array.values().iter().all(|v| v.is_finite()) {
        return array;
    }
    array.iter().map(|v| v.filter(|v| v.is_finite())).collect()
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &str {
        self.operator.symbol()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let operator = self.operator;
        let [left, right] = args.args.as_slice() else {
            return exec_err!("{} takes two operands", operator.symbol());
        };
        let constant = |value: &ColumnarValue| -> Result<Option<Float64Array>> {
            match value {
                ColumnarValue::Scalar(scalar) => Ok(Some(
                    as_float64_array(&scalar.to_array_of_size(1)?)?.clone(),
                )),
                ColumnarValue::Array(_) => Ok(None),
            }
        };
        let column = |value: &ColumnarValue| -> Result<Float64Array> {
            Ok(as_float64_array(&value.to_array(args.number_rows)?)?.clone())
        };
        let result = match (constant(left)?, constant(right)?) {
            (None, Some(right)) if right.is_valid(0) => {
                let right = right.value(0);
                unary(&column(left)?, |left| apply(operator, left, right))
            }
            (Some(left), None) if left.is_valid(0) => {
                let left = left.value(0);
                unary(&column(right)?, |right| apply(operator, left, right))
            }
            _ => binary(&column(left)?, &column(right)?, |l, r| {
                apply(operator, l, r)
            })?,
        };
        Ok(ColumnarValue::Array(Arc::new(only_finite(result))))
    }
}
