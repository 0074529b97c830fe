//! The operations of CloudWatch Logs, called as clients do.

mod groups;
mod queries;
mod streams;

use serde_json::Value;

use crate::tests::{START, Server};

/// Code and text of a refusal.
async fn refusal(server: &Server, operation: &str, input: Value) -> (String, String) {
    let error = server.logs(operation, input).await.expect_err(operation);
    (error.code.into_owned(), error.message.unwrap_or_default())
}
