//! From a request to its service and operation (spec wire-protocols.md 2, in its order).

use http::Method;

use crate::body::check_payload;
use crate::decode::{Form, Input};
use crate::errors::{self, ApiError, framework};
use crate::operations::{self, Operation};
use crate::sigv4::Credential;
use crate::{Dialect, Protocol, RequestHead, Service};

/// Where a request goes.
#[derive(Debug)]
pub enum Route<'a> {
    /// A call of a declared operation; whether it is offered here is the callee's to say.
    Call(Call<'a>),
    /// OTLP over HTTP.
    Otlp(OtlpSignal),
    /// Nothing of AWS's: the console, the health check, or a plain 404.
    Other,
}

/// A routed call, its input not decoded yet.
#[derive(Debug)]
pub struct Call<'a> {
    pub dialect: Dialect,
    pub operation: &'static Operation,
    pub input: Input<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtlpSignal {
    Logs,
    Traces,
    Metrics,
}

/// A request that cannot be routed, with what is needed to say so in the caller's protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    pub dialect: Dialect,
    pub error: ApiError,
}

/// Routes by header, path, body and, last, by the credential scope.
///
/// `base_path` is the configured prefix that clients put in front (`/tenant-a`), or empty;
/// `body` is inflated.
///
/// # Errors
/// The answer to give: unknown operation, malformed form, header and path that disagree, a body
/// beyond the operation's own limit.
pub fn route<'a>(
    head: &'a RequestHead,
    base_path: &str,
    body: &'a [u8],
) -> Result<Route<'a>, Rejection> {
    let route = find(head, base_path, body)?;
    if let Route::Call(call) = &route {
        check_payload(call.operation, body.len()).map_err(|error| Rejection {
            dialect: call.dialect,
            error,
        })?;
    }
    Ok(route)
}

fn find<'a>(
    head: &'a RequestHead,
    base_path: &str,
    body: &'a [u8],
) -> Result<Route<'a>, Rejection> {
    let path = strip_base_path(&head.path, base_path);
    match framing(head, path) {
        Framing::Cbor { target } => cbor_call(head, target, body).map(Route::Call),
        Framing::Json { target } => json_call(head, target, body).map(Route::Call),
        Framing::Query => query_call(head, body).map(Route::Call),
        Framing::Rest { operation } => Ok(Route::Call(Call {
            dialect: Dialect::new(Protocol::RestJson, operation.service, &head.headers),
            operation,
            input: Input::Json(body),
        })),
        Framing::Otlp(signal) => Ok(Route::Otlp(signal)),
        Framing::Other => match scope_service(head) {
            None => Ok(Route::Other),
            Some(service) => {
                let dialect = Dialect::new(service.default_protocol(), service, &head.headers);
                Err(Rejection {
                    dialect,
                    error: framework::unknown_operation(dialect, path),
                })
            }
        },
    }
}

/// The caller's dialect as far as the head tells, for answers given before the body is read.
/// `None` when the request is nothing of AWS's.
pub fn dialect(head: &RequestHead, base_path: &str) -> Option<Dialect> {
    let path = strip_base_path(&head.path, base_path);
    let scope = scope_service(head);
    let (protocol, service) = match framing(head, path) {
        Framing::Cbor { target } => {
            let named = target.and_then(|(prefix, _)| Service::from_target_prefix(prefix));
            (
                Protocol::Cbor,
                named.or(scope).unwrap_or(Service::Monitoring),
            )
        }
        Framing::Json { target } => json_target(head, target, scope),
        Framing::Query => (Protocol::Query, scope.unwrap_or(Service::Monitoring)),
        Framing::Rest { operation } => (Protocol::RestJson, operation.service),
        Framing::Otlp(_) => return None,
        Framing::Other => scope.map(|service| (service.default_protocol(), service))?,
    };
    Some(Dialect::new(protocol, service, &head.headers))
}

/// How a request is framed, by its head alone.
enum Framing<'a> {
    Cbor {
        /// Service and operation in the path.
        target: Option<(&'a str, &'a str)>,
    },
    Json {
        target: &'a str,
    },
    Query,
    Rest {
        operation: &'static Operation,
    },
    Otlp(OtlpSignal),
    Other,
}

fn framing<'a>(head: &'a RequestHead, path: &'a str) -> Framing<'a> {
    let rpc_target = rpc_path(path);
    if head.header("smithy-protocol") == Some("rpc-v2-cbor") || rpc_target.is_some() {
        return Framing::Cbor { target: rpc_target };
    }
    if let Some(target) = head.header("x-amz-target") {
        return Framing::Json { target };
    }
    let media_type = head.media_type();
    if media_type.as_deref() == Some("application/x-www-form-urlencoded")
        && head.method == Method::POST
    {
        return Framing::Query;
    }
    let has_action = head
        .query
        .split('&')
        .any(|pair| pair.starts_with("Action="));
    if has_action && (head.method == Method::GET || head.method == Method::POST) {
        return Framing::Query;
    }
    if head.method == Method::POST {
        if let Some(operation) = operations::find_by_path(path)
            && credential_service(head).is_none_or(|name| name == operation.service.scope_name())
        {
            return Framing::Rest { operation };
        }
        match path {
            "/v1/logs" => return Framing::Otlp(OtlpSignal::Logs),
            "/v1/traces" => return Framing::Otlp(OtlpSignal::Traces),
            "/v1/metrics" => return Framing::Otlp(OtlpSignal::Metrics),
            _ => {}
        }
    }
    Framing::Other
}

/// The path without the configured prefix; unchanged when the prefix is not there.
pub fn strip_base_path<'a>(path: &'a str, base_path: &str) -> &'a str {
    let base_path = base_path.trim_end_matches('/');
    match path.strip_prefix(base_path) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// Service and operation of a path that ends in `/service/{Service}/operation/{Operation}`.
fn rpc_path(path: &str) -> Option<(&str, &str)> {
    let mut segments = path.rsplit('/');
    let operation = segments.next()?;
    let is_operation = segments.next()? == "operation";
    let service = segments.next()?;
    let is_service = segments.next()? == "service";
    (is_operation && is_service).then_some((service, operation))
}

fn credential_service(head: &RequestHead) -> Option<String> {
    Credential::of(head).map(|credential| credential.service)
}

fn scope_service(head: &RequestHead) -> Option<Service> {
    Service::from_scope_name(&credential_service(head)?)
}

fn cbor_call<'a>(
    head: &RequestHead,
    target: Option<(&str, &str)>,
    body: &'a [u8],
) -> Result<Call<'a>, Rejection> {
    let named = target.and_then(|(prefix, _)| Service::from_target_prefix(prefix));
    let service = named
        .or_else(|| scope_service(head))
        .unwrap_or(Service::Monitoring);
    let dialect = Dialect::new(Protocol::Cbor, service, &head.headers);
    let reject = |error| Rejection { dialect, error };

    let Some((_, name)) = target else {
        return Err(reject(framework::unknown_operation(dialect, &head.path)));
    };
    let has_protocol_header = head.header("smithy-protocol") == Some("rpc-v2-cbor");
    let operation = (named.is_some() && has_protocol_header && head.method == Method::POST)
        .then(|| operations::find(service, name))
        .flatten()
        .ok_or_else(|| reject(framework::unknown_operation(dialect, name)))?;
    Ok(Call {
        dialect,
        operation,
        input: Input::Cbor(body),
    })
}

/// Protocol and service of an `X-Amz-Target`, whose prefix may be unknown.
fn json_target(head: &RequestHead, target: &str, scope: Option<Service>) -> (Protocol, Service) {
    let prefix = target.split_once('.').map_or("", |(prefix, _)| prefix);
    let service = Service::from_target_prefix(prefix)
        .or(scope)
        .unwrap_or(Service::Monitoring);
    let protocol = match head.media_type().as_deref() {
        Some("application/x-amz-json-1.0") => Protocol::Json10,
        Some("application/x-amz-json-1.1") => Protocol::Json11,
        _ => match service.default_protocol() {
            protocol @ (Protocol::Json10 | Protocol::Json11) => protocol,
            _ => Protocol::Json11,
        },
    };
    (protocol, service)
}

fn json_call<'a>(head: &RequestHead, target: &str, body: &'a [u8]) -> Result<Call<'a>, Rejection> {
    let (protocol, service) = json_target(head, target, scope_service(head));
    let dialect = Dialect::new(protocol, service, &head.headers);
    let operation = target
        .split_once('.')
        .filter(|(prefix, _)| service.target_prefix() == Some(prefix))
        .filter(|_| head.method == Method::POST)
        .and_then(|(_, name)| operations::find(service, name));
    match operation {
        Some(operation) => Ok(Call {
            dialect,
            operation,
            input: Input::Json(body),
        }),
        None => Err(Rejection {
            dialect,
            error: framework::unknown_operation(dialect, target),
        }),
    }
}

fn query_call<'a>(head: &'a RequestHead, body: &'a [u8]) -> Result<Call<'a>, Rejection> {
    let scope = scope_service(head);
    let dialect = |service| Dialect::new(Protocol::Query, service, &head.headers);
    let reject = |service, error| Rejection {
        dialect: dialect(service),
        error,
    };
    let fallback = scope.unwrap_or(Service::Monitoring);

    // The body of a request that is no form (a presigned GET, say) is no part of the input.
    let is_form = head.media_type().as_deref() == Some("application/x-www-form-urlencoded");
    let form = Form::parse(&head.query, if is_form { body } else { b"" })
        .map_err(|error| reject(fallback, framework::serialization(error.to_string())))?;
    let action = form.get("Action").unwrap_or_default();
    if action.is_empty() {
        return Err(reject(fallback, framework::missing_action()));
    }
    let service = match form.get("Version") {
        Some(version) => match Service::from_query_version(version) {
            Some(service) => service,
            None => {
                let error = framework::unknown_version(action, version);
                return Err(reject(fallback, error));
            }
        },
        None => scope
            .or_else(|| service_of_action(action))
            .unwrap_or(fallback),
    };
    let operation = service
        .query_version()
        .and_then(|_| operations::find(service, action));
    match operation {
        Some(operation) => Ok(Call {
            dialect: dialect(service),
            operation,
            input: Input::Form(form),
        }),
        None => {
            let error = framework::unknown_operation(dialect(service), action);
            Err(reject(service, error))
        }
    }
}

/// The links in SNS notifications carry neither a version nor a signature.
fn service_of_action(action: &str) -> Option<Service> {
    [
        Service::Sns,
        Service::Monitoring,
        Service::Sts,
        Service::CloudFormation,
    ]
    .into_iter()
    .find(|service| operations::find(*service, action).is_some())
}

impl Call<'_> {
    /// The refusal of an operation that AWS has and this server does not offer.
    pub fn not_offered(&self) -> ApiError {
        errors::not_offered(self.dialect.service, self.operation.name)
    }
}
