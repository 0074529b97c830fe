//! Requests and answers as bytes, independent of any HTTP library.

use bytes::Bytes;
use http::header::{HOST, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode, request};

/// Tells what is wrong with an entity when the metrics are stored all the same.
const FAILURE_MESSAGE: HeaderName = HeaderName::from_static("x-amzn-failure-message");

/// The first part of a request, as received: nothing decoded, nothing normalised, because the
/// signature covers these very characters.
#[derive(Clone, Debug)]
pub struct RequestHead {
    pub method: Method,
    /// The path, still percent-encoded, base path included.
    pub path: String,
    /// The query string without its `?`, still percent-encoded; empty when there is none.
    pub query: String,
    /// `Host` among them, because every signature covers it.
    pub headers: HeaderMap,
}

impl From<request::Parts> for RequestHead {
    /// HTTP/2 requests carry `Host` as `:authority`; it becomes a header as clients sign it.
    fn from(parts: request::Parts) -> Self {
        let mut headers = parts.headers;
        if !headers.contains_key(HOST)
            && let Some(authority) = parts.uri.authority()
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            headers.insert(HOST, host);
        }
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers,
        }
    }
}

impl RequestHead {
    /// The header's text; `None` when absent or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type of the body, lower case, without parameters.
    pub fn media_type(&self) -> Option<String> {
        let text = self.header("content-type")?;
        let media = text.split(';').next().unwrap_or_default();
        Some(media.trim().to_ascii_lowercase())
    }
}

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Response {
    /// Says what PutMetricData put up with.
    #[must_use]
    pub fn with_failure_message(mut self, kind: &'static str) -> Self {
        self.headers
            .insert(FAILURE_MESSAGE, HeaderValue::from_static(kind));
        self
    }

    /// Keeps `held` until the last byte of the body is sent, or given up.
    #[must_use]
    pub fn holding<T: Send + 'static>(mut self, held: T) -> Self {
        let body = self.body;
        self.body = Bytes::from_owner(Held { body, _held: held });
        self
    }
}

struct Held<T> {
    body: Bytes,
    _held: T,
}

impl<T> AsRef<[u8]> for Held<T> {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn head(request: request::Builder) -> RequestHead {
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        parts.into()
    }

    #[test]
    fn the_authority_of_http_2_is_the_host() {
        let http2 = head(request::Request::get("http://belfry:2355/a%20b?x=%7E"));
        assert_eq!(http2.header("host"), Some("belfry:2355"));
        assert_eq!(
            (http2.path.as_str(), http2.query.as_str()),
            ("/a%20b", "x=%7E")
        );
        let http1 = head(request::Request::get("http://other/").header(HOST, "belfry"));
        assert_eq!(http1.header("host"), Some("belfry"));
    }

    #[test]
    fn a_body_holds_what_it_is_made_of() {
        let held = Arc::new(());
        let response = Response {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"body"),
        };
        let mut body = response.holding(held.clone()).body;
        let sent = body.split_to(2);
        drop(body);
        assert_eq!((&*sent, Arc::strong_count(&held)), (&b"bo"[..], 2));
        drop(sent);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn media_types_have_no_parameters() {
        let form = "Application/X-WWW-form-urlencoded ; charset=utf-8";
        let head = head(request::Request::post("/").header("content-type", form));
        assert_eq!(
            head.media_type().as_deref(),
            Some("application/x-www-form-urlencoded")
        );
    }
}
