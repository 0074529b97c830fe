//! Expressions as text: the fewest parentheses that keep the tree.

use std::fmt;

use super::expression::{
    Argument, ArithmeticOperator, Call, Expr, ExprKind, InSet, Literal, MatchPattern, Sign,
};
use crate::print::{PlainNumber, commas};

/// How tightly an expression holds together, loosest first (spec logs-insights.md 4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Sign,
    Power,
    Primary,
}

impl Expr {
    fn level(&self) -> Level {
        match &self.kind {
            ExprKind::Or(_) => Level::Or,
            ExprKind::And(_) => Level::And,
            ExprKind::Not(_) => Level::Not,
            ExprKind::Comparison { .. }
            | ExprKind::Like { .. }
            | ExprKind::RegexMatch { .. }
            | ExprKind::In { .. } => Level::Comparison,
            ExprKind::Arithmetic { operator, .. } => operator.level(),
            ExprKind::Sign { .. } => Level::Sign,
            ExprKind::Literal(_)
            | ExprKind::Field(_)
            | ExprKind::Call(_)
            | ExprKind::Access { .. }
            | ExprKind::List(_) => Level::Primary,
        }
    }
}

impl ArithmeticOperator {
    pub(super) fn level(self) -> Level {
        match self {
            Self::Add | Self::Subtract => Level::Sum,
            Self::Multiply | Self::Divide | Self::Modulo => Level::Product,
            Self::Power => Level::Power,
        }
    }
}

impl ArithmeticOperator {
    /// What its right operand needs: the tighter level, except behind a power, whose right side
    /// may carry a sign and further powers.
    pub(super) fn right_level(self) -> Level {
        match self.level() {
            Level::Sum => Level::Product,
            _ => Level::Sign,
        }
    }
}

/// An operand in a place that takes expressions of at least this level without parentheses.
struct Operand<'a>(&'a Expr, Level);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.level() < self.1 {
            write!(f, "({})", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Literal(literal) => write!(f, "{literal}"),
            ExprKind::Field(path) => write!(f, "{path}"),
            ExprKind::Call(call) => write!(f, "{call}"),
            ExprKind::Access { value, segments } => {
                // A field followed by a step would read as one path, a number as a decimal.
                match value.kind {
                    ExprKind::Call(_) | ExprKind::List(_) => write!(f, "{value}")?,
                    _ => write!(f, "({value})")?,
                }
                segments
                    .iter()
                    .try_for_each(|segment| write!(f, "{segment}"))
            }
            ExprKind::List(items) => write!(f, "[{}]", commas(items)),
            ExprKind::Sign { sign, operand } => {
                let symbol = match sign {
                    Sign::Plus => "+",
                    Sign::Minus => "-",
                };
                write!(f, "{symbol}{}", Operand(operand, Level::Sign))
            }
            ExprKind::Arithmetic {
                operator,
                left,
                right,
            } => {
                let left_level = match operator.level() {
                    Level::Power => Level::Primary,
                    level => level,
                };
                write!(
                    f,
                    "{} {} {}",
                    Operand(left, left_level),
                    operator.symbol(),
                    Operand(right, operator.right_level())
                )
            }
            ExprKind::Comparison {
                operator,
                left,
                right,
            } => write!(
                f,
                "{} {} {}",
                Operand(left, Level::Sum),
                operator.symbol(),
                Operand(right, Level::Sum)
            ),
            ExprKind::Like {
                value,
                pattern,
                negated,
            } => {
                let value = Operand(value, Level::Sum);
                write!(f, "{value} {}like {pattern}", not_if(*negated))
            }
            ExprKind::RegexMatch { value, pattern } => {
                write!(f, "{} =~ {pattern}", Operand(value, Level::Sum))
            }
            ExprKind::In {
                value,
                set,
                negated,
            } => {
                let value = Operand(value, Level::Sum);
                write!(f, "{value} {}in {set}", not_if(*negated))
            }
            ExprKind::Not(operand) => write!(f, "not {}", Operand(operand, Level::Not)),
            ExprKind::And(conditions) => chain(f, conditions, " and ", Level::Not),
            ExprKind::Or(conditions) => chain(f, conditions, " or ", Level::And),
        }
    }
}

fn not_if(negated: bool) -> &'static str {
    if negated { "not " } else { "" }
}

fn chain(
    f: &mut fmt::Formatter<'_>,
    conditions: &[Expr],
    between: &str,
    level: Level,
) -> fmt::Result {
    for (at, condition) in conditions.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        write!(f, "{}", Operand(condition, level))?;
    }
    Ok(())
}

impl fmt::Display for MatchPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Regex(regex) => write!(f, "{regex}"),
            Self::Text(text) => write!(f, "{}", Operand(text, Level::Sum)),
        }
    }
}

impl fmt::Display for InSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(items) => write!(f, "[{}]", commas(items)),
            Self::Subquery(query) => write!(f, "({query})"),
            Self::Value(value) => write!(f, "{}", Operand(value, Level::Sum)),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.function.name();
        if self.star {
            write!(f, "{name}(*)")
        } else {
            write!(f, "{name}({})", commas(&self.arguments))
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expr(expr) => write!(f, "{expr}"),
            Self::Duration(duration) => write!(f, "{duration}"),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => {
                f.write_str("\"")?;
                for c in text.chars() {
                    match c {
                        '"' => f.write_str("\\\"")?,
                        '\\' => f.write_str("\\\\")?,
                        '\n' => f.write_str("\\n")?,
                        '\t' => f.write_str("\\t")?,
                        '\r' => f.write_str("\\r")?,
                        other => write!(f, "{other}")?,
                    }
                }
                f.write_str("\"")
            }
            Self::Number(number) => write!(f, "{}", PlainNumber(*number)),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
        }
    }
}
