//! Which path goes where: our own pages, and all else to the gateway.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use belfry_catalog::Catalog;
use belfry_notify::Signer;
use belfry_wire::route::strip_base_path;

use crate::gateway::{self, Gateway};
use crate::health;
use crate::notification_pages::{self, NotificationPages};
use crate::own_metrics::{OwnMetrics, Sources};
use crate::test_clock::{self, TestClock};

/// Everything that answers requests.
pub struct Parts {
    pub gateway: Arc<Gateway>,
    pub catalog: Arc<dyn Catalog>,
    pub metrics: Arc<OwnMetrics>,
    pub sources: Arc<Sources>,
    pub signer: Arc<Signer>,
    pub pages: Arc<NotificationPages>,
    /// Only with `--test-clock`.
    pub test_clock: Option<Arc<TestClock>>,
}

pub fn router(parts: Parts) -> Router {
    let certificates = Arc::new(Certificates {
        signer: parts.signer,
        base_path: parts.gateway.base_path.clone(),
    });
    let aws = Router::new()
        .fallback(gateway::handle)
        .with_state(parts.gateway)
        .layer(middleware::from_fn_with_state(
            parts.pages,
            notification_pages::intercept,
        ))
        .layer(middleware::from_fn_with_state(certificates, certificate));
    // Answered here without a test clock, too: whoever asks which time rules, as `belfry query`
    // does, is no caller of AWS's operations and does not count as a failed one.
    let clock = match parts.test_clock {
        Some(clock) => get(test_clock::get)
            .post(test_clock::post)
            .with_state(clock),
        None => any(test_clock::absent),
    };
    Router::new()
        .route("/health", get(health::get).with_state(parts.catalog))
        .route(
            "/metrics",
            get(own_metrics).with_state((parts.metrics, parts.sources)),
        )
        .route("/_belfry/clock", clock)
        .fallback_service(aws)
}

async fn own_metrics(
    State((own, sources)): State<(Arc<OwnMetrics>, Arc<Sources>)>,
    headers: HeaderMap,
) -> Response {
    sources.read(&own).await;
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or("");
    match own.text(accept) {
        Ok((content_type, text)) => ([(header::CONTENT_TYPE, content_type)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Where the certificate of signed messages is found.
struct Certificates {
    signer: Arc<Signer>,
    base_path: String,
}

/// The certificate that SigningCertURL names (spec notifications.md 6); anything else goes on.
async fn certificate(
    State(certificates): State<Arc<Certificates>>,
    uri: Uri,
    request: Request,
    next: Next,
) -> Response {
    if !uri.path().ends_with(".pem") {
        return next.run(request).await;
    }
    let path = strip_base_path(uri.path(), &certificates.base_path);
    match certificates.signer.certificate_pem(path).await {
        Ok(Some(pem)) => {
            let headers = [
                (header::CONTENT_TYPE, "application/x-pem-file"),
                (header::CACHE_CONTROL, "public, max-age=86400"),
            ];
            (headers, pem).into_response()
        }
        Ok(None) => next.run(request).await,
        Err(error) => {
            tracing::error!(%error, "the signing certificate cannot be had");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Whether a person's browser asks, who wants a page and not XML.
pub fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
