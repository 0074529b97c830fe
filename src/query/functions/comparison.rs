//! `= != < <= > >=` and `in` (spec logs-insights.md 3.3, 3.6).

use arrow::datatypes::DataType;
use belfry_lang::insights::ComparisonOperator;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::conversion::to_number;
use super::row_function::{any_arguments, each_row, row_call, udf};
use crate::values::compare::{equals, has_structure, order};
use crate::values::json::{elements, from_json_text};
use crate::values::{Value, ValueType};

/// A condition. Where the types are known to compare as plain columns, that is what it becomes.
pub fn compare(
    operator: ComparisonOperator,
    (left, left_type): (Expr, ValueType),
    (right, right_type): (Expr, ValueType),
) -> Expr {
    use ValueType::{Bool, Dynamic, Number, Text, Time};
    let is_equality = matches!(
        operator,
        ComparisonOperator::Equal | ComparisonOperator::NotEqual
    );
    match (left_type, right_type) {
        // Rule 5: beside a number, what is not numeric is missing. Rule 3: so it is beside a time.
        (Number | Bool | Time, Number | Bool | Time) | (Time, Text) | (Text, Time) => native(
            operator,
            to_number(left, left_type),
            to_number(right, right_type),
        ),
        (Number | Bool, Text) | (Text, Number | Bool) if !is_equality => native(
            operator,
            to_number(left, left_type),
            to_number(right, right_type),
        ),
        // Rule 4: two texts are equal exactly.
        (Text, Text) if is_equality => native(operator, left, right),
        (Text | Number | Bool | Time | Dynamic, _) => udf(Comparison {
            operator,
            signature: any_arguments(),
        })
        .call(vec![left, right]),
    }
}

fn native(operator: ComparisonOperator, left: Expr, right: Expr) -> Expr {
    match operator {
        ComparisonOperator::Equal => left.eq(right),
        ComparisonOperator::NotEqual => left.not_eq(right),
        ComparisonOperator::Less => left.lt(right),
        ComparisonOperator::LessOrEqual => left.lt_eq(right),
        ComparisonOperator::Greater => left.gt(right),
        ComparisonOperator::GreaterOrEqual => left.gt_eq(right),
    }
}

/// `value in listValue`: an element equals the value; no list contains nothing.
pub fn in_list_value(value: Expr, list: Expr) -> Expr {
    row_call("in_list", is_element, ValueType::Bool, vec![value, list])
}

fn is_element<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    match arguments {
        [Value::Missing, _] => Value::Missing,
        [value, Value::Json(list)] => Value::Bool(elements(list).is_some_and(|list| {
            list.iter()
                .any(|element| equals(value, &from_json_text(element.get())) == Some(true))
        })),
        _ => Value::Bool(false),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Comparison {
    operator: ComparisonOperator,
    signature: Signature,
}

fn decide(operator: ComparisonOperator, left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    if left.is_missing() || right.is_missing() {
        return None;
    }
    if has_structure(left, right) {
        return Some(false);
    }
    match operator {
        ComparisonOperator::Equal => equals(left, right),
        ComparisonOperator::NotEqual => equals(left, right).map(|equal| !equal),
        ComparisonOperator::Less => order(left, right).map(|o| o.is_lt()),
        ComparisonOperator::LessOrEqual => order(left, right).map(|o| o.is_le()),
        ComparisonOperator::Greater => order(left, right).map(|o| o.is_gt()),
        ComparisonOperator::GreaterOrEqual => order(left, right).map(|o| o.is_ge()),
    }
}

impl ScalarUDFImpl for Comparison {
    fn name(&self) -> &str {
        self.operator.symbol()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        each_row(&args, ValueType::Bool, |arguments| match arguments {
            [left, right] => decide(self.operator, left, right).map_or(Value::Missing, Value::Bool),
            _ => Value::Missing,
        })
    }
}
