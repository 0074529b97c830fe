//! The elements of a list as rows, for `unnest` and `expand` (spec logs-insights.md 6.11, 6.12).

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, StructArray, UInt32Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::row_function::{Inputs, any_arguments, udf};
use crate::values::json::{elements as json_elements, from_json_text};
use crate::values::{ColumnBuilder, Value, ValueType};

/// The fields of an element: its place in the list, and its value.
pub const POSITION: &str = "position";
pub const VALUE: &str = "value";

/// Which values have elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Elements {
    /// Of structures only: all else is a list of one, and a missing value has none.
    Structure,
    /// Also of texts that hold a JSON array; all else, a missing value too, is a list of one.
    /// Elements that are structures become their text.
    ArrayText,
}

/// The elements of a dynamic column, as lists of (position, value).
pub fn elements(list: Expr, which: Elements) -> Expr {
    udf(ListElements {
        which,
        signature: any_arguments(),
    })
    .call(vec![list])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ListElements {
    which: Elements,
    signature: Signature,
}

fn element_fields() -> Fields {
    Fields::from(vec![
        Field::new(POSITION, DataType::UInt32, false),
        Field::new(VALUE, ValueType::Dynamic.arrow(), true),
    ])
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(
        DataType::Struct(element_fields()),
        true,
    ))
}

impl ListElements {
    fn of(&self, value: &Value<'_>) -> Vec<Value<'static>> {
        let text = match (value, self.which) {
            (Value::Json(text), _) | (Value::Text(text), Elements::ArrayText) => text,
            (Value::Missing, Elements::Structure) => return Vec::new(),
            (other, _) => return vec![other.clone().into_owned()],
        };
        let is_array = text.trim_start().starts_with('[');
        let Some(list) = is_array.then(|| json_elements(text)).flatten() else {
            return vec![value.clone().into_owned()];
        };
        list.iter()
            .map(|element| match from_json_text(element.get()).into_owned() {
                Value::Json(text) if self.which == Elements::ArrayText => Value::Text(text),
                other => other,
            })
            .collect()
    }
}

impl ScalarUDFImpl for ListElements {
    fn name(&self) -> &str {
        "elements"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(item()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let inputs = Inputs::new(&args.args, args.number_rows)?;
        let view = inputs.view(0)?;
        let mut values = ColumnBuilder::new(ValueType::Dynamic, inputs.rows);
        let mut positions: Vec<u32> = Vec::new();
        let mut lengths = Vec::with_capacity(inputs.rows);
        for row in 0..inputs.rows {
            let elements = self.of(&view.value(row));
            lengths.push(elements.len());
            for (position, element) in (0..).zip(&elements) {
                positions.push(position);
                values.push(element);
            }
        }
        let columns: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(positions)), values.finish()];
        let structs = StructArray::try_new(element_fields(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        let lists = ListArray::try_new(item(), offsets, Arc::new(structs), None)?;
        inputs.finish(Arc::new(lists))
    }
}
