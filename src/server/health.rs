//! `GET /health`: 200 once the store is open and replayed, and while the catalog answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use belfry_catalog::Catalog;
use serde_json::json;

/// The listener starts only after the stores are open and replayed, so that what is left to
/// check is whether the catalog still answers.
pub async fn get(State(catalog): State<Arc<dyn Catalog>>) -> Response {
    match catalog.outbox_len().await {
        Ok(waiting) => {
            Json(json!({"status": "ok", "notifications_waiting": waiting})).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the catalog does not answer");
            let body = Json(json!({"status": "catalog unavailable"}));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}
