//! Functions that take the values of one row and give one value, as DataFusion functions.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use belfry_lang::insights::Function;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::{encoding, format_date, general, ip, numeric, parse_date, structure, text, time};
use crate::values::{ColumnBuilder, ColumnView, Value, ValueType};

/// What a function computes from the arguments of one row.
pub type RowEval = for<'a> fn(&[Value<'a>]) -> Value<'a>;

/// The type of a function's result, given those of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Returns {
    Always(ValueType),
    /// Whatever holds all arguments from this index on, in steps.
    Union {
        from: usize,
        step: usize,
    },
    /// Values of `case` and `if`: every second one, and a last odd one.
    Branches,
}

/// The row functions. Those that need the query (`now`, `queryStartTime`, …), a duration (`bin`)
/// or a compiled pattern (`regexReplace`) are lowered apart.
const fn row_function(function: Function) -> Option<(Returns, RowEval)> {
    use Function as F;
    const BOOL: Returns = Returns::Always(ValueType::Bool);
    const NUMBER: Returns = Returns::Always(ValueType::Number);
    const TEXT: Returns = Returns::Always(ValueType::Text);
    const TIME: Returns = Returns::Always(ValueType::Time);
    const DYNAMIC: Returns = Returns::Always(ValueType::Dynamic);
    Some(match function {
        F::Abs => (NUMBER, numeric::abs as RowEval),
        F::Ceil => (NUMBER, numeric::ceil),
        F::Floor => (NUMBER, numeric::floor),
        F::Greatest => (NUMBER, numeric::greatest),
        F::Least => (NUMBER, numeric::least),
        F::Log => (NUMBER, numeric::log),
        F::Sqrt => (NUMBER, numeric::sqrt),
        F::Round => (NUMBER, numeric::round),
        F::Haversine => (NUMBER, numeric::haversine),
        F::ToNumber | F::ToDouble => (NUMBER, numeric::to_number),
        F::ToInt => (NUMBER, numeric::to_int),
        F::ToLong => (NUMBER, numeric::to_long),
        F::HexToDec => (NUMBER, numeric::hex_to_dec),
        F::DecToHex => (TEXT, numeric::dec_to_hex),
        F::Ipv4ToNumber => (NUMBER, numeric::ipv4_to_number),
        F::IsPresent => (BOOL, general::is_present),
        F::Coalesce => (Returns::Union { from: 0, step: 1 }, general::coalesce),
        F::If => (Returns::Branches, general::if_),
        F::Case => (Returns::Branches, general::case),
        F::IsNumeric => (BOOL, general::is_numeric),
        F::MessageSize => (NUMBER, general::message_size),
        F::Unmask => (Returns::Union { from: 0, step: 1 }, general::unmask),
        F::IsEmpty => (BOOL, text::is_empty),
        F::IsBlank => (BOOL, text::is_blank),
        F::Concat => (TEXT, text::concat),
        F::Ltrim => (TEXT, text::ltrim),
        F::Rtrim => (TEXT, text::rtrim),
        F::Trim => (TEXT, text::trim),
        F::Strlen => (NUMBER, text::strlen),
        F::ToUpper => (TEXT, text::to_upper),
        F::ToLower => (TEXT, text::to_lower),
        F::Substr => (TEXT, text::substr),
        F::Replace => (TEXT, text::replace),
        F::StrContains => (BOOL, text::str_contains),
        F::StartsWith => (BOOL, text::starts_with),
        F::EndsWith => (BOOL, text::ends_with),
        F::UrlEncode => (TEXT, encoding::url_encode),
        F::UrlDecode => (TEXT, encoding::url_decode),
        F::Base64Encode => (TEXT, encoding::base64_encode),
        F::Base64Decode => (TEXT, encoding::base64_decode),
        F::Split => (DYNAMIC, text::split),
        F::HexToAscii => (TEXT, encoding::hex_to_ascii),
        F::Md5 => (TEXT, encoding::md5),
        F::Sha256 => (TEXT, encoding::sha256),
        F::FromMillis => (TIME, time::from_millis),
        F::ToMillis => (NUMBER, time::to_millis),
        F::ParseDate => (NUMBER, parse_date::parse_date),
        F::FormatDate => (TEXT, format_date::format_date),
        F::JsonParse => (DYNAMIC, structure::json_parse),
        F::JsonStringify => (TEXT, structure::json_stringify),
        F::JsonArraySize => (NUMBER, structure::json_array_size),
        F::JsonArrayContains => (BOOL, structure::json_array_contains),
        F::IsValidIp => (BOOL, ip::is_valid_ip),
        F::IsValidIpV4 => (BOOL, ip::is_valid_ip_v4),
        F::IsValidIpV6 => (BOOL, ip::is_valid_ip_v6),
        F::IsIpInSubnet => (BOOL, ip::is_ip_in_subnet),
        F::IsIpv4InSubnet => (BOOL, ip::is_ipv4_in_subnet),
        F::IsIpv6InSubnet => (BOOL, ip::is_ipv6_in_subnet),
        F::IsPrivateIp => (BOOL, ip::is_private_ip),
        F::IsReservedIp => (BOOL, ip::is_reserved_ip),
        F::IsPublicIp => (BOOL, ip::is_public_ip),
        _ => return None,
    })
}

/// A call of `function` on `arguments` of the given types, with the type of its result; `None` if
/// the function is not one of rows.
pub fn call(
    function: Function,
    arguments: Vec<Expr>,
    types: &[ValueType],
) -> Option<(Expr, ValueType)> {
    let (returns, eval) = row_function(function)?;
    let value_type = match returns {
        Returns::Always(value_type) => value_type,
        Returns::Union { from, step } => union(types.iter().skip(from).step_by(step)),
        Returns::Branches => {
            let default = types.len() % 2;
            let values = types.iter().skip(1).step_by(2);
            union(values.chain(types.iter().rev().take(default)))
        }
    };
    let name = function.name();
    Some((row_call(name, eval, value_type, arguments), value_type))
}

fn union<'a>(mut types: impl Iterator<Item = &'a ValueType>) -> ValueType {
    let first = types.next().copied().unwrap_or(ValueType::Dynamic);
    types.fold(first, |a, b| a.union(*b))
}

/// A call of `eval`, which `name` identifies.
pub fn row_call(
    name: &'static str,
    eval: RowEval,
    returns: ValueType,
    arguments: Vec<Expr>,
) -> Expr {
    udf(RowFunction::new(name, eval, returns)).call(arguments)
}

pub(super) fn udf(implementation: impl ScalarUDFImpl + 'static) -> ScalarUDF {
    ScalarUDF::new_from_impl(implementation)
}

/// The signature of all our functions: any types, checked when the query is lowered.
pub(super) fn any_arguments() -> Signature {
    Signature::variadic_any(Volatility::Immutable)
}

#[derive(Debug)]
struct RowFunction {
    name: &'static str,
    eval: RowEval,
    returns: ValueType,
    signature: Signature,
}

impl RowFunction {
    fn new(name: &'static str, eval: RowEval, returns: ValueType) -> Self {
        Self {
            name,
            eval,
            returns,
            signature: any_arguments(),
        }
    }
}

impl PartialEq for RowFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.returns == other.returns
    }
}

impl Eq for RowFunction {}

impl Hash for RowFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.returns.hash(state);
    }
}

impl ScalarUDFImpl for RowFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.arrow())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        each_row(&args, self.returns, self.eval)
    }
}

/// Evaluates a function row by row; once, if all its arguments are constants.
pub(super) fn each_row(
    args: &ScalarFunctionArgs,
    returns: ValueType,
    eval: impl for<'a> Fn(&[Value<'a>]) -> Value<'a>,
) -> Result<ColumnarValue> {
    let inputs = Inputs::new(&args.args, args.number_rows)?;
    let mut out = ColumnBuilder::new(returns, inputs.rows);
    let views = inputs.views();
    let mut row_values = Vec::with_capacity(views.len());
    for row in 0..inputs.rows {
        row_values.clear();
        row_values.extend(views.iter().map(|view| view.value(row)));
        out.push(&eval(&row_values));
    }
    inputs.finish(out.finish())
}

/// The arguments of a call as columns of equal length.
pub(super) struct Inputs {
    arrays: Vec<(ArrayRef, bool)>,
    constant: bool,
    pub rows: usize,
}

/// A column, or a constant for all rows.
#[derive(Clone, Copy)]
pub(super) struct InputView<'a> {
    column: ColumnView<'a>,
    constant: bool,
}

impl<'a> InputView<'a> {
    pub fn value(&self, row: usize) -> Value<'a> {
        self.column.value(if self.constant { 0 } else { row })
    }

    pub fn column(&self) -> Option<ColumnView<'a>> {
        (!self.constant).then_some(self.column)
    }
}

impl Inputs {
    pub fn new(args: &[ColumnarValue], number_rows: usize) -> Result<Self> {
        let constant = args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let arrays = args
            .iter()
            .map(|argument| match argument {
                ColumnarValue::Array(array) => Ok((Arc::clone(array), false)),
                ColumnarValue::Scalar(scalar) => Ok((scalar.to_array_of_size(1)?, true)),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            arrays,
            constant,
            rows: if constant { 1 } else { number_rows },
        })
    }

    pub fn views(&self) -> Vec<InputView<'_>> {
        self.arrays
            .iter()
            .map(|(array, constant)| InputView {
                column: ColumnView::new(array),
                constant: *constant,
            })
            .collect()
    }

    pub fn view(&self, index: usize) -> Result<InputView<'_>> {
        let (array, constant) = self
            .arrays
            .get(index)
            .ok_or_else(|| exec_datafusion_err!("argument {index} is missing"))?;
        Ok(InputView {
            column: ColumnView::new(array),
            constant: *constant,
        })
    }

    /// The result column; one row of constants becomes a constant.
    pub fn finish(&self, column: ArrayRef) -> Result<ColumnarValue> {
        if self.constant {
            let scalar = datafusion::common::ScalarValue::try_from_array(&column, 0)?;
            Ok(ColumnarValue::Scalar(scalar))
        } else {
            Ok(ColumnarValue::Array(column))
        }
    }
}
