//! From an HTTP request to an AWS operation and back.
//!
//! head -> bytes, as far as there is room -> signature -> inflate -> route -> operation -> encoded
//! answer. Every answer, errors included, is in the caller's own protocol and carries a request
//! id.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response as HttpResponse};
use belfry_api::{Call, Services, table};
use belfry_model::Tenant;
use belfry_wire::body::{Encoding, check_size, encoding};
use belfry_wire::errors::{self, ApiError, framework};
use belfry_wire::route::{self, Route};
use belfry_wire::sigv4::{AuthError, Credential, Principal};
use belfry_wire::{Dialect, Protocol, RequestHead, Response, Service, encode_error};
use bytes::Bytes;
use uuid::Uuid;

use crate::admission::Admission;
use crate::auth::{AuthMode, Authority, is_region};
use crate::invocation;
use crate::own_metrics::{Own, OwnMetrics, RequestLabels};
use crate::request_body::{self, Unread};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Ours: the longest unsigned body that is read where requests have to be signed. What may be
/// unsigned, the links in notifications, has none, or a short form.
const UNSIGNED_BYTES_MAX: u64 = 16 * 1_024;

/// What a request is handled with.
pub struct Gateway {
    pub services: Services,
    pub authority: Authority,
    pub admission: Admission,
    pub metrics: Arc<OwnMetrics>,
    pub base_path: String,
}

/// What the request log says of a request.
struct Account {
    dialect: Option<Dialect>,
    operation: &'static str,
    tenant: Option<Tenant>,
    code: Option<String>,
    received: usize,
}

/// Handles everything that is no page of ours.
///
/// A connection that closes drops its request's future wherever it stands. The work is a task of
/// its own, so that none is left half done: a change in the catalog whose caches were not told.
pub async fn handle(State(gateway): State<Arc<Gateway>>, request: Request) -> HttpResponse {
    match tokio::spawn(gateway.to_the_end(request)).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "a request broke off");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl Gateway {
    async fn to_the_end(self: Arc<Self>, request: Request) -> HttpResponse {
        let started = Instant::now();
        let request_id = Uuid::new_v4().to_string();
        let (parts, body) = request.into_parts();
        let head = RequestHead::from(parts);
        let mut account = Account {
            dialect: route::dialect(&head, &self.base_path),
            operation: "",
            tenant: None,
            code: None,
            received: 0,
        };
        let mut answer = self.answer(&head, body, &request_id, &mut account).await;
        // Encoded answers have it already; a plain 404 is in no protocol and needs it as well.
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            answer.headers_mut().entry(REQUEST_ID).or_insert(id);
        }
        self.log(&head, &request_id, &account, answer.status(), started);
        answer
    }

    async fn answer(
        &self,
        head: &RequestHead,
        body: Body,
        request_id: &str,
        account: &mut Account,
    ) -> HttpResponse {
        match self.process(head, body, request_id, account).await {
            Ok(Some(response)) => self.http(response),
            Ok(None) => (StatusCode::NOT_FOUND, "not found\n").into_response(),
            Err(error) => {
                account.code = Some(error.code.to_string());
                match account.dialect {
                    Some(dialect) => self.http(encode_error(dialect, request_id, &error)),
                    None => (error.status, format!("{error}\n")).into_response(),
                }
            }
        }
    }

    /// `None` for what is nothing of AWS's.
    async fn process(
        &self,
        head: &RequestHead,
        mut body: Body,
        request_id: &str,
        account: &mut Account,
    ) -> Result<Option<Response>, ApiError> {
        let Some(dialect) = account.dialect else {
            return Ok(None);
        };
        if let Err(error) = self.check_head(head, &body, dialect) {
            request_body::discard(&mut body).await;
            return Err(error);
        }
        let mut room = self.admission.begin();
        let received = match request_body::read(&mut body, &mut room).await {
            Ok(received) => received,
            Err(unread) => {
                // Others may be waiting for it.
                drop(room);
                request_body::discard(&mut body).await;
                return Err(self.unread(unread, dialect));
            }
        };
        account.received = received.len();
        self.metrics.add(Own::ReceivedBytes, received.len() as u64);

        let (tenant, principal) = self.authenticate(head, &received, dialect)?;
        account.tenant = Some(tenant.clone());

        let received_len = received.len();
        let invocation = invocation::key(head, &received);
        let body = request_body::inflate(head, received, &mut room)
            .await
            .map_err(|unread| self.unread(unread, dialect))?;
        let routed = route::route(head, &self.base_path, &body).map_err(|rejection| {
            account.dialect = Some(rejection.dialect);
            rejection.error
        })?;
        let Route::Call(routed) = routed else {
            return Ok(None);
        };
        account.dialect = Some(routed.dialect);
        account.operation = routed.operation.name;
        let must_be_signed = self.authority.mode == AuthMode::SigV4 && !may_be_unsigned(&routed);
        if principal.is_none() && must_be_signed {
            return Err(AuthError::Missing.to_api_error(routed.dialect));
        }
        if let Some(principal) = &principal {
            // Only now is it known which service the request is for.
            principal
                .check_service(routed.dialect.service)
                .map_err(|error| error.to_api_error(routed.dialect))?;
        }
        // Without checks, whoever shows a key counts as its owner; links in mails show none.
        let is_signed = principal.is_some()
            || (self.authority.mode == AuthMode::None && Credential::of(head).is_some());
        check_size(routed.operation, received_len)?;
        let Some(operation) = table::find(routed.dialect.service, routed.operation.name) else {
            return Err(routed.not_offered());
        };
        let call = Call {
            now: self.services.clock.now(),
            request_id: request_id.to_owned(),
            dialect: routed.dialect,
            principal: is_signed.then(|| root_arn(&tenant)),
            tenant,
            invocation,
        };
        operation
            .handle(&self.services, &call, routed.input)
            .await
            .map(Some)
    }

    /// What can be refused before a byte of the body is read: where requests have to be signed,
    /// whoever claims no signature of a known key gets no memory.
    fn check_head(
        &self,
        head: &RequestHead,
        body: &Body,
        dialect: Dialect,
    ) -> Result<(), ApiError> {
        if self.authority.mode == AuthMode::None {
            return Ok(());
        }
        let checked = if is_signed(head) {
            self.authority.check_head(head, self.services.clock.now())
        } else if may_be_link(head, body, dialect) {
            Ok(())
        } else {
            Err(AuthError::Missing)
        };
        checked.map_err(|error| error.to_api_error(dialect))
    }

    fn unread(&self, unread: Unread, dialect: Dialect) -> ApiError {
        match unread {
            Unread::NoRoom => {
                self.metrics.add(Own::ThrottledRequests, 1);
                errors::throttled(dialect.service, "Rate exceeded")
            }
            Unread::Refused(error) => error,
        }
    }

    /// The tenant of a request and, where signatures are checked, its signer.
    fn authenticate(
        &self,
        head: &RequestHead,
        body: &Bytes,
        dialect: Dialect,
    ) -> Result<(Tenant, Option<Principal>), ApiError> {
        let claimed = Credential::of(head);
        if self.authority.mode == AuthMode::None {
            let access_key = claimed.as_ref().map(|c| c.access_key.as_str());
            let region = claimed.as_ref().map(|c| c.region.as_str());
            let tenant = self.authority.unverified_tenant(access_key, region);
            return Ok((tenant, None));
        }
        if !is_signed(head) {
            // Whether that is allowed depends on the operation, which is not known yet.
            return Ok((self.authority.unverified_tenant(None, None), None));
        }
        let now = self.services.clock.now();
        let principal = self
            .authority
            .verify(head, body, now)
            .map_err(|error| error.to_api_error(dialect))?;
        if !is_region(&principal.region) {
            return Err(framework::access_denied(
                dialect.service,
                dialect,
                "The region of the credential scope is not a region name.",
            ));
        }
        let tenant = Tenant::new(principal.account.as_str(), principal.region.as_str());
        Ok((tenant, Some(principal)))
    }

    fn http(&self, response: Response) -> HttpResponse {
        let mut http = HttpResponse::new(Body::from(response.body));
        *http.status_mut() = response.status;
        *http.headers_mut() = response.headers;
        // SDKs take their clock offset from this: it must be the time that rules here.
        let date = self.services.clock.now().to_datetime();
        if let Some(date) = date
            && let Ok(date) =
                HeaderValue::from_str(&date.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        {
            http.headers_mut().insert(header::DATE, date);
        }
        http
    }

    fn log(
        &self,
        head: &RequestHead,
        request_id: &str,
        account: &Account,
        status: StatusCode,
        started: Instant,
    ) {
        let elapsed = started.elapsed();
        let service = account.dialect.map_or("-", |d| d.service.scope_name());
        let protocol = account.dialect.map_or("-", |d| d.protocol.name());
        self.metrics.request_answered(
            RequestLabels {
                service,
                operation: account.operation,
                protocol,
                status: status.as_u16(),
            },
            elapsed.as_secs_f64(),
        );
        tracing::info!(
            target: "belfry::request",
            request_id,
            service,
            operation = account.operation,
            protocol,
            status = status.as_u16(),
            code = account.code.as_deref(),
            tenant = account.tenant.as_ref().map(tracing::field::display),
            received = account.received,
            ms = (elapsed.as_secs_f64() * 1e5).round() / 1e2,
            agent = head.header("user-agent"),
            "request"
        );
    }
}

fn root_arn(tenant: &Tenant) -> String {
    format!("arn:aws:iam::{}:root", tenant.account)
}

/// The links in notifications are visited unsigned (spec notifications.md 2.4).
fn may_be_unsigned(call: &route::Call<'_>) -> bool {
    call.dialect.service == Service::Sns
        && call.dialect.protocol == Protocol::Query
        && matches!(call.operation.name, "ConfirmSubscription" | "Unsubscribe")
}

/// Whether the request says it is signed, in its head or its query string.
fn is_signed(head: &RequestHead) -> bool {
    head.headers.contains_key(header::AUTHORIZATION) || Credential::of(head).is_some()
}

/// Whether an unsigned request can be one of those that may be; which operation it asks for can
/// stand in its body.
fn may_be_link(head: &RequestHead, body: &Body, dialect: Dialect) -> bool {
    let is_short = body
        .size_hint()
        .upper()
        .is_some_and(|bytes| bytes <= UNSIGNED_BYTES_MAX);
    dialect.protocol == Protocol::Query && is_short && encoding(head) == Ok(Encoding::Identity)
}
