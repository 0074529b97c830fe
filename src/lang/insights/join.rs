//! `join` (spec logs-insights.md 6.19)

use std::fmt;

use super::field::{FieldPath, Name};
use super::query::Query;
use super::text::joined;

/// `join type=left left=a right=b where a.x = b.y (query)`
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    pub kind: JoinKind,
    /// Name of the rows so far. Both names are given and differ.
    pub left: Name,
    /// Name of the rows of `query`.
    pub right: Name,
    /// All must be equal; never empty.
    pub conditions: Vec<JoinCondition>,
    pub query: Box<Query>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinKind {
    Inner,
    Left,
}

/// One equality, its sides sorted: which was written first does not matter.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinCondition {
    /// Field of the left rows, without the alias.
    pub left: FieldPath,
    /// Field of the right rows, without the alias.
    pub right: FieldPath,
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            JoinKind::Inner => "inner",
            JoinKind::Left => "left",
        };
        let conditions: Vec<String> = self
            .conditions
            .iter()
            .map(|condition| {
                format!(
                    "{} = {}",
                    condition.left.qualified(&self.left),
                    condition.right.qualified(&self.right)
                )
            })
            .collect();
        write!(
            f,
            "join type={kind} left={} right={} where {} ({})",
            self.left,
            self.right,
            joined(&conditions, " and "),
            self.query
        )
    }
}
