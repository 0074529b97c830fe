//! Conversions between the types of columns (spec logs-insights.md 3.2, 3.4), sort keys, and steps
//! into structures.

use std::sync::Arc;

use arrow::array::{BinaryBuilder, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, cast, lit,
};

use super::row_function::{Inputs, any_arguments, each_row, row_call, udf};
use crate::values::json::{Step, follow};
use crate::values::number_text::parse_number;
use crate::values::sort_key::write_sort_key;
use crate::values::{ColumnView, Value, ValueType};

/// `expr`, of type `from`, as a column of numbers.
pub fn to_number(expr: Expr, from: ValueType) -> Expr {
    match from {
        ValueType::Number => expr,
        ValueType::Text => udf(TextToNumber(any_arguments())).call(vec![expr]),
        ValueType::Time => cast(cast(expr, DataType::Int64), DataType::Float64),
        ValueType::Bool | ValueType::Dynamic => {
            row_call("to_number", first_value, ValueType::Number, vec![expr])
        }
    }
}

/// As text, the way functions see it: structures are missing.
pub fn to_text(expr: Expr, from: ValueType) -> Expr {
    match from {
        ValueType::Text => expr,
        _ => row_call("to_text", first_value, ValueType::Text, vec![expr]),
    }
}

/// As text, the way results show it: structures are JSON.
pub fn show(expr: Expr, from: ValueType) -> Expr {
    match from {
        ValueType::Dynamic => row_call("show", shown, ValueType::Text, vec![expr]),
        _ => to_text(expr, from),
    }
}

/// As a condition.
pub fn to_condition(expr: Expr, from: ValueType) -> Expr {
    match from {
        ValueType::Bool => expr,
        ValueType::Number => expr.not_eq(lit(0.0)),
        _ => row_call("to_condition", first_value, ValueType::Bool, vec![expr]),
    }
}

/// As a dynamic column.
pub fn to_dynamic(expr: Expr, from: ValueType) -> Expr {
    match from {
        ValueType::Dynamic => expr,
        _ => row_call("to_dynamic", first_value, ValueType::Dynamic, vec![expr]),
    }
}

/// Without structures, which count as missing where spec 7.5 says so.
pub fn without_structures(expr: Expr, from: ValueType) -> Expr {
    match from {
        ValueType::Dynamic => row_call("plain", plain, ValueType::Dynamic, vec![expr]),
        _ => expr,
    }
}

/// What `sort` compares: bytes, or the column itself where its own order is the same.
pub fn sort_key(expr: Expr, from: ValueType) -> Expr {
    match from {
        ValueType::Number | ValueType::Time | ValueType::Bool => expr,
        ValueType::Text | ValueType::Dynamic => udf(SortKey(any_arguments())).call(vec![expr]),
    }
}

/// The part of a structure that `steps` lead to.
pub fn access(expr: Expr, steps: Vec<Step>) -> Expr {
    udf(Access {
        steps,
        signature: any_arguments(),
    })
    .call(vec![expr])
}

/// The column's builder converts.
fn first_value<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    arguments.first().cloned().unwrap_or(Value::Missing)
}

fn shown<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    match arguments.first() {
        Some(Value::Json(text)) => Value::Text(text.clone()),
        Some(other) => other.clone(),
        None => Value::Missing,
    }
}

fn plain<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    match arguments.first() {
        Some(Value::Json(_)) | None => Value::Missing,
        Some(other) => other.clone(),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextToNumber(Signature);

impl ScalarUDFImpl for TextToNumber {
    fn name(&self) -> &str {
        "text_to_number"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let inputs = Inputs::new(&args.args, args.number_rows)?;
        match inputs.view(0)?.column() {
            Some(ColumnView::Text(texts)) => {
                let numbers: Float64Array = texts
                    .iter()
                    .map(|text| text.and_then(parse_number))
                    .collect();
                inputs.finish(Arc::new(numbers))
            }
            _ => each_row(&args, ValueType::Number, first_value),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SortKey(Signature);

impl ScalarUDFImpl for SortKey {
    fn name(&self) -> &str {
        "sort_key"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let inputs = Inputs::new(&args.args, args.number_rows)?;
        let view = inputs.view(0)?;
        let mut out = BinaryBuilder::with_capacity(inputs.rows, inputs.rows * 16);
        let mut key = Vec::new();
        for row in 0..inputs.rows {
            if write_sort_key(&mut key, &view.value(row)) {
                out.append_value(&key);
            } else {
                out.append_null();
            }
        }
        inputs.finish(Arc::new(out.finish()))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Access {
    steps: Vec<Step>,
    signature: Signature,
}

impl ScalarUDFImpl for Access {
    fn name(&self) -> &str {
        "access"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        each_row(&args, ValueType::Dynamic, |arguments| {
            arguments
                .first()
                .map_or(Value::Missing, |value| follow(value, &self.steps))
        })
    }
}
