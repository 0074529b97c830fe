//! The five protocols and the [`Dialect`] of one caller.

use http::HeaderMap;

use crate::Service;

/// How a request is framed, and how its answer has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// awsQuery: form fields in, XML out.
    Query,
    /// awsJson 1.0.
    Json10,
    /// awsJson 1.1.
    Json11,
    /// smithy rpc-v2-cbor.
    Cbor,
    /// restJson1.
    RestJson,
}

impl Protocol {
    /// The `Content-Type` of answers (spec wire-protocols.md 4.1).
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Query => "text/xml",
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::Cbor => "application/cbor",
            Self::RestJson => "application/json",
        }
    }

    /// For access logs and own metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Json10 => "json-1.0",
            Self::Json11 => "json-1.1",
            Self::Cbor => "rpc-v2-cbor",
            Self::RestJson => "rest-json",
        }
    }

    pub const fn is_json(self) -> bool {
        matches!(self, Self::Json10 | Self::Json11 | Self::RestJson)
    }
}

/// All that an answer needs to know of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    pub protocol: Protocol,
    pub service: Service,
    /// The request carried `x-amzn-query-mode: true`: errors tell the legacy code in
    /// `x-amzn-query-error` (spec wire-protocols.md 4.3).
    pub query_mode: bool,
}

impl Dialect {
    pub fn new(protocol: Protocol, service: Service, headers: &HeaderMap) -> Self {
        let query_mode = headers
            .get("x-amzn-query-mode")
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        Self {
            protocol,
            service,
            query_mode,
        }
    }
}
