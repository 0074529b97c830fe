//! The groups of `parse` (spec logs-insights.md 6.10): one function gives all of them, as a struct
//! of texts; no match makes every field missing.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewBuilder, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use regex::Regex;

use super::matching::ByPattern;
use super::row_function::{Inputs, any_arguments, udf};

/// The groups `groups` of the first match of `regex` in `text`, as a struct with the fields
/// [`group_field`]`(0)`, `(1)`, ….
pub fn extract(text: Expr, regex: Regex, groups: Vec<usize>) -> Expr {
    udf(Extract {
        regex: ByPattern(regex),
        groups,
        signature: any_arguments(),
    })
    .call(vec![text])
}

/// The name of the field of the `index`th group asked for.
pub fn group_field(index: usize) -> String {
    format!("g{index}")
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Extract {
    regex: ByPattern,
    groups: Vec<usize>,
    signature: Signature,
}

impl Extract {
    fn fields(&self) -> Fields {
        (0..self.groups.len())
            .map(|i| Field::new(group_field(i), DataType::Utf8View, true))
            .collect()
    }
}

impl ScalarUDFImpl for Extract {
    fn name(&self) -> &str {
        "extract"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(self.fields()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let inputs = Inputs::new(&args.args, args.number_rows)?;
        let view = inputs.view(0)?;
        let mut columns: Vec<StringViewBuilder> = self
            .groups
            .iter()
            .map(|_| StringViewBuilder::with_capacity(inputs.rows))
            .collect();
        let mut locations = self.regex.0.capture_locations();
        for row in 0..inputs.rows {
            let value = view.value(row);
            let text = value.to_text();
            let matched = text
                .as_deref()
                .and_then(|text| self.regex.0.captures_read(&mut locations, text))
                .is_some();
            for (column, group) in columns.iter_mut().zip(&self.groups) {
                let range = matched.then(|| locations.get(*group)).flatten();
                let part = range
                    .zip(text.as_deref())
                    .and_then(|((start, end), text)| text.get(start..end));
                column.append_option(part);
            }
        }
        let arrays: Vec<ArrayRef> = columns
            .into_iter()
            .map(|mut column| Arc::new(column.finish()) as ArrayRef)
            .collect();
        inputs.finish(Arc::new(StructArray::try_new(self.fields(), arrays, None)?))
    }
}
