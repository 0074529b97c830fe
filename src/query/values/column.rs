//! Reading Arrow columns as values, and building them from values.

use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryBuilder, BooleanArray, BooleanBuilder, Float64Array,
    Float64Builder, StringViewArray, StringViewBuilder, TimestampMillisecondArray,
    TimestampMillisecondBuilder,
};
use std::borrow::Cow;
use std::sync::Arc;

use super::value::{Value, ValueType};

/// A column whose rows can be read as values.
#[derive(Clone, Copy, Debug)]
pub enum ColumnView<'a> {
    Bool(&'a BooleanArray),
    Number(&'a Float64Array),
    Time(&'a TimestampMillisecondArray),
    Text(&'a StringViewArray),
    Dynamic(&'a BinaryArray),
    /// A column of a type that carries no values, such as the type of a bare null.
    Missing,
}

impl<'a> ColumnView<'a> {
    pub fn new(array: &'a dyn Array) -> Self {
        let any = array.as_any();
        None.or_else(|| any.downcast_ref().map(Self::Text))
            .or_else(|| any.downcast_ref().map(Self::Dynamic))
            .or_else(|| any.downcast_ref().map(Self::Number))
            .or_else(|| any.downcast_ref().map(Self::Time))
            .or_else(|| any.downcast_ref().map(Self::Bool))
            .unwrap_or(Self::Missing)
    }

    /// `row` must be below the column's length.
    pub fn value(&self, row: usize) -> Value<'a> {
        match self {
            Self::Bool(a) if a.is_valid(row) => Value::Bool(a.value(row)),
            Self::Number(a) if a.is_valid(row) => Value::number(a.value(row)),
            Self::Time(a) if a.is_valid(row) => Value::Time(a.value(row)),
            Self::Text(a) if a.is_valid(row) => Value::Text(Cow::Borrowed(a.value(row))),
            Self::Dynamic(a) if a.is_valid(row) => Value::decode(a.value(row)),
            _ => Value::Missing,
        }
    }
}

/// Builds a column of one type. A value of another type is converted where that loses nothing the
/// type promises, else it is missing.
#[derive(Debug)]
pub enum ColumnBuilder {
    Bool(BooleanBuilder),
    Number(Float64Builder),
    Time(TimestampMillisecondBuilder),
    Text(StringViewBuilder),
    Dynamic(BinaryBuilder, Vec<u8>),
}

impl ColumnBuilder {
    pub fn new(value_type: ValueType, rows: usize) -> Self {
        match value_type {
            ValueType::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            ValueType::Number => Self::Number(Float64Builder::with_capacity(rows)),
            ValueType::Time => Self::Time(TimestampMillisecondBuilder::with_capacity(rows)),
            ValueType::Text => Self::Text(StringViewBuilder::with_capacity(rows)),
            ValueType::Dynamic => {
                Self::Dynamic(BinaryBuilder::with_capacity(rows, rows * 16), Vec::new())
            }
        }
    }

    pub fn push(&mut self, value: &Value<'_>) {
        match self {
            Self::Bool(b) => b.append_option(value.to_condition()),
            Self::Number(b) => b.append_option(value.to_number()),
            Self::Time(b) => b.append_option(match value {
                Value::Time(ms) => Some(*ms),
                other => other.to_number().map(|v| v as i64),
            }),
            Self::Text(b) => b.append_option(value.to_text()),
            Self::Dynamic(b, scratch) => {
                if value.is_missing() {
                    b.append_null();
                } else {
                    value.encode(scratch);
                    b.append_value(scratch);
                }
            }
        }
    }

    pub fn finish(self) -> ArrayRef {
        match self {
            Self::Bool(mut b) => Arc::new(b.finish()),
            Self::Number(mut b) => Arc::new(b.finish()),
            Self::Time(mut b) => Arc::new(b.finish()),
            Self::Text(mut b) => Arc::new(b.finish()),
            Self::Dynamic(mut b, _) => Arc::new(b.finish()),
        }
    }
}
