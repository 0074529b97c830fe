//! Expressions (spec logs-insights.md 4): the tree.
//!
//! Its text form is in `expression_text`, its parser in `expression_grammar`.

use crate::span::Span;

use super::duration::Duration;
use super::field::{FieldPath, Segment};
use super::functions::Function;
use super::query::Query;
use super::regex_literal::RegexLiteral;

/// An expression and where it stands in the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Literal(Literal),
    /// A field, a column of an earlier command, or a step into a structure value.
    Field(FieldPath),
    Call(Call),
    /// A step into the value of anything but a field: `jsonParse(x).items[0]`. Never empty.
    Access {
        value: Box<Expr>,
        segments: Vec<Segment>,
    },
    /// `[a, b]`
    List(Vec<Expr>),
    Sign {
        sign: Sign,
        operand: Box<Expr>,
    },
    Arithmetic {
        operator: ArithmeticOperator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Comparison {
        operator: ComparisonOperator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `value like …`, `value not like …`
    Like {
        value: Box<Expr>,
        pattern: MatchPattern,
        negated: bool,
    },
    /// `value =~ …`
    RegexMatch {
        value: Box<Expr>,
        pattern: MatchPattern,
    },
    /// `value in …`, `value not in …`
    In {
        value: Box<Expr>,
        set: InSet,
        negated: bool,
    },
    /// `not x` and `!x`
    Not(Box<Expr>),
    /// Two or more conditions, as they were chained without parentheses.
    And(Vec<Expr>),
    /// Two or more conditions, as they were chained without parentheses.
    Or(Vec<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Escapes resolved.
    String(String),
    /// Never negative, always finite: a sign is [`ExprKind::Sign`].
    Number(f64),
    /// `true` is 1, `false` is 0 (2.3).
    Boolean(bool),
    /// `null` is the missing value.
    Null,
}

/// A call with a known function and an allowed number of arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub function: Function,
    /// `count(*)`: then there are no arguments.
    pub star: bool,
    pub arguments: Vec<Argument>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    Expr(Expr),
    /// Only where the function's declaration asks for one, and always there.
    Duration(Duration),
}

/// Right side of `like` and `=~`.
#[derive(Clone, Debug, PartialEq)]
pub enum MatchPattern {
    Regex(RegexLiteral),
    /// `like`: a substring; `=~`: the text of a regex (3.5). A constant one after `=~` compiles.
    Text(Box<Expr>),
}

/// Right side of `in`.
#[derive(Clone, Debug, PartialEq)]
pub enum InSet {
    /// `[v1, v2]`, possibly empty.
    List(Vec<Expr>),
    /// `( query )` (6.20).
    Subquery(Box<Query>),
    /// Anything else: a value that should be a list.
    Value(Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    Plus,
    Minus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArithmeticOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComparisonOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Expr {
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// The direct parts of this expression, from left to right. Subqueries are not entered.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Field(_) => Vec::new(),
            ExprKind::Call(call) => call.expressions().collect(),
            ExprKind::Access { value, .. } => vec![value],
            ExprKind::List(items) | ExprKind::And(items) | ExprKind::Or(items) => {
                items.iter().collect()
            }
            ExprKind::Sign { operand, .. } | ExprKind::Not(operand) => vec![operand],
            ExprKind::Arithmetic { left, right, .. } | ExprKind::Comparison { left, right, .. } => {
                vec![left, right]
            }
            ExprKind::Like { value, pattern, .. } | ExprKind::RegexMatch { value, pattern } => {
                match pattern {
                    MatchPattern::Regex(_) => vec![value],
                    MatchPattern::Text(text) => vec![value, text],
                }
            }
            ExprKind::In { value, set, .. } => match set {
                InSet::List(items) => std::iter::once(&**value).chain(items).collect(),
                InSet::Subquery(_) => vec![value],
                InSet::Value(list) => vec![value, list],
            },
        }
    }

    /// Whether an aggregate function is called anywhere in it.
    pub fn contains_aggregate(&self) -> bool {
        matches!(&self.kind, ExprKind::Call(call) if call.function.is_aggregate())
            || self.children().into_iter().any(Expr::contains_aggregate)
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

    /// How a later command may refer to an unnamed column made by this expression, if it is a
    /// single call: the call again, white space and letter case aside (6.6.3). Two calls refer to
    /// each other if their keys are equal: `SUM( Fault )` and `sum(fault)` do.
    pub fn reference_key(&self) -> Option<String> {
        match &self.kind {
            ExprKind::Call(call) => Some(reference_key_of_text(&call.to_string())),
            _ => None,
        }
    }
}

/// Folds the text of a call to what [`Expr::reference_key`] gives.
fn reference_key_of_text(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

impl Call {
    /// The arguments that are expressions.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Expr(expr) => Some(expr),
            Argument::Duration(_) => None,
        })
    }

    /// The argument that is a duration.
    pub fn duration(&self) -> Option<Duration> {
        self.arguments.iter().find_map(|argument| match argument {
            Argument::Duration(duration) => Some(*duration),
            Argument::Expr(_) => None,
        })
    }
}

impl ComparisonOperator {
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl ArithmeticOperator {
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
        }
    }
}
