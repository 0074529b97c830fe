//! Expressions over the columns of a row.

use std::collections::HashMap;

use belfry_lang::insights::{
    Argument, Call, ComparisonOperator, Expr as Ast, ExprKind, FieldPath, Function, InSet, Literal,
    MatchPattern, Sign, compile_regex,
};
use datafusion::logical_expr::{Expr, lit};
use datafusion::scalar::ScalarValue;

use super::scope::{Operand, Scope, step_into};
use crate::functions::ip::Cidr;
use crate::functions::period::{Period, Rounding, round_time};
use crate::functions::{arithmetic, comparison, matching, row_function};
use crate::insights::compile_error::Problem;
use crate::insights::compiled::QueryTimes;
use crate::values::ValueType;
use crate::values::number_text::parse_number;

/// The results of the aggregate calls of a `stats`, by the bytes the calls are written in.
pub(in crate::insights) type AggregateResults = HashMap<(usize, usize), (Expr, ValueType)>;

/// Lowers expressions in one scope.
pub(in crate::insights) struct Expressions<'a> {
    pub scope: &'a Scope,
    pub times: &'a QueryTimes,
    /// Inside of `stats`.
    pub aggregates: Option<&'a AggregateResults>,
}

impl Expressions<'_> {
    pub fn operand(&self, ast: &Ast) -> Result<Operand, Problem> {
        match &ast.kind {
            ExprKind::Literal(literal) => Ok(constant(literal)),
            ExprKind::Field(path) => self.scope.resolve(path),
            ExprKind::Call(call) => self.call(ast, call),
            ExprKind::Access { value, segments } => Ok(step_into(self.operand(value)?, segments)),
            ExprKind::List(_) => Err(Problem::unsupported("a list outside of 'in'", ast.span)),
            ExprKind::Sign { sign, operand } => {
                let number = self.number(operand)?;
                Ok(Operand::Typed(
                    match sign {
                        Sign::Plus => number,
                        Sign::Minus => arithmetic::arithmetic(
                            belfry_lang::insights::ArithmeticOperator::Subtract,
                            lit(0.0),
                            number,
                        ),
                    },
                    ValueType::Number,
                ))
            }
            ExprKind::Arithmetic {
                operator,
                left,
                right,
            } => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                let result = arithmetic::arithmetic(*operator, left, right);
                Ok(Operand::Typed(result, ValueType::Number))
            }
            _ => Ok(Operand::Typed(self.condition(ast, false)?, ValueType::Bool)),
        }
    }

    pub fn number(&self, ast: &Ast) -> Result<Expr, Problem> {
        Ok(self.operand(ast)?.number())
    }

    /// As a condition. `positive`: it makes no difference whether the condition is false or
    /// missing, because the row is dropped either way.
    pub fn condition(&self, ast: &Ast, positive: bool) -> Result<Expr, Problem> {
        match &ast.kind {
            ExprKind::And(parts) => self.joined(parts, positive, Expr::and),
            ExprKind::Or(parts) => self.joined(parts, positive, Expr::or),
            ExprKind::Not(inner) => {
                Ok(datafusion::logical_expr::not(self.condition(inner, false)?))
            }
            ExprKind::Comparison {
                operator,
                left,
                right,
            } => {
                let (left, right) = (self.operand(left)?, self.operand(right)?);
                Ok(compare(*operator, left, right, positive))
            }
            ExprKind::Like {
                value,
                pattern,
                negated,
            } => {
                let text = self.operand(value)?.text();
                let found = match pattern {
                    MatchPattern::Regex(regex) => {
                        matching::matches_regex(text, compiled(regex.compile(), ast)?)
                    }
                    MatchPattern::Text(part) => match constant_text(part) {
                        Some(part) => matching::contains(text, part),
                        None => matching::contains_value(text, self.operand(part)?.text()),
                    },
                };
                Ok(negate_if(*negated, found))
            }
            ExprKind::RegexMatch { value, pattern } => {
                let text = self.operand(value)?.text();
                Ok(match pattern {
                    MatchPattern::Regex(regex) => {
                        matching::matches_regex(text, compiled(regex.compile(), ast)?)
                    }
                    MatchPattern::Text(pattern) => match constant_text(pattern) {
                        Some(pattern) => {
                            matching::matches_regex(text, compiled(compile_regex(pattern), ast)?)
                        }
                        None => matching::matches_value(text, self.operand(pattern)?.text()),
                    },
                })
            }
            ExprKind::In {
                value,
                set,
                negated,
            } => {
                let found = self.is_in(ast, value, set, positive && !negated)?;
                Ok(negate_if(*negated, found))
            }
            _ => Ok(self.operand(ast)?.condition()),
        }
    }

    fn joined(
        &self,
        parts: &[Ast],
        positive: bool,
        join: fn(Expr, Expr) -> Expr,
    ) -> Result<Expr, Problem> {
        let mut conditions = parts.iter().map(|part| self.condition(part, positive));
        let first = conditions.next().unwrap_or(Ok(lit(true)))?;
        conditions.try_fold(first, |joined, next| Ok(join(joined, next?)))
    }

    fn is_in(&self, ast: &Ast, value: &Ast, set: &InSet, positive: bool) -> Result<Expr, Problem> {
        match set {
            InSet::List(items) => {
                let value = self.operand(value)?;
                // A missing value is missing in any list but the empty one.
                let mut found = lit(false);
                for (at, item) in items.iter().enumerate() {
                    let item = self.operand(item)?;
                    let equal = compare(ComparisonOperator::Equal, value.clone(), item, positive);
                    found = if at == 0 { equal } else { found.or(equal) };
                }
                Ok(found)
            }
            InSet::Value(list) => {
                let value = self.operand(value)?.dynamic();
                Ok(comparison::in_list_value(
                    value,
                    self.operand(list)?.dynamic(),
                ))
            }
            InSet::Subquery(_) => Err(Problem::unsupported("a subquery", ast.span)),
        }
    }

    fn call(&self, ast: &Ast, call: &Call) -> Result<Operand, Problem> {
        if let Some(made) = ast
            .reference_key()
            .and_then(|key| self.scope.calls.get(&key))
        {
            return self.scope.name(made, ast.span);
        }
        if call.function.is_aggregate() {
            let place = (ast.span.start(), ast.span.end());
            return match self.aggregates.and_then(|found| found.get(&place)) {
                Some((result, value_type)) => Ok(Operand::Typed(result.clone(), *value_type)),
                None => Err(Problem::malformed(
                    format!(
                        "{} can be called only in stats, and not in another aggregate",
                        call.function.name()
                    ),
                    ast.span,
                )),
            };
        }
        let now = |value: i64| Ok(Operand::number_constant(value as f64));
        match call.function {
            Function::Now => now(self.times.now.as_secs()),
            Function::QueryStartTime => now(self.times.start.0),
            Function::QueryEndTime => now(self.times.end.0),
            Function::QueryTimeRange => now(self.times.end - self.times.start),
            Function::Bin => {
                let time = self
                    .scope
                    .resolve(&FieldPath::key("@timestamp"))
                    .map_err(|_| Problem::malformed("bin needs a column @timestamp", ast.span))?;
                Ok(rounded(time, call, Rounding::Floor))
            }
            Function::DateFloor => Ok(rounded(self.argument(call, 0, ast)?, call, Rounding::Floor)),
            Function::DateCeil => Ok(rounded(self.argument(call, 0, ast)?, call, Rounding::Ceil)),
            Function::RegexReplace => {
                let text = self.argument(call, 0, ast)?.text();
                let by = self.argument(call, 2, ast)?.text();
                let replaced = match call.expressions().nth(1).and_then(constant_text) {
                    Some(pattern) => {
                        matching::replace_regex(text, compiled(compile_regex(pattern), ast)?, by)
                    }
                    None => matching::replace_value(text, self.argument(call, 1, ast)?.text(), by),
                };
                Ok(Operand::Typed(replaced, ValueType::Text))
            }
            Function::IsPresent => Ok(Operand::Typed(
                self.argument(call, 0, ast)?.present(),
                ValueType::Bool,
            )),
            _ => self.row_call(ast, call),
        }
    }

    fn row_call(&self, ast: &Ast, call: &Call) -> Result<Operand, Problem> {
        check_constants(ast, call)?;
        let mut arguments = Vec::with_capacity(call.arguments.len());
        let mut types = Vec::with_capacity(call.arguments.len());
        for argument in call.expressions() {
            let operand = self.operand(argument)?;
            let (expr, value_type) = match (&operand, form(call.function)) {
                (Operand::Field(_), Some(ValueType::Number)) => {
                    (operand.number(), ValueType::Number)
                }
                (Operand::Field(_), Some(ValueType::Text)) => (operand.text(), ValueType::Text),
                _ => operand.typed(),
            };
            arguments.push(expr);
            types.push(value_type);
        }
        match row_function::call(call.function, arguments, &types) {
            Some((expr, value_type)) => Ok(Operand::Typed(expr, value_type)),
            None => Err(Problem::unsupported(
                format!("the function {}", call.function.name()),
                ast.span,
            )),
        }
    }

    fn argument(&self, call: &Call, index: usize, ast: &Ast) -> Result<Operand, Problem> {
        match call.arguments.get(index) {
            Some(Argument::Expr(expr)) => self.operand(expr),
            _ => Err(Problem::malformed(
                format!("{} needs an argument {}", call.function.name(), index + 1),
                ast.span,
            )),
        }
    }
}

/// The form in which a function wants discovered fields, if it does not depend on their kind.
const fn form(function: Function) -> Option<ValueType> {
    use Function as F;
    match function {
        F::Abs
        | F::Ceil
        | F::Floor
        | F::Greatest
        | F::Least
        | F::Log
        | F::Sqrt
        | F::Round
        | F::Haversine
        | F::ToNumber
        | F::ToDouble
        | F::ToInt
        | F::ToLong
        | F::DecToHex => Some(ValueType::Number),
        F::IsEmpty
        | F::IsBlank
        | F::Concat
        | F::Ltrim
        | F::Rtrim
        | F::Trim
        | F::Strlen
        | F::ToUpper
        | F::ToLower
        | F::Replace
        | F::StartsWith
        | F::EndsWith
        | F::UrlEncode
        | F::UrlDecode
        | F::Base64Encode
        | F::Base64Decode
        | F::HexToAscii
        | F::Md5
        | F::Sha256
        | F::MessageSize
        | F::HexToDec
        | F::Ipv4ToNumber
        | F::IsValidIp
        | F::IsValidIpV4
        | F::IsValidIpV6
        | F::IsIpInSubnet
        | F::IsIpv4InSubnet
        | F::IsIpv6InSubnet
        | F::IsPrivateIp
        | F::IsReservedIp
        | F::IsPublicIp => Some(ValueType::Text),
        _ => None,
    }
}

/// Constants that can be refused before a row is read (spec logs-insights.md 7.6).
fn check_constants(ast: &Ast, call: &Call) -> Result<(), Problem> {
    if matches!(
        call.function,
        Function::IsIpInSubnet | Function::IsIpv4InSubnet | Function::IsIpv6InSubnet
    ) && let Some(text) = call.expressions().nth(1).and_then(constant_text)
        && Cidr::parse(text).is_none()
    {
        return Err(Problem::malformed(
            format!("'{text}' is not a CIDR block"),
            ast.span,
        ));
    }
    Ok(())
}

pub(in crate::insights) fn constant(literal: &Literal) -> Operand {
    match literal {
        Literal::String(text) => Operand::text_constant(text.clone()),
        Literal::Number(number) => Operand::number_constant(*number),
        Literal::Boolean(b) => Operand::Typed(lit(*b), ValueType::Bool),
        Literal::Null => Operand::missing(),
    }
}

pub(in crate::insights) fn constant_text(ast: &Ast) -> Option<&str> {
    match &ast.kind {
        ExprKind::Literal(Literal::String(text)) => Some(text),
        _ => None,
    }
}

fn compiled<T>(regex: Result<T, regex::Error>, ast: &Ast) -> Result<T, Problem> {
    regex.map_err(|error| {
        Problem::malformed(format!("the regex does not compile: {error}"), ast.span)
    })
}

fn negate_if(negated: bool, condition: Expr) -> Expr {
    if negated {
        datafusion::logical_expr::not(condition)
    } else {
        condition
    }
}

fn rounded(time: Operand, call: &Call, rounding: Rounding) -> Operand {
    let (time, _) = time.typed();
    // The grammar promises the duration.
    match call.duration() {
        Some(duration) => Operand::Typed(
            round_time(time, Period::new(duration), rounding),
            ValueType::Time,
        ),
        None => Operand::missing(),
    }
}

/// A comparison. Beside a constant, a discovered field is read in the form that decides.
fn compare(operator: ComparisonOperator, left: Operand, right: Operand, positive: bool) -> Expr {
    let is_equality = matches!(
        operator,
        ComparisonOperator::Equal | ComparisonOperator::NotEqual
    );
    let beside_field = match (&left, &right) {
        (Operand::Field(_), Operand::Typed(expr, value_type))
        | (Operand::Typed(expr, value_type), Operand::Field(_)) => {
            Some((expr.clone(), *value_type))
        }
        _ => None,
    };
    match beside_field {
        // Spec 3.3 rule 5: beside a number what is not numeric is missing.
        Some((_, ValueType::Number | ValueType::Bool)) if !is_equality => {
            let number = |operand: Operand| (operand.number(), ValueType::Number);
            comparison::compare(operator, number(left), number(right))
        }
        // Rule 4: what is not numeric differs from every number.
        Some((_, ValueType::Number | ValueType::Bool))
            if positive && operator == ComparisonOperator::Equal =>
        {
            let number = |operand: Operand| (operand.number(), ValueType::Number);
            comparison::compare(operator, number(left), number(right))
        }
        // Rule 4: a constant text that is no number is equal to the same text only.
        Some((Expr::Literal(ScalarValue::Utf8View(Some(text)), _), ValueType::Text))
            if is_equality && parse_number(&text).is_none() =>
        {
            let text = |operand: Operand| (operand.text(), ValueType::Text);
            comparison::compare(operator, text(left), text(right))
        }
        _ => comparison::compare(operator, left.typed(), right.typed()),
    }
}
