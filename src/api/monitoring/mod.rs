//! placeholder

use crate::operation::Handler;

pub const OPERATIONS: &[&dyn Handler] = &[];
