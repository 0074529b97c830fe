//! STS: the one call that tools make to learn who they are.

mod get_caller_identity;

use crate::operation::{Handler, Typed};

pub use get_caller_identity::GetCallerIdentity;

pub const OPERATIONS: &[&dyn Handler] = &[&Typed::<GetCallerIdentity>::NEW];
