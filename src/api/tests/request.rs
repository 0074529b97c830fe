//! One request written in each protocol, from its JSON form. `benches/request_decode.rs` takes its
//! requests from here too.

#[path = "form.rs"]
mod form;

use belfry_wire::route::{Route, route};
use belfry_wire::{ApiError, Input, Protocol, RequestHead};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

pub const PROTOCOLS: [Protocol; 3] = [Protocol::Query, Protocol::Json10, Protocol::Cbor];

pub struct Request {
    pub head: RequestHead,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(protocol: Protocol, operation: &str, input: &Value) -> Self {
        let target = format!("GraniteServiceVersion20100801.{operation}");
        let path = format!("/service/GraniteServiceVersion20100801/operation/{operation}");
        let (path, headers, body) = match protocol {
            Protocol::Query => {
                return Self::form(operation, "2010-08-01", input);
            }
            Protocol::Cbor => {
                let mut body = Vec::new();
                ciborium::into_writer(input, &mut body).expect("CBOR");
                let headers = vec![
                    ("content-type", "application/cbor"),
                    ("smithy-protocol", "rpc-v2-cbor"),
                    ("x-amzn-query-mode", "true"),
                ];
                (&*path, headers, body)
            }
            _ => {
                let headers = vec![
                    ("content-type", "application/x-amz-json-1.0"),
                    ("x-amz-target", &*target),
                    ("x-amzn-query-mode", "true"),
                ];
                ("/", headers, input.to_string().into_bytes())
            }
        };
        Self::post(path, &headers, body)
    }

    /// Of CloudWatch Logs, which has one protocol.
    pub fn logs(operation: &str, input: &Value) -> Self {
        let target = format!("Logs_20140328.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", &*target),
        ];
        Self::post("/", &headers, input.to_string().into_bytes())
    }

    /// Of SNS, which has one protocol.
    pub fn sns(operation: &str, input: &Value) -> Self {
        Self::form(operation, "2010-03-31", input)
    }

    fn form(operation: &str, version: &str, input: &Value) -> Self {
        let mut form = format!("Action={operation}&Version={version}");
        form::flatten("", input, &mut form);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        Self::post("/", &headers, form.into_bytes())
    }

    fn post(path: &str, headers: &[(&'static str, &str)], body: Vec<u8>) -> Self {
        let mut map = HeaderMap::new();
        for &(name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header");
            map.insert(HeaderName::from_static(name), value);
        }
        Self {
            head: RequestHead {
                method: Method::POST,
                path: path.to_owned(),
                query: String::new(),
                headers: map,
            },
            body,
        }
    }

    /// Routes the request and hands its input to `read`.
    pub fn with_input<T>(
        &self,
        read: impl FnOnce(belfry_wire::Dialect, Input<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        match route(&self.head, "", &self.body) {
            Ok(Route::Call(call)) => read(call.dialect, call.input),
            Ok(other) => panic!("{other:?}"),
            Err(rejection) => Err(rejection.error),
        }
    }
}
