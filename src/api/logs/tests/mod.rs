//! The operations of CloudWatch Logs, called as clients do.

mod streams;

use crate::testing::{START, Server};
