//! Aggregates over values as DataFusion functions: partial, merge, finish.

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::cast::as_binary_array;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility,
};
use std::sync::Arc;

use super::{collection, extreme, histogram, percentile, timely};
use crate::values::{ColumnView, Value, ValueType};

/// An aggregate and its constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    Min,
    Max,
    SortsFirst,
    SortsLast,
    /// Takes the value and the time-order column of its row.
    Earliest,
    Latest,
    /// Takes the value, the time, and the time-order column; the change per this many ms.
    Rate {
        period_ms: u64,
    },
    /// Hundredths of a millionth: `pct(f, 99.9)` is 9,990,000,000.
    Percentile {
        parts: u64,
    },
    Values,
    TopK {
        count: usize,
    },
    Histogram {
        buckets: usize,
    },
}

/// Parts of [`Aggregate::Percentile`] in one percent.
pub const PARTS_PER_PERCENT: f64 = 1e8;

impl Aggregate {
    /// The type of the result for a first argument of type `input`.
    pub const fn returns(self, input: ValueType) -> ValueType {
        match self {
            Self::Rate { .. } | Self::Percentile { .. } => ValueType::Number,
            Self::Earliest | Self::Latest | Self::SortsFirst | Self::SortsLast => input,
            _ => ValueType::Dynamic,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Min => "min_value",
            Self::Max => "max_value",
            Self::SortsFirst => "sorts_first",
            Self::SortsLast => "sorts_last",
            Self::Earliest => "earliest",
            Self::Latest => "latest",
            Self::Rate { .. } => "rate",
            Self::Percentile { .. } => "pct",
            Self::Values => "values",
            Self::TopK { .. } => "topk",
            Self::Histogram { .. } => "histogram",
        }
    }

    fn aggregation(self) -> Box<dyn Aggregation> {
        match self {
            Self::Min => Box::new(extreme::Extreme::computed(extreme::End::First)),
            Self::Max => Box::new(extreme::Extreme::computed(extreme::End::Last)),
            Self::SortsFirst => Box::new(extreme::Extreme::as_written(extreme::End::First)),
            Self::SortsLast => Box::new(extreme::Extreme::as_written(extreme::End::Last)),
            Self::Earliest => Box::new(timely::AtEnd::new(timely::End::Earliest)),
            Self::Latest => Box::new(timely::AtEnd::new(timely::End::Latest)),
            Self::Rate { period_ms } => Box::new(timely::Rate::new(period_ms)),
            Self::Percentile { parts } => Box::new(percentile::Percentile::new(parts)),
            Self::Values => Box::new(collection::Values::default()),
            Self::TopK { count } => Box::new(collection::TopK::new(count)),
            Self::Histogram { buckets } => Box::new(histogram::Histogram::new(buckets)),
        }
    }
}

/// The running state of one aggregate in one group.
pub(super) trait Aggregation: Send + Sync + std::fmt::Debug {
    /// Takes the arguments of one row; `order` is the time order of the row, if the aggregate asks
    /// for it.
    fn update(&mut self, arguments: &[Value<'_>], order: i128);

    /// Writes the partial state.
    fn write_state(&self, out: &mut Vec<u8>);

    /// Takes in a partial state that [`Aggregation::write_state`] wrote.
    fn merge(&mut self, state: &[u8]);

    fn finish(&self) -> Value<'_>;

    /// Bytes on the heap.
    fn heap_bytes(&self) -> usize;
}

/// A call of `aggregate`; its result has the type [`Aggregate::returns`].
pub fn aggregate(aggregate: Aggregate, input: ValueType, arguments: Vec<Expr>) -> Expr {
    AggregateUDF::new_from_impl(ValueAggregate {
        aggregate,
        returns: aggregate.returns(input),
        signature: Signature::variadic_any(Volatility::Immutable),
    })
    .call(arguments)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ValueAggregate {
    aggregate: Aggregate,
    returns: ValueType,
    signature: Signature,
}

impl AggregateUDFImpl for ValueAggregate {
    fn name(&self) -> &str {
        self.aggregate.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.arrow())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(ValueAccumulator {
            aggregation: self.aggregate.aggregation(),
            returns: self.returns,
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "state");
        Ok(vec![Arc::new(Field::new(name, DataType::Binary, true))])
    }
}

#[derive(Debug)]
struct ValueAccumulator {
    aggregation: Box<dyn Aggregation>,
    returns: ValueType,
}

impl Accumulator for ValueAccumulator {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = columns.first().map_or(0, |column| column.len());
        let order = columns.last().and_then(|column| {
            column
                .as_any()
                .downcast_ref::<arrow::array::Decimal128Array>()
        });
        let views: Vec<_> = columns
            .iter()
            .take(columns.len() - usize::from(order.is_some()))
            .map(|column| ColumnView::new(column))
            .collect();
        let mut arguments = Vec::with_capacity(views.len());
        for row in 0..rows {
            arguments.clear();
            arguments.extend(views.iter().map(|view| view.value(row)));
            let order = order.map_or(0, |order| order.value(row));
            self.aggregation.update(&arguments, order);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut builder = crate::values::ColumnBuilder::new(self.returns, 1);
        builder.push(&self.aggregation.finish());
        ScalarValue::try_from_array(&builder.finish(), 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.aggregation.heap_bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut state = Vec::new();
        self.aggregation.write_state(&mut state);
        Ok(vec![ScalarValue::Binary(Some(state))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else {
            return Ok(());
        };
        let states: &BinaryArray = as_binary_array(states)?;
        for state in states.iter().flatten() {
            self.aggregation.merge(state);
        }
        Ok(())
    }
}

/// Appends `bytes` with their length before them.
pub(super) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Reads what [`write_bytes`] wrote, and moves on; `None` at the end.
pub(super) fn read_bytes<'a>(state: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = state.split_first_chunk::<8>()?;
    let (bytes, rest) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *state = rest;
    Some(bytes)
}
