//! The operations of CloudWatch Logs, called as clients do.

mod groups;
mod queries;
mod streams;

use crate::tests::{START, Server};
