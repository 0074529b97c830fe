//! Arguments that must be constants, or must make sense where they are (spec logs-insights.md 12).

use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::grammar::{Fault, rule};

use super::expression::{Argument, Call, Expr, ExprKind, Literal};
use super::functions::Function;
use super::regex_literal::compile_regex;
use super::tokens::regex_fault;

/// `k` of `topk` (documented).
pub const TOPK_MAX: u32 = 10_000;

/// Buckets of a `histogram`: as many as `topk` gives values.
pub const HISTOGRAM_BUCKETS_MAX: u32 = 10_000;

type Checked = Result<(), nom::Err<Fault>>;

pub(super) fn check_constant_arguments(call: &Call) -> Checked {
    let argument = |at: usize| match call.arguments.get(at) {
        Some(Argument::Expr(expr)) => Ok(expr),
        _ => Err(()),
    };
    match call.function {
        Function::RegexReplace => argument(1).map_or(Ok(()), check_constant_regex),
        Function::IsIpInSubnet | Function::IsIpv4InSubnet | Function::IsIpv6InSubnet => {
            argument(1).map_or(Ok(()), check_constant_block)
        }
        Function::Pct => argument(1).map_or(Ok(()), |percentile| {
            check_number(percentile, 0.0..=100.0, "the percentile")
        }),
        Function::TopK => argument(0).map_or(Ok(()), |k| check_whole(k, TOPK_MAX, "k")),
        Function::Histogram => argument(1).map_or(Ok(()), |buckets| {
            check_whole(buckets, HISTOGRAM_BUCKETS_MAX, "the number of buckets")
        }),
        _ => Ok(()),
    }
}

/// A string that serves as a regex must compile when the query starts (2.5).
pub(super) fn check_constant_regex(text: &Expr) -> Checked {
    match &text.kind {
        ExprKind::Literal(Literal::String(pattern)) => compile_regex(pattern)
            .map(|_| ())
            .map_err(|error| rule(text.span, regex_fault(&error))),
        _ => Ok(()),
    }
}

/// A constant address block must parse (7.6).
fn check_constant_block(block: &Expr) -> Checked {
    match &block.kind {
        ExprKind::Literal(Literal::String(text)) if !is_address_block(text) => {
            Err(rule(block.span, format!("'{text}' is not a CIDR block")))
        }
        _ => Ok(()),
    }
}

fn is_address_block(text: &str) -> bool {
    let Some((address, prefix)) = text.split_once('/') else {
        return false;
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    let bits = match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    };
    let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    digits && prefix.parse::<u32>().is_ok_and(|prefix| prefix <= bits)
}

fn check_number(expr: &Expr, range: RangeInclusive<f64>, what: &str) -> Checked {
    match &expr.kind {
        ExprKind::Literal(Literal::Number(number)) if range.contains(number) => Ok(()),
        _ => Err(rule(
            expr.span,
            format!(
                "{what} must be a number from {} to {}",
                range.start(),
                range.end()
            ),
        )),
    }
}

fn check_whole(expr: &Expr, max: u32, what: &str) -> Checked {
    check_number(expr, 1.0..=f64::from(max), what)?;
    match &expr.kind {
        ExprKind::Literal(Literal::Number(number)) if number.fract() != 0.0 => {
            Err(rule(expr.span, format!("{what} must be a whole number")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn constants_must_make_sense() {
        for call in [
            "pct(a, 101)",
            "pct(a, b)",
            "pct(a, '90')",
            "topk(0, a)",
            "topk(10001, a)",
            "topk(1.5, a)",
            "histogram(a, 0)",
            "count(regexReplace(a, '(', 'x'))",
            "count(isIpInSubnet(a, '10.0.0.0'))",
            "count(isIpv4InSubnet(a, '10.0.0.0/33'))",
            "count(isIpv6InSubnet(a, '::/+1'))",
            "count(a =~ '(')",
        ] {
            assert!(parse(&format!("stats {call}")).is_err(), "{call}");
        }
        for call in [
            "pct(a, 99.9)",
            "topk(10000, a)",
            "histogram(a, 4)",
            "count(regexReplace(a, b, 'x'))",
            "count(isIpInSubnet(a, '10.0.0.1/8'))",
            "count(isIpv6InSubnet(a, '2001:db8::/32'))",
            "count(isIpInSubnet(a, b))",
        ] {
            if let Err(error) = parse(&format!("stats {call}")) {
                panic!("{call}: {error}");
            }
        }
    }
}
