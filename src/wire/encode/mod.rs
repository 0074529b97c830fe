//! From an operation's output or error to the bytes of an answer (spec wire-protocols.md 4).

mod xml;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::errors::{self, ApiError, Origin};
use crate::operations::{Operation, Output};
use crate::{Dialect, Protocol, Response, Service};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

/// The output of operations that answer nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// The answer to a call that succeeded.
pub fn encode<T: Serialize + ?Sized>(
    dialect: Dialect,
    operation: &Operation,
    request_id: &str,
    output: &T,
) -> Response {
    let body = match dialect.protocol {
        Protocol::Query => query_body(dialect.service, operation, request_id, output),
        Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
            serde_json::to_vec(output).map_err(|error| error.to_string())
        }
        Protocol::Cbor => cbor_body(output),
    };
    match body {
        Ok(body) => respond(dialect.protocol, StatusCode::OK, request_id, body),
        // An output structure that cannot be written is our own mistake, found by tests.
        Err(error) => encode_error(
            dialect,
            request_id,
            &errors::internal(dialect.service, error),
        ),
    }
}

/// The answer to a call that failed.
pub fn encode_error(dialect: Dialect, request_id: &str, error: &ApiError) -> Response {
    let protocol = dialect.protocol;
    let body = match protocol {
        Protocol::Query => query_error_body(dialect.service, request_id, error),
        Protocol::Cbor => cbor_body(&error_members(dialect.service, error)).unwrap_or_default(),
        Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
            serde_json::to_vec(&error_members(dialect.service, error)).unwrap_or_default()
        }
    };
    let mut response = respond(protocol, error_status(protocol, error), request_id, body);
    if protocol == Protocol::RestJson
        && let Ok(shape) = HeaderValue::from_str(&error.shape)
    {
        response.headers.insert(ERROR_TYPE, shape);
    }
    if let Some(value) = legacy_code(dialect, error) {
        response.headers.insert(QUERY_ERROR, value);
    }
    response
}

fn respond(protocol: Protocol, status: StatusCode, request_id: &str, body: Vec<u8>) -> Response {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(protocol.content_type()),
    );
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    if protocol == Protocol::Cbor {
        headers.insert(SMITHY_PROTOCOL, HeaderValue::from_static("rpc-v2-cbor"));
    }
    Response {
        status,
        headers,
        body: Bytes::from(body),
    }
}

fn cbor_body<T: Serialize + ?Sized>(output: &T) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    ciborium::into_writer(output, &mut body).map_err(|error| error.to_string())?;
    Ok(body)
}

fn query_body<T: Serialize + ?Sized>(
    service: Service,
    operation: &Operation,
    request_id: &str,
    output: &T,
) -> Result<Vec<u8>, String> {
    let name = operation.name;
    let mut out = format!("<{name}Response xmlns=\"{}\">", service.xml_namespace());
    if operation.output != Output::Nothing {
        out.push_str(&format!("<{name}Result>"));
        let content = out.len();
        xml::write(&mut out, output).map_err(|error| error.to_string())?;
        if out.len() == content {
            out.truncate(content - 1);
            out.push_str("/>");
        } else {
            out.push_str(&format!("</{name}Result>"));
        }
    }
    out.push_str("<ResponseMetadata><RequestId>");
    xml::escape_into(&mut out, request_id);
    out.push_str(&format!("</RequestId></ResponseMetadata></{name}Response>"));
    Ok(out.into_bytes())
}

fn query_error_body(service: Service, request_id: &str, error: &ApiError) -> Vec<u8> {
    let mut out = format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type><Code>",
        service.xml_namespace(),
        error.fault().name(),
    );
    xml::escape_into(&mut out, &error.code);
    out.push_str("</Code>");
    if let Some(message) = &error.message {
        out.push_str("<Message>");
        xml::escape_into(&mut out, message);
        out.push_str("</Message>");
    }
    for (name, value) in error.members() {
        xml::write_json_member(&mut out, name, value);
    }
    out.push_str("</Error><RequestId>");
    xml::escape_into(&mut out, request_id);
    out.push_str("</RequestId></ErrorResponse>");
    out.into_bytes()
}

/// The map that JSON and CBOR errors consist of, `__type` first.
fn error_members(service: Service, error: &ApiError) -> Map<String, Value> {
    let mut members = Map::new();
    let shape = format!("{}{}", shape_namespace(service, error), error.shape);
    members.insert("__type".to_owned(), Value::String(shape));
    if let Some(message) = &error.message {
        let member = error.message_member(service).to_owned();
        members.insert(member, Value::String(message.clone()));
    }
    for (name, value) in error.members() {
        members.insert(name.clone(), value.clone());
    }
    members
}

/// Only CloudWatch's errors carry a namespace (spec wire-protocols.md 4.2).
fn shape_namespace(service: Service, error: &ApiError) -> &'static str {
    if service != Service::Monitoring {
        return "";
    }
    match error.origin {
        Origin::Service => "com.amazonaws.cloudwatch.v2010_08_01#",
        Origin::Validation => "com.amazon.coral.validate#",
        Origin::Framework => "com.amazon.coral.service#",
    }
}

/// awsJson 1.1 services answer 400 to every client error (spec wire-protocols.md 4.2).
fn error_status(protocol: Protocol, error: &ApiError) -> StatusCode {
    if protocol == Protocol::Json11 && error.status.is_client_error() {
        StatusCode::BAD_REQUEST
    } else {
        error.status
    }
}

/// The value of `x-amzn-query-error`, for callers that asked for it.
fn legacy_code(dialect: Dialect, error: &ApiError) -> Option<HeaderValue> {
    let has_code = dialect.query_mode
        && dialect.protocol != Protocol::Query
        && error.origin != Origin::Framework;
    if !has_code {
        return None;
    }
    HeaderValue::from_str(&format!("{};{}", error.code, error.fault().name())).ok()
}
