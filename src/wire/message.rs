//! Requests and answers as bytes, independent of any HTTP library.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

/// The first part of a request, as received: nothing decoded, nothing normalised, because the
/// signature covers these very characters.
#[derive(Clone, Debug)]
pub struct RequestHead {
    pub method: Method,
    /// The path, still percent-encoded, base path included.
    pub path: String,
    /// The query string without its `?`, still percent-encoded; empty when there is none.
    pub query: String,
    /// `Host` among them: HTTP/2 requests carry it as `:authority`, which the server copies here,
    /// because every signature covers it.
    pub headers: HeaderMap,
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
