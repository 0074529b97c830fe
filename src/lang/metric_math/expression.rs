//! The tree of a metric math expression and its text (spec metric-math.md 2).

use std::fmt;

use crate::print::{PlainNumber, commas};
use crate::span::Span;

use super::functions::{Function, Keyword};

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    pub kind: ExpressionKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// Never negative, always finite.
    Number(f64),
    /// Escapes resolved.
    String(String),
    /// The Id of a metric or expression of the same call.
    Id(String),
    /// Never empty; all strings, or none.
    Array(Vec<Expression>),
    /// A known function with an allowed number of arguments.
    Call {
        function: Function,
        arguments: Vec<Argument>,
    },
    Negate(Box<Expression>),
    /// `base ^ exponent`
    Power {
        base: Box<Expression>,
        exponent: Box<Expression>,
    },
    /// Operators of one level of precedence, applied from left to right: `first op a op b`.
    /// A chain keeps the tree low however many metrics are added.
    Chain {
        first: Box<Expression>,
        /// Never empty; all operators have the same [`Operator::level`].
        rest: Vec<(Operator, Expression)>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    Expression(Expression),
    /// Only where the function knows it.
    Keyword(Keyword),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// How tightly an operator binds, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OperatorLevel {
    Or,
    And,
    Equality,
    Relation,
    Sum,
    Product,
    Negation,
    Power,
    Primary,
}

impl Operator {
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Or => "OR",
            Self::And => "AND",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }

    pub const fn level(self) -> OperatorLevel {
        match self {
            Self::Or => OperatorLevel::Or,
            Self::And => OperatorLevel::And,
            Self::Equal | Self::NotEqual => OperatorLevel::Equality,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => {
                OperatorLevel::Relation
            }
            Self::Add | Self::Subtract => OperatorLevel::Sum,
            Self::Multiply | Self::Divide => OperatorLevel::Product,
        }
    }
}

impl Expression {
    pub fn new(kind: ExpressionKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// The direct parts, from left to right.
    pub fn children(&self) -> Vec<&Expression> {
        match &self.kind {
            ExpressionKind::Number(_) | ExpressionKind::String(_) | ExpressionKind::Id(_) => {
                Vec::new()
            }
            ExpressionKind::Array(items) => items.iter().collect(),
            ExpressionKind::Call { arguments, .. } => arguments
                .iter()
                .filter_map(Argument::as_expression)
                .collect(),
            ExpressionKind::Negate(operand) => vec![operand],
            ExpressionKind::Power { base, exponent } => vec![base, exponent],
            ExpressionKind::Chain { first, rest } => std::iter::once(&**first)
                .chain(rest.iter().map(|(_, operand)| operand))
                .collect(),
        }
    }

    /// The Ids that the expression names, each once, in order of appearance.
    pub fn ids(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        self.collect_ids(&mut ids);
        ids
    }

    fn collect_ids<'e>(&'e self, ids: &mut Vec<&'e str>) {
        if let ExpressionKind::Id(id) = &self.kind
            && !ids.contains(&id.as_str())
        {
            ids.push(id);
        }
        for child in self.children() {
            child.collect_ids(ids);
        }
    }

    /// Whether a function is called anywhere in it.
    pub fn calls(&self, wanted: Function) -> bool {
        matches!(&self.kind, ExpressionKind::Call { function, .. } if *function == wanted)
            || self.children().into_iter().any(|child| child.calls(wanted))
    }

    /// Whether the tree has more levels than this. Looks no deeper, so the stack is safe.
    pub(super) fn is_higher_than(&self, levels: usize) -> bool {
        match levels.checked_sub(1) {
            None => true,
            Some(below) => self
                .children()
                .into_iter()
                .any(|child| child.is_higher_than(below)),
        }
    }

    fn level(&self) -> OperatorLevel {
        match &self.kind {
            ExpressionKind::Chain { rest, .. } => rest
                .first()
                .map_or(OperatorLevel::Primary, |(operator, _)| operator.level()),
            ExpressionKind::Negate(_) => OperatorLevel::Negation,
            ExpressionKind::Power { .. } => OperatorLevel::Power,
            _ => OperatorLevel::Primary,
        }
    }
}

impl Argument {
    pub const fn as_expression(&self) -> Option<&Expression> {
        match self {
            Self::Expression(expression) => Some(expression),
            Self::Keyword(_) => None,
        }
    }
}

/// An operand in a place that takes expressions of at least this level without parentheses.
struct Operand<'e>(&'e Expression, OperatorLevel);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.level() < self.1 {
            write!(f, "({})", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

impl OperatorLevel {
    /// The next tighter level, which the operands of a chain need.
    pub(super) const fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Equality,
            Self::Equality => Self::Relation,
            Self::Relation => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Negation,
            Self::Negation => Self::Power,
            Self::Power | Self::Primary => Self::Primary,
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExpressionKind::Number(number) => write!(f, "{}", PlainNumber(*number)),
            ExpressionKind::String(text) => {
                let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "\"{escaped}\"")
            }
            ExpressionKind::Id(id) => f.write_str(id),
            ExpressionKind::Array(items) => write!(f, "[{}]", commas(items)),
            ExpressionKind::Call {
                function,
                arguments,
            } => write!(f, "{}({})", function.name(), commas(arguments)),
            ExpressionKind::Negate(operand) => {
                write!(f, "-{}", Operand(operand, OperatorLevel::Negation))
            }
            ExpressionKind::Power { base, exponent } => write!(
                f,
                "{} ^ {}",
                Operand(base, OperatorLevel::Primary),
                Operand(exponent, OperatorLevel::Negation)
            ),
            ExpressionKind::Chain { first, rest } => {
                let operand_level = self.level().tighter();
                write!(f, "{}", Operand(first, operand_level))?;
                rest.iter().try_for_each(|(operator, operand)| {
                    let operand = Operand(operand, operand_level);
                    write!(f, " {} {operand}", operator.symbol())
                })
            }
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression(expression) => write!(f, "{expression}"),
            Self::Keyword(keyword) => f.write_str(keyword.name()),
        }
    }
}
