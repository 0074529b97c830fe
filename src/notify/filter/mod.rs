//! Filter policies: which messages a subscription wants (spec notifications.md 7).
//!
//! | file | what |
//! |---|---|
//! | `condition` | one matcher and the values it looks at |
//! | `parse` | JSON text to a policy, with AWS's validation texts |
//! | `body` | a message body as flattened fields that know their array elements |
//! | `evaluate` | a policy against a message |

mod body;
mod condition;
mod evaluate;
mod parse;

use condition::Condition;

pub use evaluate::Outcome;

/// What a policy looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    #[default]
    MessageAttributes,
    MessageBody,
}

impl Scope {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "MessageAttributes" => Some(Self::MessageAttributes),
            "MessageBody" => Some(Self::MessageBody),
            _ => None,
        }
    }
}

/// A parsed policy: any of the alternatives, each of which wants all of its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterPolicy {
    scope: Scope,
    alternatives: Vec<Vec<Key>>,
}

/// One key of a policy: a dotted path and the conditions of which one must hold.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    path: String,
    conditions: Vec<Condition>,
}
