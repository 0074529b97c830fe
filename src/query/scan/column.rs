//! The columns of a query's table, made from those of the store.
//!
//! A discovered field exists in three forms: as a value that depends on the row, as a number, and
//! as text. The planner asks for the form it needs; a number is then never turned into text to be
//! parsed again.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, StringViewArray, StringViewBuilder,
    UInt8Array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, UInt8Type, UInt32Type, UInt64Type,
};
use arrow::record_batch::RecordBatch;
use belfry_store::logs::{FieldRef, ValueKind};

use crate::discovery::{json_object, text_field};
use crate::error::{Error, Result};
use crate::values::{ColumnBuilder, Value, ValueType};

/// Bits of an order key below the timestamp, and below the sequence number.
const SEQ_SHIFT: u32 = 24;
const TIME_SHIFT: u32 = 80;

/// The largest timestamp an order key holds exactly, in ms: year 2527. 45 bits with sign keep the
/// key within the 38 digits of a decimal.
const TIME_MAX: i64 = (1 << 44) - 1;

/// The type of [`ScanColumn::Order`].
pub const ORDER_TYPE: DataType = DataType::Decimal128(38, 0);

/// A column of a query's table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScanColumn {
    /// Time, ingestion and place in the batch as one number: unique, and the base order of rows.
    Order,
    Timestamp,
    IngestionTime,
    Message,
    LogStream,
    Log,
    Ptr,
    /// A discovered field, by the name queries use.
    Field(Arc<str>, ValueType),
}

impl ScanColumn {
    /// Unique among the columns of a table, whatever the names of fields.
    pub fn name(&self) -> String {
        match self {
            Self::Order => "order".to_owned(),
            Self::Timestamp => "@timestamp".to_owned(),
            Self::IngestionTime => "@ingestionTime".to_owned(),
            Self::Message => "@message".to_owned(),
            Self::LogStream => "@logStream".to_owned(),
            Self::Log => "@log".to_owned(),
            Self::Ptr => "@ptr".to_owned(),
            Self::Field(name, ValueType::Number) => format!("number:{name}"),
            Self::Field(name, ValueType::Text) => format!("text:{name}"),
            Self::Field(name, _) => format!("value:{name}"),
        }
    }

    pub fn field(&self) -> Field {
        let data_type = match self {
            Self::Order => ORDER_TYPE,
            Self::Timestamp | Self::IngestionTime => ValueType::Time.arrow(),
            Self::Message | Self::LogStream | Self::Log | Self::Ptr => ValueType::Text.arrow(),
            Self::Field(_, value_type) => value_type.arrow(),
        };
        let nullable = matches!(self, Self::Field(..));
        Field::new(self.name(), data_type, nullable)
    }

    /// The columns of the store that it is made from.
    pub fn inputs(&self) -> Vec<FieldRef> {
        match self {
            Self::Order => vec![FieldRef::Timestamp, FieldRef::Seq, FieldRef::Index],
            Self::Timestamp => vec![FieldRef::Timestamp],
            Self::IngestionTime => vec![FieldRef::IngestionTime],
            Self::Message => vec![FieldRef::Message],
            Self::LogStream => vec![FieldRef::LogStream],
            Self::Log => vec![FieldRef::Log],
            Self::Ptr => vec![FieldRef::Ptr],
            Self::Field(name, value_type) => {
                let mut inputs = vec![FieldRef::TextMessage];
                if let Some(path) = json_object::path(name) {
                    let path: Arc<str> = Arc::from(path);
                    match value_type {
                        ValueType::Number => inputs.push(FieldRef::JsonNumber(path)),
                        _ => inputs
                            .extend([FieldRef::Json(Arc::clone(&path)), FieldRef::JsonKind(path)]),
                    }
                }
                inputs
            }
        }
    }

    /// The column for a batch of the store that has [`ScanColumn::inputs`].
    pub fn build(&self, batch: &RecordBatch) -> Result<ArrayRef> {
        match self {
            Self::Order => order_keys(batch),
            Self::Timestamp => times(input(batch, &FieldRef::Timestamp)?),
            Self::IngestionTime => times(input(batch, &FieldRef::IngestionTime)?),
            Self::Message => texts(input(batch, &FieldRef::Message)?),
            Self::LogStream => texts(input(batch, &FieldRef::LogStream)?),
            Self::Log => texts(input(batch, &FieldRef::Log)?),
            Self::Ptr => texts(input(batch, &FieldRef::Ptr)?),
            Self::Field(name, ValueType::Number) => number_field(batch, name),
            Self::Field(name, value_type) => value_field(batch, name, *value_type),
        }
    }
}

fn input<'b>(batch: &'b RecordBatch, field: &FieldRef) -> Result<&'b ArrayRef> {
    let name = field.column_name();
    batch
        .column_by_name(&name)
        .ok_or_else(|| Error::Internal(format!("the store left out column {name}")))
}

fn times(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(array, &ValueType::Time.arrow())?)
}

fn texts(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(array, &ValueType::Text.arrow())?)
}

/// The order key of an event.
pub fn order_key(timestamp_ms: i64, seq: u64, index: u32) -> i128 {
    let time = i128::from(timestamp_ms.clamp(-TIME_MAX, TIME_MAX));
    // 56 bits of calls and 24 of events in one call: more than either ever counts.
    let seq = i128::from(seq.min((1 << 56) - 1));
    let index = i128::from(index.min((1 << 24) - 1));
    (time << TIME_SHIFT) + (seq << SEQ_SHIFT) + index
}

/// No order key of this timestamp is greater.
pub fn order_key_max(timestamp_ms: i64) -> i128 {
    order_key(timestamp_ms, u64::MAX, u32::MAX)
}

fn order_keys(batch: &RecordBatch) -> Result<ArrayRef> {
    let timestamps = cast(input(batch, &FieldRef::Timestamp)?, &DataType::Int64)?;
    let timestamps = timestamps.as_primitive::<Int64Type>().values().iter();
    let seqs = cast(input(batch, &FieldRef::Seq)?, &DataType::UInt64)?;
    let seqs = seqs.as_primitive::<UInt64Type>().values().iter();
    let indexes = cast(input(batch, &FieldRef::Index)?, &DataType::UInt32)?;
    let indexes = indexes.as_primitive::<UInt32Type>().values().iter();
    let keys: Vec<i128> = timestamps
        .zip(seqs)
        .zip(indexes)
        .map(|((time, seq), index)| order_key(*time, *seq, *index))
        .collect();
    let keys = Decimal128Array::from(keys).with_precision_and_scale(38, 0)?;
    Ok(Arc::new(keys))
}

/// The messages that are not JSON objects, of which there are often none.
fn text_messages(batch: &RecordBatch) -> Result<Option<StringViewArray>> {
    let column = texts(input(batch, &FieldRef::TextMessage)?)?;
    let none = column.null_count() == column.len();
    Ok((!none).then(|| column.as_string_view().clone()))
}

fn number_field(batch: &RecordBatch, name: &str) -> Result<ArrayRef> {
    let from_json: Float64Array = match json_object::path(name) {
        Some(path) => {
            let column = input(batch, &FieldRef::JsonNumber(Arc::from(path)))?;
            column.as_primitive::<Float64Type>().clone()
        }
        None => Float64Array::new_null(batch.num_rows()),
    };
    // Zero has no sign, so that columns of numbers compare bit by bit.
    let from_json: Float64Array = from_json.unary(|v| v + 0.0);
    let Some(messages) = text_messages(batch)? else {
        return Ok(Arc::new(from_json));
    };
    let merged: Float64Array = from_json
        .iter()
        .zip(messages.iter())
        .map(|(number, message)| number.or_else(|| text_field(message?, name).to_number()))
        .collect();
    Ok(Arc::new(merged))
}

fn value_field(batch: &RecordBatch, name: &str, value_type: ValueType) -> Result<ArrayRef> {
    let messages = text_messages(batch)?;
    let json = match json_object::path(name) {
        Some(path) => {
            let path: Arc<str> = Arc::from(path);
            let kinds = input(batch, &FieldRef::JsonKind(Arc::clone(&path)))?;
            let kinds: UInt8Array = kinds.as_primitive::<UInt8Type>().clone();
            let text = texts(input(batch, &FieldRef::Json(path))?)?;
            Some((kinds, text.as_string_view().clone()))
        }
        None => None,
    };
    if let (None, Some((kinds, text)), ValueType::Text) = (&messages, &json, value_type) {
        return Ok(shown_text(kinds, text));
    }
    let mut builder = ColumnBuilder::new(value_type, batch.num_rows());
    for row in 0..batch.num_rows() {
        let mut value = match &json {
            Some((kinds, text)) => json_value(kinds.value(row), text, row),
            None => Value::Missing,
        };
        if value.is_missing()
            && let Some(messages) = &messages
            && messages.is_valid(row)
        {
            value = text_field(messages.value(row), name);
        }
        builder.push(&value);
    }
    Ok(builder.finish())
}

fn json_value(kind: u8, text: &StringViewArray, row: usize) -> Value<'_> {
    if kind == ValueKind::Missing as u8 || text.is_null(row) {
        return Value::Missing;
    }
    let text = text.value(row);
    if kind == ValueKind::Number as u8 {
        Value::Written(text.into())
    } else if kind == ValueKind::Boolean as u8 {
        Value::Bool(text == "true")
    } else {
        Value::text(text)
    }
}

/// The store's texts as they are, but 1 and 0 for booleans.
fn shown_text(kinds: &UInt8Array, text: &StringViewArray) -> ArrayRef {
    let boolean = ValueKind::Boolean as u8;
    if !kinds.values().contains(&boolean) {
        return Arc::new(text.clone());
    }
    let mut builder = StringViewBuilder::with_capacity(text.len());
    for (kind, text) in kinds.values().iter().zip(text.iter()) {
        builder.append_option(match text {
            Some(text) if *kind == boolean => Some(if text == "true" { "1" } else { "0" }),
            other => other,
        });
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_keys_compare_by_time_then_ingestion() {
        let keys = [
            order_key(i64::MIN, 0, 0),
            order_key(-1, u64::MAX, u32::MAX),
            order_key(0, 0, 0),
            order_key(0, 1, 0),
            order_key(0, 1, 9_999),
            order_key(0, 2, 0),
            order_key_max(0),
            order_key(1, 0, 0),
            order_key_max(i64::MAX),
        ];
        assert!(keys.windows(2).all(|w| w[0] < w[1]));
        // 38 digits.
        assert!(keys.iter().all(|k| k.unsigned_abs() < 10_u128.pow(38)));
    }
}
